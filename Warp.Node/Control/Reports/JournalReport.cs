namespace Warp.Node.Control.Reports;

/// <summary>The journal, as a node sees it.</summary>
/// <param name="Journal">Where it is, without a password.</param>
/// <param name="Store">The store that belongs to it.</param>
/// <param name="ClusterId">The cluster that both belong to.</param>
/// <param name="Lineage">Rises in both; a journal behind its store is an old copy.</param>
/// <param name="Objection">Why journal and store do not belong together; null when they do.</param>
/// <param name="FeatureLevel">What the cluster may use.</param>
/// <param name="ShardCount">Fixed when the cluster was made.</param>
/// <param name="EntityHash">The rule from entity to shard, fixed too.</param>
/// <param name="DatabaseTime">The one clock of leases and deadlines.</param>
/// <param name="ClockOffsetSeconds">How far the node's own clock is ahead of it.</param>
/// <param name="RoundTripMilliseconds">How long the database took to tell its time.</param>
/// <param name="SecondsSinceRenewal">How long ago the node has last renewed its leases.</param>
public sealed record JournalReport(
    string Journal,
    string Store,
    string ClusterId,
    long Lineage,
    string? Objection,
    int FeatureLevel,
    int ShardCount,
    string EntityHash,
    DateTimeOffset DatabaseTime,
    double ClockOffsetSeconds,
    double RoundTripMilliseconds,
    double SecondsSinceRenewal);
