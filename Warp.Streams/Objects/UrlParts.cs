namespace Warp.Streams.Objects;

/// <summary>What follows the scheme in <c>//HOST/PREFIX?NAME=VALUE&amp;…</c>. Messages never repeat values, which might be
/// secrets.</summary>
internal sealed class UrlParts
{
    private readonly Dictionary<string, string> _parameters;
    private readonly List<string> _known = [];

    /// <exception cref="ArgumentException">It has another form.</exception>
    public UrlParts(string text)
    {
        if (!text.StartsWith("//", StringComparison.Ordinal))
            throw new ArgumentException("The scheme of the URL must be followed by two slashes and a name.");
        int query = text.IndexOf('?');
        string place = query < 0 ? text[2..] : text[2..query];
        int slash = place.IndexOf('/');
        Host = slash < 0 ? place : place[..slash];
        if (Host.Length == 0 || !Host.All(static c => char.IsAsciiLetterOrDigit(c) || c is '-' or '.' or '_'))
        {
            throw new ArgumentException(
                "The name after the two slashes has letters, digits, dashes and dots; user names and passwords have no place in it.");
        }
        string prefix = slash < 0 ? "" : place[(slash + 1)..].TrimEnd('/');
        ObjectKeys.ValidatePrefix(prefix);
        Prefix = prefix.Length == 0 ? "" : prefix + "/";
        _parameters = query < 0 ? [] : Parse(text[(query + 1)..]);
    }

    public string Host { get; }

    /// <summary>Before every key; empty, or ends with a slash.</summary>
    public string Prefix { get; }

    /// <summary>Reads <c>NAME=VALUE&amp;…</c>.</summary>
    public static Dictionary<string, string> Parse(string query)
    {
        var parameters = new Dictionary<string, string>();
        foreach (string pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
        {
            int equals = pair.IndexOf('=');
            string name = equals < 0 ? pair : pair[..equals];
            if (equals < 1 || !parameters.TryAdd(name, Uri.UnescapeDataString(pair[(equals + 1)..])))
                throw new ArgumentException($"The parameter '{name}' has no value, or two.");
        }
        return parameters;
    }

    /// <summary>A parameter's value; null without one.</summary>
    public string? Take(string name)
    {
        _known.Add(name);
        return _parameters.Remove(name, out string? value) && value.Length > 0 ? value : null;
    }

    public bool? TakeBoolean(string name) => Take(name) switch
    {
        null or "auto" => null,
        "true" => true,
        "false" => false,
        _ => throw new ArgumentException($"The parameter '{name}' is true or false."),
    };

    public Uri? TakeUri(string name)
    {
        if (Take(name) is not { } value)
            return null;
        bool isUri = Uri.TryCreate(value, UriKind.Absolute, out Uri? uri);
        return isUri && uri!.Scheme is "http" or "https" && uri.UserInfo.Length == 0 && uri.Query.Length == 0
            ? uri
            : throw new ArgumentException($"The parameter '{name}' is an address such as https://host:port, without a user, password or token.");
    }

    /// <summary>Refuses what nobody has taken.</summary>
    public void Complete()
    {
        if (_parameters.Count > 0)
        {
            throw new ArgumentException(
                $"The parameter '{_parameters.Keys.Order(StringComparer.Ordinal).First()}' is not known here; known are {string.Join(", ", _known)}. "
                + "Secrets come from the environment, never from the URL.");
        }
    }
}
