namespace Warp.Node.Configuration;

/// <summary>Where a configuration comes from. Each source overrides those named before it, all of them <c>reference.conf</c>.</summary>
public sealed record ConfigurationSources
{
    /// <summary><c>key=value</c> pairs that a command puts in the place of the reference's defaults.</summary>
    public IReadOnlyList<string> Presets { get; init; } = [];

    /// <summary>HOCON files, by the names under which problems and origins will show them.</summary>
    public IReadOnlyList<string> Files { get; init; } = [];

    /// <summary>Environment variables: those that begin with <c>WARP_</c> set keys, and all of them serve substitutions.</summary>
    public IReadOnlyDictionary<string, string> Environment { get; init; } = new Dictionary<string, string>();

    /// <summary><c>key=value</c> pairs of the command line.</summary>
    public IReadOnlyList<string> Settings { get; init; } = [];

    /// <summary>What the process may use, in bytes: the container's limit if there is one, or else the machine's memory.</summary>
    public long MemoryLimit { get; init; } = GC.GetGCMemoryInfo().TotalAvailableMemoryBytes;
}
