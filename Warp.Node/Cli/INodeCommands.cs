using Warp.Node.Cli.Ctl;
using Warp.Node.Configuration;

namespace Warp.Node.Cli;

/// <summary>
/// What the commands of <see cref="CommandLine"/> do once their arguments are read. Each returns an <see cref="ExitCode"/>, or throws:
/// a <see cref="ConfigurationException"/> (a taken port, say) becomes <see cref="ExitCode.Unusable"/>, any other exception
/// <see cref="ExitCode.Failed"/>, each with its message as a line on standard error. The token is cancelled when the operator stops
/// the program (SIGTERM, Ctrl+C).
/// </summary>
public interface INodeCommands
{
    /// <summary>Runs a node until it is stopped.</summary>
    Task<int> RunNodeAsync(NodeOptions options, CancellationToken cancellationToken);

    /// <summary>Runs a node on a folder of its own until it is stopped or too old.</summary>
    Task<int> RunPlaygroundAsync(PlaygroundArguments arguments, CancellationToken cancellationToken);

    /// <summary>Runs a playground with a producer and a consumer and shows what they do.</summary>
    Task<int> RunDemoAsync(DemoArguments arguments, CancellationToken cancellationToken);

    /// <summary>Puts a load on a running broker and prints what it has come to.</summary>
    Task<int> BenchAsync(BenchArguments arguments, CancellationToken cancellationToken);

    /// <summary>Prints an object as JSON.</summary>
    /// <param name="objectPath">The file that holds the object.</param>
    /// <param name="cancellationToken">Stops reading.</param>
    Task<int> InspectAsync(string objectPath, CancellationToken cancellationToken);

    /// <summary>Holds the store against the journal, while no node runs.</summary>
    /// <param name="options">Which store and journal.</param>
    /// <param name="json">Whether to print JSON, for programs.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns><see cref="ExitCode.Failed"/> when something is wrong.</returns>
    Task<int> VerifyStoreAsync(NodeOptions options, bool json, CancellationToken cancellationToken);

    /// <summary>Deletes from the store what nothing needs, while no node runs.</summary>
    /// <param name="options">Which store and journal.</param>
    /// <param name="dryRun">Whether only to print what would be deleted.</param>
    /// <param name="json">Whether to print JSON, for programs.</param>
    /// <param name="cancellationToken">Ends it between two requests.</param>
    Task<int> CollectStoreAsync(NodeOptions options, bool dryRun, bool json, CancellationToken cancellationToken);

    /// <summary>Gives the stores of a quorum what they have missed; whether nodes run does not matter.</summary>
    /// <param name="options">Which store.</param>
    /// <param name="json">Whether to print JSON, for programs.</param>
    /// <param name="cancellationToken">Ends it between two objects.</param>
    /// <returns><see cref="ExitCode.Failed"/> when something could not be copied.</returns>
    Task<int> RepairStoreAsync(NodeOptions options, bool json, CancellationToken cancellationToken);

    /// <summary>Tells a running node what to do about compaction, and prints its answer.</summary>
    /// <param name="verb">What to do.</param>
    /// <param name="http">Where the node listens for HTTP.</param>
    /// <param name="cancellationToken">Gives up.</param>
    Task<int> CompactionAsync(CompactionVerb verb, HostPort http, CancellationToken cancellationToken);

    /// <summary>Carries out a command of <c>warp ctl</c>.</summary>
    Task<int> ControlAsync(CtlCall call, CancellationToken cancellationToken);

    /// <summary>Reads commands of <c>warp ctl</c> and carries them out.</summary>
    /// <param name="node">Where the node listens for HTTP.</param>
    /// <param name="cancellationToken">Ends it.</param>
    Task<int> PromptAsync(HostPort node, CancellationToken cancellationToken);
}

/// <summary>
/// A node on a folder of its own: journal and store of <paramref name="Options"/> lie in <paramref name="Directory"/> unless the
/// operator set them otherwise. A temporary folder was not created yet and is to be deleted at the end; another one is kept.
/// </summary>
public sealed record PlaygroundArguments(NodeOptions Options, string Directory, bool IsTemporary);

/// <summary>A playground with a load; <paramref name="For"/> null runs until it is stopped.</summary>
public sealed record DemoArguments(PlaygroundArguments Playground, TimeSpan? For);
