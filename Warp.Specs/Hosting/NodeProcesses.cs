using Xunit;

namespace Warp.Specs.Hosting;

/// <summary>
/// The collection of tests that start nodes as processes: they run one after another, with nothing beside them, because they measure and
/// load the whole machine.
/// </summary>
[CollectionDefinition(nameof(NodeProcesses), DisableParallelization = true)]
public sealed class NodeProcesses;
