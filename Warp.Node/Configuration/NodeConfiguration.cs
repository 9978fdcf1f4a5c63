using Warp.Node.Configuration.Hocon;

namespace Warp.Node.Configuration;

/// <summary>The configuration in force: <see cref="NodeOptions"/> for the program, and every key with its origin for the operator.</summary>
public sealed class NodeConfiguration
{
    private const string Root = "warp";

    private NodeConfiguration(NodeOptions options, IReadOnlyList<ConfigurationEntry> entries)
    {
        Options = options;
        Entries = entries;
    }

    public NodeOptions Options { get; }

    /// <summary>All keys below <c>warp</c> in the order of <c>reference.conf</c>.</summary>
    public IReadOnlyList<ConfigurationEntry> Entries { get; }

    /// <summary>Lays the sources over each other, resolves substitutions over all of them, reads and validates.</summary>
    /// <exception cref="ConfigurationException">With every problem that was found, one line each.</exception>
    public static NodeConfiguration Load(ConfigurationSources sources)
    {
        var problems = new List<ConfigurationProblem>();
        var root = ReferenceConfiguration.Root.MergedWith(SettingsLayer.Read(sources.Presets, "preset", problems));
        root = sources.Files.Select(file => ReadFile(file, problems)).Aggregate(root, (below, above) => below.MergedWith(above));
        root = root.MergedWith(EnvironmentLayer.Read(sources.Environment, problems));
        root = root.MergedWith(SettingsLayer.Read(sources.Settings, "--set", problems));

        var entries = Collect(problems, () => EntriesOf(HoconResolver.Resolve(root, sources.Environment))) ?? [];
        problems.AddRange(UnknownKeys(entries));
        var reader = new OptionsReader(entries.ToDictionary(entry => entry.Key));
        var options = NodeOptionsReader.Read(reader, sources.MemoryLimit);
        NodeOptionsRules.Check(options, reader);
        problems.AddRange(reader.Problems);
        return problems.Count == 0 ? new NodeConfiguration(options, entries) : throw new ConfigurationException(problems);
    }

    private static HoconObject ReadFile(string file, List<ConfigurationProblem> problems) =>
        Collect(problems, () => WithoutDotsInNames(HoconParser.ParseFile(file))) ?? new HoconObject(new ConfigurationOrigin(file));

    private static List<ConfigurationEntry> EntriesOf(HoconObject root) =>
        [.. ConfigurationEntry.Below(Root, WithoutDotsInNames(root).Fields[Root])];

    /// <summary>
    /// Takes the quotes off names such as <c>"retention.ms"</c> below <c>warp</c>: here a dot always separates, so that the same
    /// setting written in another way is the same key.
    /// </summary>
    private static HoconObject WithoutDotsInNames(HoconObject root)
    {
        if (root.Fields.GetValueOrDefault(Root) is not HoconObject section)
            return root;
        var result = new HoconObject(root.Origin);
        foreach (var (name, value) in root.Fields)
            result.Put(name, name == Root ? Split(section) : value);
        return result;

        static HoconObject Split(HoconObject names)
        {
            var split = new HoconObject(names.Origin);
            foreach (var (name, value) in names.Fields)
                split.PutAt(new HoconPath(name.Split('.')), value is HoconObject below ? Split(below) : value, value.Origin);
            return split;
        }
    }

    private static IEnumerable<ConfigurationProblem> UnknownKeys(IEnumerable<ConfigurationEntry> entries)
    {
        foreach (var entry in entries.Where(entry => !IsEmptyOpenSection(entry)))
        {
            if (ReferenceConfiguration.WhyUnknown(entry.Key) is { } sentence)
                yield return ConfigurationProblem.InValue(entry.Origin, sentence);
        }
    }

    private static bool IsEmptyOpenSection(ConfigurationEntry entry) =>
        entry.Value is HoconObject && ReferenceConfiguration.OpenSections.Contains(entry.Key);

    /// <summary>Runs a step that may fail and goes on without its result, so that the later steps can tell their problems too.</summary>
    private static T? Collect<T>(List<ConfigurationProblem> problems, Func<T> step)
        where T : class
    {
        try
        {
            return step();
        }
        catch (ConfigurationException e)
        {
            problems.AddRange(e.Problems);
            return null;
        }
    }
}
