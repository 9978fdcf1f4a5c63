using Warp.Actors.Persistence;

namespace Warp.Actors.Cluster;

/// <summary>
/// Who is in the cluster, and which shard should be whose. The database's rows are the truth; what nodes tell each other are hints.
/// All members are thread-safe.
/// </summary>
public interface IMembership
{
    /// <summary>
    /// Registers this process as the latest incarnation of a node. A node without an id gets back the one that was last registered with
    /// its Kafka address, or else a number that is free. An incarnation's number is given once in a cluster, even after its row is gone. That
    /// others could not reach the node's earlier life is forgotten.
    /// </summary>
    /// <param name="node">What is registered.</param>
    /// <param name="lease">How long after its last heartbeat another process is taken to be alive.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="AddressInUseException">A process that may be alive has the Kafka or the node-to-node address.</exception>
    /// <exception cref="FeatureLevelException">The cluster is at a level that the node does not know.</exception>
    ValueTask<NodeIncarnation> RegisterNodeAsync(NodeRegistration node, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>
    /// One round trip: notes that the node is alive, extends the leases whose epoch still stands (an expired one too), and tells who else
    /// is there and who owns what. For an incarnation that is not the latest of its node nothing is noted or extended.
    /// </summary>
    ValueTask<Heartbeat> HeartbeatAsync(
        NodeIncarnation node, NodeStatus status, IReadOnlyList<Fence> held, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Notes that the process has left: from now on it is not alive, whenever it was last heard of. Its row, and so its id, stays.</summary>
    ValueTask DepartAsync(NodeIncarnation node, CancellationToken cancellationToken);

    /// <summary>Says where shards should be; a takeover by any other node is refused from then on. Fenced, all of it or nothing.</summary>
    /// <returns>Whether the coordinator's epoch and lease stood.</returns>
    ValueTask<bool> AssignShardsAsync(Fence coordinator, IReadOnlyList<ShardAssignment> assignments, CancellationToken cancellationToken);

    /// <summary>
    /// Removes the row of a node that leaves, or of one that is known to be dead. If it is not dead after all, its next heartbeat tells
    /// it to stop, and its leases hold until they run out.
    /// </summary>
    /// <returns>Whether there was a row of just this incarnation.</returns>
    ValueTask<bool> RemoveNodeAsync(NodeIncarnation node, CancellationToken cancellationToken);

    /// <summary>
    /// Raises the level of features that the cluster may use, unless there is a node that knows less and has not left: one that is dead, or seems
    /// so, may come back. It never goes down. Fenced.
    /// </summary>
    /// <returns>
    /// False when the coordinator's epoch or lease did not stand, when there is such a node, or when a node was registered meanwhile: then nothing
    /// has changed.
    /// </returns>
    ValueTask<bool> RaiseFeatureLevelAsync(Fence coordinator, int level, CancellationToken cancellationToken);
}

/// <summary>A host name or address, and a port.</summary>
public readonly record struct NodeAddress(string Host, int Port)
{
    public override string ToString() => Host.Contains(':') ? $"[{Host}]:{Port}" : $"{Host}:{Port}";
}

/// <summary>What a node tells the others of itself.</summary>
/// <param name="Kafka">Where Kafka clients reach it.</param>
/// <param name="Rpc">Where other nodes reach it.</param>
/// <param name="Http">Where its metrics and health are.</param>
/// <param name="Zone">Its availability zone; empty when it knows none.</param>
/// <param name="Group">Whose clients may be sent to it.</param>
/// <param name="Roles">A bit for each role.</param>
/// <param name="Version">Of the program.</param>
/// <param name="FeatureLevel">The highest that it knows.</param>
public sealed record NodeDescription(
    NodeAddress Kafka, NodeAddress Rpc, NodeAddress Http, string Zone, string Group, int Roles, string Version, int FeatureLevel);

/// <summary>A process that wants to be a node, of a certain id or of any.</summary>
/// <param name="NodeId">The id; null for any.</param>
/// <param name="Description">What it tells the others.</param>
/// <param name="Predecessor">A process that had its address, and is known to be dead, however lately it was heard of.</param>
public sealed record NodeRegistration(int? NodeId, NodeDescription Description, NodeIncarnation? Predecessor = null);

/// <summary>What a node tells with each heartbeat.</summary>
/// <param name="IsDraining">Whether it wants to leave.</param>
/// <param name="Unreached">The ids of the live nodes that it cannot reach.</param>
/// <param name="KnownIncarnation">
/// The latest life of any node that it knew of when it found that: a later life of one of them has not been tried, and nothing is said of it.
/// </param>
public readonly record struct NodeStatus(bool IsDraining, IReadOnlyCollection<int> Unreached, long KnownIncarnation = long.MaxValue)
{
    /// <summary>It stays, and reaches everybody.</summary>
    public static NodeStatus Well { get; } = new(false, []);
}

/// <summary>A node as it was last heard of, by the database's clock.</summary>
/// <param name="Node">The node, in its latest life.</param>
/// <param name="Description">What it tells the others of itself.</param>
/// <param name="HeartbeatAt">
/// When it was last heard of. For a node that has left, the moment when it did so, mirrored at 1970: to every rule of liveness that is long ago.
/// </param>
/// <param name="Status">What it told with its last heartbeat.</param>
public sealed record NodeRow(NodeIncarnation Node, NodeDescription Description, DateTimeOffset HeartbeatAt, NodeStatus Status)
{
    public bool IsDraining => Status.IsDraining;

    /// <summary>Whether the process has said that it ends.</summary>
    public bool HasLeft => HeartbeatAt <= DateTimeOffset.UnixEpoch;

    /// <summary>When it was last heard of, or left. Nodes of feature level 1 leave no time when they go: 1970 then.</summary>
    public DateTimeOffset LastSeenAt => HasLeft ? DateTimeOffset.UnixEpoch + (DateTimeOffset.UnixEpoch - HeartbeatAt) : HeartbeatAt;
}

/// <summary>A shard's row.</summary>
/// <param name="ShardId">The shard.</param>
/// <param name="Epoch">Under which it was last taken over; 0 if never.</param>
/// <param name="Owner">Who took it over, unless it was given up since.</param>
/// <param name="LeaseUntil">Until when nobody else may take it, by the database's clock.</param>
/// <param name="AssignedNode">The only node that may take it; null: any.</param>
public sealed record ShardRow(int ShardId, long Epoch, NodeIncarnation? Owner, DateTimeOffset LeaseUntil, int? AssignedNode);

/// <summary>Where a shard should be; null: anywhere.</summary>
public readonly record struct ShardAssignment(int ShardId, int? NodeId);

/// <summary>The answer to a heartbeat.</summary>
/// <param name="DatabaseTime">The database's clock.</param>
/// <param name="IsCurrent">
/// False when a later incarnation of the node was registered or its row was removed: then this process must stop.
/// </param>
/// <param name="Renewed">The fences that still stand, with leases that count from this heartbeat. The others are lost.</param>
/// <param name="Nodes">All rows of nodes by id, alive or not.</param>
/// <param name="Shards">All rows of shards by id; one that was never taken over or assigned has none.</param>
/// <param name="FeatureLevel">The cluster's; 0 when a node of level 1 has passed this on, which does not tell.</param>
public sealed record Heartbeat(
    DateTimeOffset DatabaseTime,
    bool IsCurrent,
    IReadOnlyList<Fence> Renewed,
    IReadOnlyList<NodeRow> Nodes,
    IReadOnlyList<ShardRow> Shards,
    int FeatureLevel);

/// <summary>
/// A registration was refused: another process, or an earlier life of this one, has an address of this node and has been heard of within
/// the lease. If it is dead, trying again after the lease succeeds; if its heartbeat moves on meanwhile, it is alive.
/// </summary>
public sealed class AddressInUseException(NodeAddress address, NodeRow holder, TimeSpan seenAgo) : JournalException(
    $"Node {holder.Node.NodeId} has the address {address} and was heard of {seenAgo.TotalSeconds:F1} s ago; stop it, or give this node another address.")
{
    /// <summary>Who has it.</summary>
    public NodeRow Holder { get; } = holder;

    /// <summary>Since when nothing was heard of it, by the database's clock.</summary>
    public TimeSpan SeenAgo { get; } = seenAgo;
}

/// <summary>A registration was refused: the cluster uses features that the node does not know, or may not use.</summary>
/// <param name="clusterLevel">The cluster's feature level.</param>
/// <param name="nodeLevel">The highest that the node says it knows.</param>
public sealed class FeatureLevelException(int clusterLevel, int nodeLevel) : JournalException(
    $"The cluster is at feature level {clusterLevel}, which never goes down, and this node offers {nodeLevel}.")
{
    /// <summary>The cluster's feature level.</summary>
    public int ClusterLevel { get; } = clusterLevel;
}
