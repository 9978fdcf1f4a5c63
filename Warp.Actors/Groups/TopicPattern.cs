using System.Diagnostics.CodeAnalysis;
using System.Text.RegularExpressions;

namespace Warp.Actors.Groups;

/// <summary>
/// A regular expression for the whole of a topic's name, in RE2's syntax (KIP-848). Matching takes time linear in the name. Immutable and
/// thread-safe.
/// </summary>
public sealed class TopicPattern
{
    /// <summary>Long enough for thousands of names joined by <c>|</c>.</summary>
    private const int MaxLength = 65_536;

    private readonly Regex _regex;

    private TopicPattern(string text, Regex regex)
    {
        Text = text;
        _regex = regex;
    }

    /// <summary>As the member wrote it.</summary>
    public string Text { get; }

    /// <summary>Reads a pattern; false when it is not a valid one.</summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out TopicPattern? pattern)
    {
        pattern = null;
        if (text.Length > MaxLength || !Re2Syntax.TryTranslate(text, out string? translated))
            return false;
        try
        {
            pattern = new TopicPattern(
                text, new Regex($@"\A(?:{translated})\z", RegexOptions.NonBacktracking | RegexOptions.CultureInvariant));
            return true;
        }
        catch (Exception error) when (error is ArgumentException or NotSupportedException)
        {
            return false;
        }
    }

    /// <summary>Reads a pattern that was valid before.</summary>
    /// <exception cref="InvalidDataException">It is not valid any more.</exception>
    public static TopicPattern Parse(string text) =>
        TryParse(text, out TopicPattern? pattern) ? pattern : throw new InvalidDataException($"'{text}' is not a regular expression of topic names.");

    public bool Matches(string topic) => _regex.IsMatch(topic);
}
