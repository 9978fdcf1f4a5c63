using System.Globalization;
using Npgsql;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// Which PostgreSQL database a journal is in: <c>postgres://user:password@host:port/database?options</c>. Several hosts, separated by
/// commas, are the servers of one database of which one can be written. What is special in a name is percent-encoded.
/// </summary>
public sealed class PostgresSettings
{
    /// <summary>The form of the URL, for messages.</summary>
    public const string Form = "postgres://USER:PASSWORD@HOST:PORT/DATABASE";

    /// <summary>Where the password may be instead of in the URL; the first counts.</summary>
    public static readonly IReadOnlyList<string> PasswordVariables = ["WARP_JOURNAL_PASSWORD", "PGPASSWORD"];

    private const int DefaultPort = 5432;

    /// <summary>The names that PostgreSQL's own tools have for them, and the ones that the driver has.</summary>
    private static readonly Dictionary<string, string> s_options = new()
    {
        ["sslmode"] = "SSL Mode",
        ["sslrootcert"] = "Root Certificate",
        ["sslcert"] = "SSL Certificate",
        ["sslkey"] = "SSL Key",
        ["application_name"] = "Application Name",
        ["connect_timeout"] = "Timeout",
        ["search_path"] = "Search Path",
        ["pool_size"] = "Maximum Pool Size",
    };

    private PostgresSettings(IReadOnlyList<(string Host, int Port)> hosts, string user, string? password, string database)
    {
        Hosts = hosts;
        User = user;
        Password = password;
        Database = database;
    }

    public IReadOnlyList<(string Host, int Port)> Hosts { get; }

    public string User { get; }

    public string Database { get; }

    internal string? Password { get; }

    internal Dictionary<string, string> Options { get; } = [];

    /// <summary>The hosts as in the URL.</summary>
    public string HostList => string.Join(',', Hosts.Select(static at => at.Host.Contains(':') ? $"[{at.Host}]:{at.Port}" : $"{at.Host}:{at.Port}"));

    /// <summary>Reads a URL.</summary>
    /// <param name="url">With the scheme <c>postgres</c> or <c>postgresql</c>.</param>
    /// <param name="environment">Looks a variable up, for the password.</param>
    /// <exception cref="FormatException">It is no such URL; the message says why, without the password.</exception>
    public static PostgresSettings Parse(string url, Func<string, string?> environment)
    {
        int start = url.IndexOf("://", StringComparison.Ordinal);
        if (start < 0 || url[..start] is not ("postgres" or "postgresql"))
            throw new FormatException($"it must be {Form}");
        string rest = url[(start + 3)..];
        string query = Cut(ref rest, rest.IndexOf('?'));
        string database = Decode(Cut(ref rest, rest.IndexOf('/')));
        int at = rest.LastIndexOf('@');
        (string who, string hosts) = at < 0 ? ("", rest) : (rest[..at], rest[(at + 1)..]);
        string? password = who.Contains(':') ? Decode(Cut(ref who, who.IndexOf(':'))) : null;
        if (hosts.Length == 0)
            throw new FormatException("it names no host");
        if (who.Length == 0)
            throw new FormatException("it names no user");
        if (database.Length == 0)
            throw new FormatException("it names no database");
        password ??= PasswordVariables.Select(environment).FirstOrDefault(static value => !string.IsNullOrEmpty(value));
        var settings = new PostgresSettings([.. hosts.Split(',').Select(ParseHost)], Decode(who), password, database);
        foreach (string pair in query.Split('&', StringSplitOptions.RemoveEmptyEntries))
            settings.AddOption(pair);
        return settings;
    }

    /// <summary>Without the password.</summary>
    public override string ToString() => $"postgres://{Uri.EscapeDataString(User)}@{HostList}/{Uri.EscapeDataString(Database)}";

    /// <summary>What the driver is told. <paramref name="connectTimeout"/> is overridden by an option.</summary>
    internal NpgsqlConnectionStringBuilder ToDriver(TimeSpan connectTimeout)
    {
        // Ports stand beside their hosts only when there are several.
        var driver = new NpgsqlConnectionStringBuilder
        {
            Host = Hosts.Count == 1 ? Hosts[0].Host : HostList,
            Username = User,
            Password = Password,
            Database = Database,
            ApplicationName = "warp",
            Timeout = (int)Math.Ceiling(connectTimeout.TotalSeconds),
            // Six nodes at their busiest fit into the 100 connections that a server has by default; most of the time a node uses two.
            MaxPoolSize = 16,
        };
        if (Hosts.Count == 1)
            driver.Port = Hosts[0].Port;
        foreach ((string name, string value) in Options)
            driver[name] = value;
        return driver;
    }

    private void AddOption(string pair)
    {
        int equals = pair.IndexOf('=');
        string name = equals < 0 ? pair : pair[..equals];
        if (equals < 0 || !s_options.TryGetValue(name, out string? driverName))
            throw new FormatException($"it has the option '{name}'; there are {string.Join(", ", s_options.Keys)}");
        string value = Decode(pair[(equals + 1)..]);
        if (name == "sslmode")
            value = value.Replace("-", "", StringComparison.Ordinal);
        try
        {
            _ = new NpgsqlConnectionStringBuilder { [driverName] = value };
        }
        catch (Exception error) when (error is ArgumentException or FormatException or InvalidCastException or OverflowException)
        {
            throw new FormatException($"the option {name} cannot be '{value}'", error);
        }
        Options[driverName] = value;
    }

    private static (string Host, int Port) ParseHost(string text)
    {
        int colon = text.LastIndexOf(':');
        if (colon < 0 || text.EndsWith(']'))
            return (Host(text), DefaultPort);
        if (!int.TryParse(text.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out int port) || port is 0 or > 65535)
            throw new FormatException($"its port '{text[(colon + 1)..]}' is none");
        return (Host(text[..colon]), port);

        static string Host(string host)
        {
            host = host.StartsWith('[') && host.EndsWith(']') ? host[1..^1] : host;
            return host.Length > 0 ? host : throw new FormatException("it names no host");
        }
    }

    /// <summary>Takes what follows a separator off the text.</summary>
    private static string Cut(ref string text, int separator)
    {
        if (separator < 0)
            return "";
        string after = text[(separator + 1)..];
        text = text[..separator];
        return after;
    }

    private static string Decode(string text) => Uri.UnescapeDataString(text);
}
