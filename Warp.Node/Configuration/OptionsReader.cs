using System.Globalization;
using Warp.Actors.Persistence.Sql;
using Warp.Streams.Objects;

namespace Warp.Node.Configuration;

/// <summary>
/// Turns the text of single keys into typed values. A bad value is noted as a problem and read as the type's default, so that all
/// problems come to light in one run; the result is good for use only while there are none.
/// </summary>
internal sealed class OptionsReader(IReadOnlyDictionary<string, ConfigurationEntry> entries)
{
    private readonly HashSet<string> _badKeys = [];
    private readonly List<ConfigurationProblem> _problems = [];

    private delegate bool TryParse<T>(string text, out T result);

    /// <summary>The keys that have no usable value.</summary>
    public IReadOnlySet<string> BadKeys => _badKeys;

    public IReadOnlyList<ConfigurationProblem> Problems => _problems;

    public TimeSpan Duration(string key, TimeSpan min, TimeSpan max) => Read(
        key,
        $"a duration from {Units.Format(min)} to {Units.Format(max)}, such as 250ms, 10s or 2 minutes",
        (string text, out TimeSpan result) => Units.TryParseDuration(text, out result) && result >= min && result <= max);

    public int Size(string key, int min, int max) => Read(
        key,
        $"a size from {Units.Format(min)} to {Units.Format(max)}, such as 64KiB or 8MiB",
        (string text, out int result) =>
        {
            var isValid = Units.TryParseSize(text, out var bytes) && bytes >= min && bytes <= max;
            result = isValid ? (int)bytes : 0;
            return isValid;
        });

    /// <summary>A size, a share of <paramref name="memoryLimit"/> as a percentage, or <c>auto</c> for <paramref name="automatic"/>; all in bytes.</summary>
    public long Memory(string key, long min, long automatic, long memoryLimit) => Read(
        key,
        $"auto, a share of the memory such as 25%, or a size from {Units.Format(min)} to the memory limit ({memoryLimit >> 20}MiB)",
        (string text, out long result) =>
        {
            if (text == "auto")
            {
                result = automatic;
                return true;
            }
            if (Units.TryParseShare(text, out var share))
                result = (long)(memoryLimit * share);
            else if (!Units.TryParseSize(text, out result))
                return false;
            return result >= min && result <= memoryLimit;
        });

    public int Integer(string key, int min, int max) => Read(
        key,
        $"a whole number from {min} to {max}",
        (string text, out int result) =>
            int.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out result) && result >= min && result <= max);

    public double Number(string key, double min, double max) => Read(
        key,
        string.Create(CultureInfo.InvariantCulture, $"a number from {min} to {max}"),
        (string text, out double result) =>
            double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out result) && result >= min && result <= max);

    /// <summary>The words that HOCON has for the two.</summary>
    public bool Boolean(string key) => Read(key, "true or false", (string text, out bool result) =>
    {
        result = text is "true" or "yes" or "on";
        return result || text is "false" or "no" or "off";
    });

    public HostPort Address(string key) => Read<HostPort>(
        key,
        "host:port with a port from 0 to 65535, such as 0.0.0.0:9092, [::1]:9092 or broker.example:9092",
        HostPort.TryParse!);

    /// <summary>A list of addresses; none where nothing is set.</summary>
    public IReadOnlyList<HostPort> Addresses(string key) => IsNone(key) ? [] : Read(
        key,
        "a list of host:port, such as [\"a.example:9094\", \"b.example:9094\"]",
        static (string text, out HostPort[] result) =>
        {
            HostPort?[] parsed = [.. text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Select(
                static item => HostPort.TryParse(item, out HostPort? address) ? address : null)];
            result = [.. parsed.OfType<HostPort>()];
            return result.Length == parsed.Length;
        }) ?? [];

    /// <summary>The URL of a journal; the problem says what is wrong with it.</summary>
    public BackendUrl JournalUrl(string key)
    {
        string? fault = null;
        if (entries.TryGetValue(key, out var entry))
            TryParseJournal(entry.Text.Trim(), out fault);
        return Read(
            key,
            $"{BackendUrl.SqliteScheme}:PATH or {PostgresSettings.Form}" + (fault is null ? "" : $" ({fault})"),
            static (string text, out BackendUrl result) => (result = TryParseJournal(text, out _)!) is not null);
    }

    /// <summary>The URL of an object store; the problem says what is wrong with it.</summary>
    public StoreUrl StoreUrl(string key)
    {
        string? fault = null;
        if (entries.TryGetValue(key, out var entry))
            TryParseStore(entry.Text.Trim(), out fault);
        return Read(
            key,
            Streams.Objects.StoreUrl.Forms + (fault is null ? "" : $" ({fault})"),
            static (string text, out StoreUrl result) => (result = TryParseStore(text, out _)!) is not null);
    }

    /// <summary>A word of letters, digits, dots, dashes and underscores.</summary>
    public string Name(string key) => Read(
        key,
        "a name of 1 to 100 letters, digits, dots, dashes and underscores",
        (string text, out string result) =>
        {
            result = text;
            return text.Length is > 0 and <= 100 && text.All(c => char.IsAsciiLetterOrDigit(c) || c is '.' or '-' or '_');
        });

    /// <summary>A list of members of a flags enum, in lower case; at least one.</summary>
    public T Flags<T>(string key)
        where T : struct, Enum
    {
        var members = Enum.GetValues<T>().Where(IsSingleFlag).ToDictionary(member => member.ToString().ToLowerInvariant());
        return Read(key, $"a list of {string.Join(", ", members.Keys)}", (string text, out T result) =>
        {
            var names = text.Split(',', StringSplitOptions.TrimEntries);
            var isValid = names.All(members.ContainsKey);
            result = isValid ? (T)Enum.ToObject(typeof(T), names.Aggregate(0, (all, name) => all | Convert.ToInt32(members[name]))) : default;
            return isValid;
        });

        static bool IsSingleFlag(T member) => int.IsPow2(Convert.ToInt32(member));
    }

    /// <summary>Something that nobody else must know, and that is shown nowhere.</summary>
    public string? OptionalSecret(string key, int minLength) => IsNone(key) ? null : Read(
        key,
        $"a secret of at least {minLength} characters",
        (string text, out string result) => (result = text).Length >= minLength);

    /// <summary>The path of a file that is there.</summary>
    public string? OptionalFile(string key) => IsNone(key) ? null : Read(
        key, "the path of a file that is there", static (string text, out string result) => File.Exists(result = text));

    public HostPort? OptionalAddress(string key) => IsNone(key) ? null : Address(key);

    public StoreUrl? OptionalStoreUrl(string key) => IsNone(key) ? null : StoreUrl(key);

    public int? OptionalInteger(string key, int min, int max) => IsNone(key) ? null : Integer(key, min, max);

    public string? OptionalName(string key) => IsNone(key) ? null : Name(key);

    /// <summary>Whatever stands below a key, by the rest of its name; null takes a name away again.</summary>
    public IReadOnlyDictionary<string, string> Section(string key) => entries.Values
        .Where(entry => entry.Key.StartsWith($"{key}.", StringComparison.Ordinal) && !entry.IsNone)
        .ToDictionary(entry => entry.Key[(key.Length + 1)..], entry => entry.Text);

    /// <summary>Notes that the values of some keys do not go together; the first that the operator set is where to look.</summary>
    public void AddConflict(IReadOnlyList<string> keys, string sentence)
    {
        var involved = keys.Select(key => entries[key]).ToList();
        var blamed = involved.Find(entry => entry.Origin.Source != ReferenceConfiguration.FileName) ?? involved[0];
        var values = string.Join(", ", involved.Select(entry => $"{entry.Key} is \"{entry.ShownText}\" ({entry.Origin})"));
        _problems.Add(ConfigurationProblem.InValue(blamed.Origin, $"{sentence}; {values}"));
    }

    private static BackendUrl? TryParseJournal(string text, out string? fault)
    {
        fault = null;
        if (!BackendUrl.TryParse(text, out BackendUrl? url))
            return null;
        if (url.Scheme != BackendUrl.PostgresScheme)
            return url.Scheme == BackendUrl.SqliteScheme ? url : null;
        try
        {
            PostgresSettings.Parse(text, static _ => null);
            return url;
        }
        catch (FormatException e)
        {
            fault = e.Message;
            return null;
        }
    }

    private static StoreUrl? TryParseStore(string text, out string? fault)
    {
        fault = null;
        try
        {
            return Streams.Objects.StoreUrl.Parse(text);
        }
        catch (ArgumentException e)
        {
            // What is allowed is told in any case.
            fault = e.Message.Contains(Streams.Objects.StoreUrl.Forms, StringComparison.Ordinal) ? null : e.Message;
            return null;
        }
    }

    private bool IsNone(string key) => entries.TryGetValue(key, out var entry) && entry.IsNone;

    private T Read<T>(string key, string allowed, TryParse<T> tryParse)
    {
        if (!entries.TryGetValue(key, out var entry))
        {
            // The default is missing only if something else stands in the place of a whole section, which is noted elsewhere.
            if (!ReferenceConfiguration.Keys.Contains(key))
                throw new InvalidOperationException($"{key} is not in {ReferenceConfiguration.FileName}");
            _badKeys.Add(key);
            return default!;
        }
        if (tryParse(entry.Text.Trim(), out var result))
            return result;
        _badKeys.Add(key);
        _problems.Add(ConfigurationProblem.InValue(entry.Origin, $"{key} is \"{entry.ShownText}\"; allowed is {allowed}"));
        return default!;
    }
}
