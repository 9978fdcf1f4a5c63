using System.Diagnostics.Metrics;
using Warp.Actors.Cluster;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sharding;
using Warp.Streams.Objects;

namespace Warp.Streams.Compaction;

/// <summary>What the jobs of a node work with. One a node: they share its rate.</summary>
/// <param name="System">Clock, randomness, logs.</param>
/// <param name="Store">Where the objects are.</param>
/// <param name="Keys">Their keys.</param>
/// <param name="Journal">Where outputs are registered.</param>
/// <param name="Region">Where the shards are.</param>
/// <param name="Leases">Tells who this node is, and the database's clock.</param>
/// <param name="Times">The commit deadline holds for swaps as well.</param>
/// <param name="ClusterId">Is written into the outputs.</param>
/// <param name="Settings">What a job may use.</param>
/// <param name="Meter">Gets the instruments.</param>
public sealed record CompactionServices(
    ActorSystem System,
    IObjectStore Store,
    ObjectKeys Keys,
    IJournal Journal,
    ShardRegion Region,
    ShardLeases Leases,
    TimeConstants Times,
    string ClusterId,
    CompactionSettings Settings,
    Meter Meter)
{
    internal ClusterClock Clock => Leases.Clock;

    internal ByteRate Rate { get; } = new(Settings.BytesPerSecond, System.Time);

    internal CompactionMetrics Metrics { get; } = new(Meter);
}
