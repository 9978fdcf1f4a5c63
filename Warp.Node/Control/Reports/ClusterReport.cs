namespace Warp.Node.Control.Reports;

/// <summary>The nodes of a cluster: what <c>warp ctl cluster show</c> shows.</summary>
/// <param name="ClusterId">The cluster.</param>
/// <param name="AnsweredBy">The node that tells it.</param>
/// <param name="Coordinator">The node that places the shards; null while there is none.</param>
/// <param name="JournalProblem">Why this is not the latest but what the node has last heard; null when the journal has just told it.</param>
/// <param name="FeatureLevel">What the cluster may use.</param>
/// <param name="Nodes">All that are there, and those that are remembered.</param>
public sealed record ClusterReport(
    string ClusterId, int AnsweredBy, int? Coordinator, string? JournalProblem, int FeatureLevel, IReadOnlyList<NodeReport> Nodes);

/// <summary>One node.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Incarnation">Of its latest life.</param>
/// <param name="State">up, draining, cut-off (from other nodes), left (it said so) or dead (nothing was heard of it for a lease).</param>
/// <param name="Zone">Its zone; null where it has none.</param>
/// <param name="Group">Its group.</param>
/// <param name="Roles">What it does.</param>
/// <param name="Kafka">Where clients reach it.</param>
/// <param name="Rpc">Where nodes reach it.</param>
/// <param name="Http">Where its metrics are.</param>
/// <param name="Shards">How many it owns.</param>
/// <param name="Singletons">Which singletons run there.</param>
/// <param name="Version">Of its program.</param>
/// <param name="FeatureLevel">The highest that it offers.</param>
/// <param name="SecondsSinceHeard">By the database's clock; since it left, if it has; null if that is not known.</param>
/// <param name="Unreached">The live nodes that it cannot reach.</param>
public sealed record NodeReport(
    int Id,
    long Incarnation,
    string State,
    string? Zone,
    string Group,
    IReadOnlyList<string> Roles,
    string Kafka,
    string Rpc,
    string Http,
    int Shards,
    IReadOnlyList<string> Singletons,
    string Version,
    int FeatureLevel,
    double? SecondsSinceHeard,
    IReadOnlyList<int> Unreached);
