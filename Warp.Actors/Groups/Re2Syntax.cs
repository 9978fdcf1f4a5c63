using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Warp.Actors.Groups;

/// <summary>
/// Rewrites regular expressions from RE2's syntax into .NET's, for the question whether they match. What RE2 does not know (look-around,
/// back-references) is refused, and so are repetitions that would make an automaton of an unreasonable size.
/// </summary>
internal ref struct Re2Syntax
{
    /// <summary>RE2's own limit, of one repetition and of nested ones together.</summary>
    private const int MaxRepetition = 1000;

    /// <summary>Of all repetitions added up.</summary>
    private const int MaxTotalRepetition = 20_000;

    private static readonly Dictionary<string, string> s_asciiClasses = new()
    {
        ["alnum"] = "0-9A-Za-z", ["alpha"] = "A-Za-z", ["ascii"] = @"\x00-\x7F", ["blank"] = @"\t ", ["cntrl"] = @"\x00-\x1F\x7F",
        ["digit"] = "0-9", ["graph"] = "!-~", ["lower"] = "a-z", ["print"] = " -~", ["punct"] = @"!-/:-@\[-`{-~", ["space"] = @"\t\n\v\f\r ",
        ["upper"] = "A-Z", ["word"] = @"0-9A-Za-z_", ["xdigit"] = "0-9A-Fa-f",
    };

    private readonly string _text;
    private readonly StringBuilder _out = new();
    private readonly Stack<int> _groups = new();
    private int _at;
    private int _last;
    private int _largest = 1;
    private int _total;

    private Re2Syntax(string text) => _text = text;

    private readonly ReadOnlySpan<char> Rest => _text.AsSpan(_at);

    /// <summary>Rewrites a pattern; false when RE2 would not take it. .NET may still refuse the result.</summary>
    public static bool TryTranslate(string text, [NotNullWhen(true)] out string? translated)
    {
        var syntax = new Re2Syntax(text);
        translated = syntax.TryRun() ? syntax._out.ToString() : null;
        return translated is not null;
    }

    private bool TryRun()
    {
        while (_at < _text.Length)
        {
            bool isValid = _text[_at] switch
            {
                '\\' => TryEscape(isInClass: false),
                '[' => TryClass(),
                '(' => TryOpen(),
                ')' => TryClose(),
                '{' => TryRepeat(),
                _ => TryCopy(),
            };
            if (!isValid)
                return false;
        }
        return _groups.Count == 0;
    }

    private bool TryCopy()
    {
        _last = 1;
        _out.Append(_text[_at++]);
        return true;
    }

    private bool TryEscape(bool isInClass)
    {
        if (++_at == _text.Length)
            return false;
        _last = 1;
        char c = _text[_at];
        switch (c)
        {
            case 'Q' when !isInClass:
                int end = _text.IndexOf("\\E", _at, StringComparison.Ordinal);
                string literal = end < 0 ? _text[(_at + 1)..] : _text[(_at + 1)..end];
                foreach (char quoted in literal)
                    _out.Append(Regex.Escape(quoted.ToString()));
                _at = end < 0 ? _text.Length : end + 2;
                return true;
            case 'C' when !isInClass:
                _out.Append(@"[\s\S]");
                break;
            case 'b' or 'B' or 'A' or 'z' when isInClass:
                return false;
            case 'p' or 'P' when _at + 1 < _text.Length && _text[_at + 1] != '{':
                _out.Append(CultureInfo.InvariantCulture, $@"\{c}{{{_text[++_at]}}}");
                break;
            case 'x' when Rest.StartsWith("x{"):
                return TryHex();
            case 'd' or 'D' or 's' or 'S' or 'w' or 'W' or 'b' or 'B' or 'A' or 'z' or 'p' or 'P' or 'a' or 'f' or 'n' or 'r' or 't' or 'v' or 'x' or '0':
                _out.Append('\\').Append(c);
                break;
            default:
                if (char.IsAsciiLetterOrDigit(c) || c > '\x7F')
                    return false;
                _out.Append('\\').Append(c);
                break;
        }
        _at++;
        return true;
    }

    private bool TryHex()
    {
        int end = _text.IndexOf('}', _at);
        if (end < 0 || !int.TryParse(_text.AsSpan(_at + 2, end - _at - 2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out int code)
            || code is < 0 or > 0xFFFF)
        {
            return false;
        }
        _out.Append(CultureInfo.InvariantCulture, $@"\u{code:X4}");
        _at = end + 1;
        return true;
    }

    private bool TryClass()
    {
        _last = 1;
        _out.Append('[');
        _at++;
        if (Rest.StartsWith("^"))
        {
            _out.Append('^');
            _at++;
        }
        bool isFirst = true;
        while (_at < _text.Length && (isFirst || _text[_at] != ']'))
        {
            isFirst = false;
            char c = _text[_at];
            if (c == '\\')
            {
                if (!TryEscape(isInClass: true))
                    return false;
            }
            else if (Rest.StartsWith("[:"))
            {
                if (!TryAsciiClass())
                    return false;
            }
            else
            {
                // In .NET a bracket here would begin a class to subtract.
                _out.Append(c is '[' or ']' ? $@"\{c}" : c.ToString());
                _at++;
            }
        }
        if (_at == _text.Length)
            return false;
        _out.Append(']');
        _at++;
        return true;
    }

    private bool TryAsciiClass()
    {
        int end = _text.IndexOf(":]", _at, StringComparison.Ordinal);
        if (end < 0 || !s_asciiClasses.TryGetValue(_text[(_at + 2)..end], out string? members))
            return false;
        _out.Append(members);
        _at = end + 2;
        return true;
    }

    /// <summary>Nothing is captured: names and numbers of groups make no difference to whether there is a match.</summary>
    private bool TryOpen()
    {
        _at++;
        if (!Rest.StartsWith("?"))
            return Open("(?:");
        _at++;
        if (Rest.StartsWith("P<") || Rest.StartsWith("<"))
        {
            int start = _text.IndexOf('<', _at) + 1;
            int end = _text.IndexOf('>', start);
            if (end <= start || !_text.AsSpan(start, end - start).ToString().All(static c => char.IsAsciiLetterOrDigit(c) || c == '_'))
                return false;
            _at = end + 1;
            return Open("(?:");
        }
        int flags = Rest.IndexOfAny(':', ')');
        if (flags < 0 || !Rest[..flags].ToString().All(static c => c is 'i' or 'm' or 's' or 'U' or '-'))
            return false;
        // Greedy or not is all the same here; .NET has no flag for it.
        string kept = Rest[..flags].ToString().Replace("U", "", StringComparison.Ordinal);
        bool isGroup = _text[_at + flags] == ':';
        if ((flags == 0 && !isGroup) || kept.Count(static c => c == '-') > 1)
            return false;
        _at += flags + 1;
        if (isGroup)
            return Open(kept is "" or "-" ? "(?:" : $"(?{kept}:");
        _last = 0;
        if (kept is not ("" or "-"))
            _out.Append("(?").Append(kept).Append(')');
        return true;
    }

    private bool Open(string group)
    {
        _groups.Push(_largest);
        _largest = 1;
        _last = 0;
        _out.Append(group);
        return true;
    }

    private bool TryClose()
    {
        if (!_groups.TryPop(out int outer))
            return false;
        _last = _largest;
        _largest = Math.Max(outer, _largest);
        _out.Append(')');
        _at++;
        return true;
    }

    private bool TryRepeat()
    {
        int end = Rest.IndexOf('}');
        string[] bounds = end < 0 ? [] : Rest[1..end].ToString().Split(',');
        if (bounds.Length is < 1 or > 2 || bounds[0].Length == 0 || !bounds.All(static bound => bound.All(char.IsAsciiDigit)))
        {
            _out.Append('\\');
            return TryCopy();
        }
        int most = 0;
        foreach (string bound in bounds)
        {
            if (bound.Length > 4)
                return false;
            most = Math.Max(most, bound.Length == 0 ? 0 : int.Parse(bound, CultureInfo.InvariantCulture));
        }
        int size = Math.Max(_last, 1) * Math.Max(most, 1);
        _total += size;
        if (size > MaxRepetition || _total > MaxTotalRepetition)
            return false;
        _largest = Math.Max(_largest, size);
        _last = size;
        _out.Append(Rest[..(end + 1)]);
        _at += end + 1;
        return true;
    }
}
