"""The part that the Python drivers of the client matrix share.

A driver is a process. It reads one call a line from its standard input, as {"call": name, "arguments": {...}}, and writes one answer a
line, {"result": ...} or {"error": text, "code": Kafka's error code or null}. Calls are methods of the driver object. Bytes are base64.
"""

import base64
import json
import sys


def to_bytes(text):
    return None if text is None else base64.b64decode(text)


def to_text(data):
    return None if data is None else base64.b64encode(data).decode()


def record(key, value, headers, timestamp, offset):
    """A record as the test reads it."""
    return {
        "key": to_text(key),
        "value": to_text(value),
        "headers": [{"name": name, "value": to_text(data)} for name, data in headers or []],
        "timestampMs": timestamp,
        "offset": offset,
    }


def position_of(text):
    """A position is "beginning", "end", "time:MS" or an offset; returns its kind and number."""
    if text in ("beginning", "end"):
        return text, None
    kind, _, number = text.rpartition(":")
    return kind or "offset", int(number)


def serve(driver, code_of):
    """Answers calls until the standard input ends. code_of(exception) is Kafka's error code, if the exception stands for one."""
    answers = sys.stdout
    sys.stdout = sys.stderr
    for line in sys.stdin:
        call = json.loads(line)
        try:
            answer = {"result": getattr(driver, call["call"])(**call["arguments"])}
        except Exception as error:
            answer = {"error": f"{type(error).__name__}: {error}", "code": code_of(error)}
        answers.write(json.dumps(answer) + "\n")
        answers.flush()
