using System.Globalization;
using System.Text;

namespace Warp.Node.Configuration.Hocon;

/// <summary>Cuts a HOCON text into tokens; comments are dropped.</summary>
internal sealed class HoconLexer(string text, string source)
{
    private const string TripleQuote = "\"\"\"";

    /// <summary>Characters that mean something, or are kept for later meanings, and therefore stand in quotes only.</summary>
    private const string Reserved = "$\"{}[]:=,+#`^?!@*&\\";

    private int _index;
    private int _line = 1;
    private int _lineStart;

    private ConfigurationOrigin Here => new(source, _line, _index - _lineStart + 1);

    /// <summary>The next token; <see cref="HoconTokenKind.End"/> again and again at the end.</summary>
    /// <exception cref="ConfigurationException">A character or a string that no token can hold.</exception>
    public HoconToken Next()
    {
        SkipComment();
        var origin = Here;
        if (_index == text.Length)
            return new HoconToken(HoconTokenKind.End, "the end of the file", origin);
        switch (text[_index])
        {
            case '\n':
                NewLine();
                return new HoconToken(HoconTokenKind.NewLine, "the end of the line", origin);
            case ',': return Take(HoconTokenKind.Comma, 1);
            case '{': return Take(HoconTokenKind.OpenBrace, 1);
            case '}': return Take(HoconTokenKind.CloseBrace, 1);
            case '[': return Take(HoconTokenKind.OpenBracket, 1);
            case ']': return Take(HoconTokenKind.CloseBracket, 1);
            case '=' or ':': return Take(HoconTokenKind.Assign, 1);
            case '+' when At("+="): return Take(HoconTokenKind.Append, 2);
            case '$' when At("${?"): return Take(HoconTokenKind.OpenSubstitution, 3);
            case '$' when At("${"): return Take(HoconTokenKind.OpenSubstitution, 2);
            case '"' when At(TripleQuote): return new HoconToken(HoconTokenKind.Quoted, TripleQuoted(origin), origin);
            case '"': return new HoconToken(HoconTokenKind.Quoted, Quoted(origin), origin);
            case var c when IsSpace(c): return TakeWhile(HoconTokenKind.Space, IsSpace);
            case var c when Reserved.Contains(c): throw Error(origin, $"the character {c} must stand in quotes");
            default: return TakeWhile(HoconTokenKind.Unquoted, c => c != '\n' && !IsSpace(c) && !Reserved.Contains(c));
        }
    }

    private static bool IsSpace(char c) => c != '\n' && (char.IsWhiteSpace(c) || c == '\uFEFF');

    private static ConfigurationException Error(ConfigurationOrigin origin, string sentence) =>
        new(ConfigurationProblem.InSyntax(origin, sentence));

    private bool At(string expected) => string.CompareOrdinal(text, _index, expected, 0, expected.Length) == 0;

    private void NewLine()
    {
        _index++;
        _line++;
        _lineStart = _index;
    }

    private void SkipComment()
    {
        if (!At("#") && !At("//"))
            return;
        while (_index < text.Length && text[_index] != '\n')
            _index++;
    }

    private HoconToken Take(HoconTokenKind kind, int length)
    {
        var token = new HoconToken(kind, text.Substring(_index, length), Here);
        _index += length;
        return token;
    }

    private HoconToken TakeWhile(HoconTokenKind kind, Func<char, bool> belongs)
    {
        var end = _index;
        while (end < text.Length && belongs(text[end]) && string.CompareOrdinal(text, end, "//", 0, 2) != 0)
            end++;
        return Take(kind, end - _index);
    }

    private string TripleQuoted(ConfigurationOrigin origin)
    {
        var start = _index + TripleQuote.Length;
        var end = text.IndexOf(TripleQuote, start, StringComparison.Ordinal);
        if (end < 0)
            throw Error(origin, "the text in triple quotes never ends");
        // Quotes in excess of three belong to the text.
        while (end + TripleQuote.Length < text.Length && text[end + TripleQuote.Length] == '"')
            end++;
        while (_index < end + TripleQuote.Length)
        {
            if (text[_index] == '\n')
                NewLine();
            else
                _index++;
        }
        return text[start..end];
    }

    private string Quoted(ConfigurationOrigin origin)
    {
        var result = new StringBuilder();
        for (_index++; ; _index++)
        {
            if (_index == text.Length || text[_index] == '\n')
                throw Error(origin, "the quoted text has no closing quote on its line");
            if (text[_index] == '"')
                break;
            result.Append(text[_index] == '\\' ? Escaped() : text[_index]);
        }
        _index++;
        return result.ToString();
    }

    private char Escaped()
    {
        var origin = Here;
        _index++;
        switch (_index < text.Length ? text[_index] : '\n')
        {
            case '"': return '"';
            case '\\': return '\\';
            case '/': return '/';
            case 'b': return '\b';
            case 'f': return '\f';
            case 'n': return '\n';
            case 'r': return '\r';
            case 't': return '\t';
            case 'u' when _index + 4 < text.Length
                && ushort.TryParse(text.AsSpan(_index + 1, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code):
                _index += 4;
                return (char)code;
            default:
                throw Error(origin, "a backslash in quotes must begin one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX");
        }
    }
}
