namespace Warp.Node.Cli.Ctl;

/// <summary>What an argument names, so that it can be completed.</summary>
public enum CtlArgumentKind
{
    Node,
    Shard,
    Topic,
    Group,
    Command,
}

/// <summary>An argument of a command; capital letters in the palette.</summary>
public sealed record CtlArgument(CtlArgumentKind Kind, bool IsOptional = false)
{
    public string Name => Kind switch
    {
        CtlArgumentKind.Group => "ID",
        CtlArgumentKind.Topic => "NAME",
        _ => Kind.ToString().ToUpperInvariant(),
    };

    public override string ToString() => IsOptional ? $"[{Name}]" : Name;
}

/// <summary>A command of <c>warp ctl</c>.</summary>
/// <param name="Words">Its words, such as <c>cluster drain</c>.</param>
/// <param name="Summary">What it does, in a line.</param>
public sealed record CtlVerb(string Words, string Summary)
{
    public IReadOnlyList<CtlArgument> Arguments { get; init; } = [];

    /// <summary>Its own flags, and what each means.</summary>
    public IReadOnlyDictionary<string, string> Flags { get; init; } = new Dictionary<string, string>();

    /// <summary>Arguments for the example in its help.</summary>
    public string Sample { get; init; } = "";

    /// <summary>More about it, for its help.</summary>
    public string Details { get; init; } = "";

    public string Usage => string.Join(' ', [Words, .. Arguments.Select(static argument => argument.ToString()), .. Flags.Keys.Select(static flag => $"[{flag}]")]);

    public string Example => $"warp ctl {Words}{(Sample.Length == 0 ? "" : " ")}{Sample}";
}

/// <summary>All commands of <c>warp ctl</c>: the one table that the command line, the help and the prompt's completion are made of.</summary>
public static class CtlPalette
{
    public const string ExitCodes = "Exit codes: 0 done; 1 failed, refused, or faults were found; 2 wrong usage, or no node could be reached.";

    public const string DryRun = "--dry-run";

    public const string Force = "--force";

    public const string Ready = "--ready";

    private static readonly CtlArgument s_node = new(CtlArgumentKind.Node);

    public static IReadOnlyList<CtlVerb> Verbs { get; } =
    [
        new("cluster show", "The nodes: state, zone, roles, addresses, shards, version."),
        new("cluster drain", "Have a node give up its shards; it serves on until it is stopped.")
        {
            Arguments = [s_node],
            Sample = "2",
            Details = "Returns when the node has no shards any more. Clients are named other nodes meanwhile, and /readyz says so. NODE is a number, or "
                + "self for the node that is asked.",
        },
        new("cluster undrain", "Have a node that drains take part again.") { Arguments = [s_node], Sample = "2" },
        new("cluster leave", "Have a node drain, and end its process for good.")
        {
            Arguments = [s_node],
            Sample = "2",
            Details = "Its process ends with exit code 0 and its row goes. To restart a node, drain it and end its process (SIGTERM) instead.",
        },
        new("cluster down", "Remove a dead node; others take its shards when its leases end.")
        {
            Arguments = [s_node],
            Flags = new Dictionary<string, string> { [Force] = "Remove it even if it lives; it stops when it notices." },
            Sample = "2",
        },
        new("shards show", "Who owns which shard, and until when."),
        new("shards move", "Move a shard to a node, in exchange for another where shares would become uneven.")
        {
            Arguments = [new(CtlArgumentKind.Shard), s_node],
            Sample = "17 2",
            Details = "The coordinator keeps it there for as long as the same nodes are up.",
        },
        new("shards rebalance", "Have the coordinator look now where shards should be."),
        new("singletons show", "Where the singletons run: catalog, compaction, collection, coordinator."),
        new("topics", "The topics; with a name, its partitions.")
        {
            Arguments = [new(CtlArgumentKind.Topic, IsOptional: true)],
            Sample = "orders",
        },
        new("groups", "The consumer groups of all nodes; with an id, its members and lags.")
        {
            Arguments = [new(CtlArgumentKind.Group, IsOptional: true)],
            Sample = "billing",
        },
        new("compaction show", "How the merging of small objects goes."),
        new("compaction run", "Look for objects to merge now, and merge even what gains little."),
        new("compaction pause", "Begin no more merges; those under way go on."),
        new("compaction resume", "Begin merges again."),
        new("store verify", "Read the whole store and compare it with the journal, while the cluster runs.")
        {
            Details = "What the nodes change meanwhile is looked at again before it is told, so a line is a fault. Exits with 1 if there is one.",
        },
        new("store gc", "Delete from the store what nothing needs any more, now.")
        {
            Flags = new Dictionary<string, string> { [DryRun] = "Only print what would be deleted, and why; change nothing." },
            Sample = DryRun,
        },
        new("store repair", "Give the stores of a quorum what they have missed."),
        new("journal show", "The journal, the store that belongs to it, and their clocks."),
        new("health", "Whether the node lives, and what it is not ready for.")
        {
            Flags = new Dictionary<string, string> { [Ready] = "Exit with 1 while it is not ready, too." },
            Details = "Exits with 1 when it has failed. For container health checks.",
        },
    ];

    /// <summary>The commands that begin with these words; all for none.</summary>
    public static IReadOnlyList<CtlVerb> Find(IReadOnlyList<string> words) =>
        [.. Verbs.Where(verb => verb.Words.Split(' ').Take(words.Count).SequenceEqual(words))];
}
