using System.Text.RegularExpressions;

namespace Warp.Node.Configuration;

/// <summary>Keeps passwords out of what is printed.</summary>
internal static partial class Secrets
{
    /// <summary>A text with what stands between a user and an @ in a URL replaced.</summary>
    public static string Hide(string text) => Password().Replace(text, "$1***@");

    // Up to the last @: one in a password should be encoded, but may not be.
    [GeneratedRegex("(://[^:/@]*:).*@")]
    private static partial Regex Password();
}
