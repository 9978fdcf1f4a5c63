using Warp.Node.Configuration.Hocon;

namespace Warp.Node.Configuration;

/// <summary>
/// The embedded <c>reference.conf</c>: the default and the description of every key, and by that the list of keys that exist.
/// A key whose default is an empty object is an open section: any name may stand below it.
/// </summary>
public static class ReferenceConfiguration
{
    public const string FileName = "reference.conf";

    private const string RootKey = "warp";

    private static readonly Lazy<string> s_text = new(ReadResource);
    private static readonly Lazy<HoconObject> s_root = new(() => HoconParser.Parse(Text, FileName));
    private static readonly Lazy<IReadOnlyList<ConfigurationEntry>> s_entries =
        new(() => [.. ConfigurationEntry.Below(RootKey, HoconResolver.Resolve(Root, new Dictionary<string, string>()).Fields[RootKey])]);

    public static string Text => s_text.Value;

    /// <summary>Every key with its default; an open section counts as a key.</summary>
    public static IReadOnlyList<ConfigurationEntry> Entries => s_entries.Value;

    internal static HoconObject Root => s_root.Value;

    /// <summary>The keys of settings and open sections, such as <c>warp.flush.interval</c>.</summary>
    internal static IEnumerable<string> Keys => Entries.Select(entry => entry.Key);

    internal static IEnumerable<string> OpenSections => Entries.Where(entry => entry.Value is HoconObject).Select(entry => entry.Key);

    /// <summary>What is wrong with a key that someone set, as the rest of a sentence that names it; null if nothing is.</summary>
    internal static string? WhyUnknown(string key)
    {
        if (OpenSections.Any(section => key.StartsWith($"{section}.", StringComparison.Ordinal)))
            return null;
        var below = Keys.Where(known => known.StartsWith($"{key}.", StringComparison.Ordinal))
            .Select(known => known[(key.Length + 1)..].Split('.')[0])
            .Distinct()
            .ToList();
        if (below.Count > 0)
            return $"{key} is a section, not a value; in it are {string.Join(", ", below)}";
        if (OpenSections.Contains(key))
            return $"{key} is a section, not a value; set keys below it";
        if (Keys.Contains(key))
            return null;
        var wanted = key.StartsWith($"{RootKey}.", StringComparison.Ordinal) ? key : $"{RootKey}.{key}";
        return $"unknown key {key} ({Hint(Spelling.Nearest(wanted, Keys))})";
    }

    /// <summary>"did you mean …?" or where to look instead.</summary>
    internal static string Hint(string? suggestion) =>
        suggestion is null ? "warp config --reference lists all keys" : $"did you mean {suggestion}?";

    private static string ReadResource()
    {
        using var stream = typeof(ReferenceConfiguration).Assembly.GetManifestResourceStream(FileName)
            ?? throw new InvalidOperationException($"{FileName} is not embedded in this build");
        using var reader = new StreamReader(stream);
        return reader.ReadToEnd();
    }
}
