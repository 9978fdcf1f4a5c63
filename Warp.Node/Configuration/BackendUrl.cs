using System.Diagnostics.CodeAnalysis;

namespace Warp.Node.Configuration;

/// <summary>
/// Where the journal is kept: <paramref name="Location"/> is a path for <c>sqlite:</c>, and for <c>postgres:</c> all that follows.
/// </summary>
public sealed record BackendUrl(string Scheme, string Location)
{
    public const string SqliteScheme = "sqlite";

    public const string PostgresScheme = "postgres";

    /// <summary>
    /// Reads <c>scheme:path</c> or <c>scheme:///absolute/path</c>. A relative path stays relative (to the working directory). Which schemes
    /// exist is not decided here, nor whether what follows <c>postgres:</c> is right.
    /// </summary>
    public static bool TryParse(string text, [NotNullWhen(true)] out BackendUrl? result)
    {
        result = null;
        var colon = text.IndexOf(':');
        if (colon < 1)
            return false;
        var location = text[(colon + 1)..];
        if (text[..colon] is PostgresScheme or "postgresql")
        {
            result = new BackendUrl(PostgresScheme, location);
            return true;
        }
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

    /// <summary>Without a password.</summary>
    public override string ToString() => Secrets.Hide($"{Scheme}:{Location}");
}
