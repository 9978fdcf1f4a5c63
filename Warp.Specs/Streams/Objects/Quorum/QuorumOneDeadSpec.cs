using Warp.Specs.Contracts;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Quorum;
using Warp.Streams.Objects.Resilience;

namespace Warp.Specs.Streams.Objects.Quorum;

/// <summary>The contract of stores, kept by a quorum of which the first, the nearest, is dead.</summary>
public sealed class QuorumOneDeadSpec : ObjectStoreSpec
{
    protected override Task<IObjectStore> OpenAsync() => Task.FromResult<IObjectStore>(new QuorumObjectStore(
        [new DeadObjectStore(), new MemoryObjectStore(TimeProvider.System), new MemoryObjectStore(TimeProvider.System)],
        QuorumObjectStore.DefaultGrace,
        new HedgeBudget(0.05),
        TimeProvider.System,
        new Random(1)));
}
