namespace Warp.Node.Configuration.Hocon;

internal enum HoconTokenKind
{
    End,
    NewLine,
    Comma,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,

    /// <summary><c>=</c> or <c>:</c></summary>
    Assign,

    /// <summary><c>+=</c></summary>
    Append,

    /// <summary><c>${</c> or <c>${?</c></summary>
    OpenSubstitution,
    Quoted,
    Unquoted,

    /// <summary>White space within a line; it counts between the parts of a value.</summary>
    Space,
}

/// <summary>A token; <paramref name="Text"/> is what a string means (escapes undone) and what any other token looks like.</summary>
internal readonly record struct HoconToken(HoconTokenKind Kind, string Text, ConfigurationOrigin Origin);
