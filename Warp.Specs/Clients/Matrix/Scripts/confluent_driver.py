"""Drives confluent-kafka (Python on librdkafka) for the client matrix; driver.py describes calls and answers."""

import sys
import threading

import confluent_kafka
from confluent_kafka import (
    Consumer, KafkaError, KafkaException, OFFSET_BEGINNING, OFFSET_END, Producer, TIMESTAMP_NOT_AVAILABLE, TopicPartition)
from confluent_kafka.admin import AdminClient, ConfigResource, NewPartitions, NewTopic

import driver

TIMEOUT = 20


class Driver:
    def __init__(self, bootstrap):
        self.common = {"bootstrap.servers": bootstrap, "log_level": 0}
        self.admin = AdminClient(self.common)
        self.members = {}

    def version(self):
        return f"{confluent_kafka.version()[0]} (librdkafka {confluent_kafka.libversion()[0]})"

    def produce(self, topic, partition, codec, acks, idempotent, records):
        settings = {"compression.type": codec, "acks": acks, "enable.idempotence": idempotent, "linger.ms": 10}
        producer = Producer({**self.common, **settings, "message.timeout.ms": TIMEOUT * 1000})
        errors = []
        extra = {} if partition is None else {"partition": partition}
        for record in records:
            if record["timestampMs"] is not None:
                extra["timestamp"] = record["timestampMs"]
            producer.produce(
                topic, driver.to_bytes(record["value"]), driver.to_bytes(record["key"]),
                headers=[(header["name"], driver.to_bytes(header["value"])) for header in record["headers"]],
                on_delivery=lambda error, _: error and errors.append(error), **extra)
        left = producer.flush(TIMEOUT)
        if errors:
            raise KafkaException(errors[0])
        if left:
            raise TimeoutError(f"{left} records were not delivered")

    def read(self, topic, partition, positions):
        consumer = self._consumer("reader", {"enable.partition.eof": True})
        try:
            consumer.list_topics(topic, TIMEOUT)  # what is assigned before its leader is known waits half a second
            runs = []
            for position in positions:
                start = TopicPartition(topic, partition, self._offset(consumer, topic, partition, position))
                consumer.seek(start) if runs else consumer.assign([start])
                runs.append(self._read_to_end(consumer))
            return runs
        finally:
            consumer.close()

    def watermarks(self, topic, partition):
        consumer = self._consumer("watermarks")
        try:
            low, high = consumer.get_watermark_offsets(TopicPartition(topic, partition), TIMEOUT, cached=False)
            return {"low": low, "high": high}
        finally:
            consumer.close()

    def offset_for_time(self, topic, partition, timestamp_ms):
        consumer = self._consumer("times")
        try:
            return self._offset(consumer, topic, partition, f"time:{timestamp_ms}")
        finally:
            consumer.close()

    def describe_cluster(self):
        cluster = self.admin.list_topics(timeout=TIMEOUT)
        return {"clusterId": cluster.cluster_id, "controller": cluster.controller_id, "brokers": sorted(cluster.brokers)}

    def create_topic(self, topic, partitions, configs):
        self._done(self.admin.create_topics([NewTopic(topic, partitions, 1, config=configs)]))

    def list_topics(self):
        return sorted(self.admin.list_topics(timeout=TIMEOUT).topics)

    def describe_topic(self, topic):
        found = self.admin.list_topics(topic, timeout=TIMEOUT).topics[topic]
        return [{"partition": p.id, "leader": p.leader, "replicas": p.replicas} for p in found.partitions.values()]

    def create_partitions(self, topic, total):
        self._done(self.admin.create_partitions([NewPartitions(topic, total)]))

    def describe_configs(self, topic):
        entries = self._done(self.admin.describe_configs([ConfigResource(ConfigResource.Type.TOPIC, topic)]))
        return {name: entry.value for name, entry in entries.items()}

    def alter_configs(self, topic, configs):
        self._done(self.admin.alter_configs([ConfigResource(ConfigResource.Type.TOPIC, topic, set_config=configs)]))

    def delete_topic(self, topic):
        self._done(self.admin.delete_topics([topic]))

    def start_member(self, member, group, topic, assignor, instance, auto_commit):
        settings = {
            "partition.assignment.strategy": assignor, "auto.offset.reset": "earliest", "session.timeout.ms": 6000,
            "heartbeat.interval.ms": 300, "enable.auto.commit": auto_commit, "auto.commit.interval.ms": 200,
            "topic.metadata.refresh.interval.ms": 500}
        if instance is not None:
            settings["group.instance.id"] = instance
        self.members[member] = Member(self._consumer(group, settings), topic, assignor == "cooperative-sticky")

    def member_state(self, member):
        return self.members[member].state()

    def commit_member(self, member):
        self.members[member].commit()

    def close_member(self, member):
        self.members.pop(member).close()

    def committed(self, group, topic, partition):
        consumer = self._consumer(group)
        try:
            found = consumer.committed([TopicPartition(topic, partition)], timeout=TIMEOUT)[0]
            return None if found.offset < 0 else found.offset
        finally:
            consumer.close()

    def list_groups(self):
        return sorted(group.id for group in self.admin.list_groups(timeout=TIMEOUT))

    def describe_group(self, group):
        found = self.admin.list_groups(group, timeout=TIMEOUT)[0]
        return {"state": found.state, "protocol": found.protocol, "members": len(found.members)}

    def _consumer(self, group, settings=None):
        return Consumer({**self.common, "group.id": group, "enable.auto.commit": False, "fetch.wait.max.ms": 100,
                         "check.crcs": True, **(settings or {})})

    @staticmethod
    def _offset(consumer, topic, partition, position):
        kind, number = driver.position_of(position)
        if kind == "time":
            found = consumer.offsets_for_times([TopicPartition(topic, partition, number)], timeout=TIMEOUT)[0]
            if found.error:
                raise KafkaException(found.error)
            return found.offset
        return {"beginning": OFFSET_BEGINNING, "end": OFFSET_END}.get(kind, number)

    @staticmethod
    def _read_to_end(consumer):
        records = []
        while True:
            message = consumer.poll(TIMEOUT)
            if message is None:
                raise TimeoutError(f"nothing came after {len(records)} records")
            if message.error():
                if message.error().code() == KafkaError._PARTITION_EOF:
                    return records
                raise KafkaException(message.error())
            kind, timestamp = message.timestamp()
            records.append(driver.record(
                message.key(), message.value(), message.headers(), None if kind == TIMESTAMP_NOT_AVAILABLE else timestamp,
                message.offset()))

    @staticmethod
    def _done(futures):
        for future in futures.values():
            return future.result(TIMEOUT)


class Member:
    """A consumer of a group, polled by a thread of its own until it is closed."""

    def __init__(self, consumer, topic, cooperative):
        self.consumer = consumer
        self.cooperative = cooperative
        self.lock = threading.Lock()
        self.assignment = []
        self.consumed = []
        self.error = None
        self.closing = False
        consumer.subscribe([topic], on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._revoked)
        self.thread = threading.Thread(target=self._poll, daemon=True)
        self.thread.start()

    def state(self):
        if self.error:
            raise self.error
        with self.lock:
            return {"assignment": sorted(self.assignment), "consumed": list(self.consumed)}

    def commit(self):
        for result in self.consumer.commit(asynchronous=False):
            if result.error:
                raise KafkaException(result.error)

    def close(self):
        self.closing = True
        self.thread.join(TIMEOUT)
        self.consumer.close()

    def _poll(self):
        while not self.closing:
            message = self.consumer.poll(0.05)
            if message is None:
                continue
            if message.error():
                self.error = KafkaException(message.error())
            else:
                with self.lock:
                    self.consumed.append({"partition": message.partition(), "offset": message.offset()})

    def _assigned(self, consumer, partitions):
        if self.cooperative:
            consumer.incremental_assign(partitions)
        else:
            consumer.assign(partitions)
        with self.lock:
            self.assignment += [partition.partition for partition in partitions]

    def _revoked(self, consumer, partitions):
        if self.cooperative:
            consumer.incremental_unassign(partitions)
        else:
            consumer.unassign()
        with self.lock:
            for partition in partitions:
                self.assignment.remove(partition.partition)


def code_of(error):
    first = error.args[0] if isinstance(error, KafkaException) and error.args else None
    return first.code() if isinstance(first, KafkaError) and first.code() > 0 else None


driver.serve(Driver(sys.argv[1]), code_of)
