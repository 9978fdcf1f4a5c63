using Xunit;

// Most of the time of tests with processes is spent waiting for them: more of them at once than the machine has cores.
[assembly: CollectionBehavior(MaxParallelThreads = 4)]

namespace Warp.Specs.Hosting;

/// <summary>
/// The collection of tests that load or measure the whole machine with nodes as processes: they run one after another, with nothing
/// beside them, after all others.
/// </summary>
[CollectionDefinition(nameof(NodeProcesses), DisableParallelization = true)]
public sealed class NodeProcesses;
