using System.Diagnostics.CodeAnalysis;

namespace Warp.Node.Configuration;

/// <summary>Where the journal is kept: <paramref name="Location"/> is a path for <c>sqlite:</c>.</summary>
public sealed record BackendUrl(string Scheme, string Location)
{
    public const string SqliteScheme = "sqlite";

    /// <summary>
    /// Reads <c>scheme:path</c> or <c>scheme:///absolute/path</c>. A relative path stays relative (to the working directory). Which schemes
    /// exist is not decided here.
    /// </summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out BackendUrl? result)
    {
        result = null;
        var colon = text.IndexOf(':');
        if (colon < 1)
            return false;
        var location = text[(colon + 1)..];
        if (location.StartsWith("//", StringComparison.Ordinal))
        {
            // Two slashes introduce a host; only the empty one makes sense for a path.
            location = location[2..];
            if (!location.StartsWith('/'))
                return false;
        }
        var scheme = text[..colon];
        if (location.Length == 0)
            return false;
        result = new BackendUrl(scheme, location);
        return true;
    }

    public override string ToString() => $"{Scheme}:{Location}";
}
