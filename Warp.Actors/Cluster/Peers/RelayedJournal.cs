using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// The journal of a node that has no way to the database (an agent): what it needs of it, to be a member of the cluster, it hears from nodes that
/// have. It owns nothing, so it never writes. Thread-safe.
/// </summary>
public sealed class RelayedJournal : IJournal
{
    private static readonly TimeSpan s_deadline = TimeSpan.FromSeconds(3);

    private readonly PeerNetwork _network;
    private readonly IReadOnlyList<PeerAddress> _seeds;
    private IReadOnlyList<PeerAddress> _known = [];

    /// <param name="system">Clock and scheduler.</param>
    /// <param name="settings">The secret, and the bounds.</param>
    /// <param name="metrics">What is measured.</param>
    /// <param name="seeds">Nodes that are asked first (<c>warp.cluster.seeds</c>); later also those that are found.</param>
    public RelayedJournal(ActorSystem system, PeerSettings settings, PeerMetrics metrics, IReadOnlyList<NodeAddress> seeds)
    {
        // It belongs to no cluster before it has been told of one.
        _network = new PeerNetwork(system, new PeerIdentity("", default, FeatureLevel: 0), settings, metrics);
        _seeds = [.. seeds.Select(static seed => new PeerAddress(seed.Host, seed.Port, null))];
        Description = $"of the nodes {string.Join(", ", seeds)}";
    }

    public string Description { get; }

    public async ValueTask<ClusterRecord> ReadClusterAsync(CancellationToken cancellationToken) =>
        ClusterOf(await CallAsync<RelayRegistrationResponse>(new RelayRegistrationRequest { Description = null }, cancellationToken));

    public async ValueTask<NodeIncarnation> RegisterNodeAsync(NodeRegistration node, TimeSpan lease, CancellationToken cancellationToken)
    {
        var request = new RelayRegistrationRequest
        {
            NodeId = node.NodeId ?? -1,
            Description = RelayConversions.ToPeer(node.Description),
        };
        RelayRegistrationResponse response = await CallAsync<RelayRegistrationResponse>(request, cancellationToken);
        if (response.Holder is { } holder)
        {
            NodeRow row = RelayConversions.FromPeer(holder);
            NodeAddress address = row.Description.Kafka == node.Description.Kafka ? node.Description.Kafka : node.Description.Rpc;
            throw new AddressInUseException(address, row, TimeSpan.FromMilliseconds(response.HolderSeenAgoMs));
        }
        if (response.NodeId < 0)
            throw new FeatureLevelException(response.FeatureLevel, node.Description.FeatureLevel);
        return new NodeIncarnation(response.NodeId, response.Incarnation);
    }

    public async ValueTask<Heartbeat> HeartbeatAsync(
        NodeIncarnation node, NodeStatus status, IReadOnlyList<Fence> held, TimeSpan lease, CancellationToken cancellationToken)
    {
        Heartbeat heard = RelayConversions.FromPeer(
            await CallAsync<RelayHeartbeatResponse>(Request(node, status, hasLeft: false), cancellationToken));
        Volatile.Write(ref _known, [.. heard.Nodes
            .Where(row => row.Node != node && heard.DatabaseTime - row.HeartbeatAt < lease)
            .Select(static row => new PeerAddress(row.Description.Rpc.Host, row.Description.Rpc.Port, null))]);
        return heard;
    }

    public async ValueTask DepartAsync(NodeIncarnation node, CancellationToken cancellationToken) =>
        await CallAsync<RelayHeartbeatResponse>(Request(node, new NodeStatus(true, []), hasLeft: true), cancellationToken);

    public async ValueTask<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) =>
        RelayConversions.FromPeer(await CallAsync<RelayHeartbeatResponse>(new RelayHeartbeatRequest(), cancellationToken)).DatabaseTime;

    public ValueTask ReleaseAsync(NodeIncarnation node, IReadOnlyList<Fence> held, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    public ValueTask<IReadOnlyList<WriteResult>> AppendAsync(IReadOnlyList<ActorWrite> writes, CancellationToken cancellationToken) =>
        ValueTask.FromResult<IReadOnlyList<WriteResult>>(
            [.. writes.Select(static _ => WriteResult.Refused(WriteRefusal.Fenced, "this node owns no shards"))]);

    public ValueTask RaiseLineageAsync(long lineage, bool storeBound, CancellationToken cancellationToken) => throw NoJournal();

    public ValueTask<IReadOnlyList<Fence>> TakeOverAsync(
        NodeIncarnation node, IReadOnlyList<int> shards, TimeSpan lease, CancellationToken cancellationToken) => throw NoJournal();

    public ValueTask<bool> AssignShardsAsync(
        Fence coordinator, IReadOnlyList<ShardAssignment> assignments, CancellationToken cancellationToken) => throw NoJournal();

    public ValueTask<bool> RemoveNodeAsync(NodeIncarnation node, CancellationToken cancellationToken) => throw NoJournal();

    public ValueTask<bool> RaiseFeatureLevelAsync(Fence coordinator, int level, CancellationToken cancellationToken) => throw NoJournal();

    public ValueTask<bool> RegisterPendingAsync(ObjectId id, int level, DateTimeOffset deadline, CancellationToken cancellationToken) =>
        throw NoJournal();

    public ValueTask<bool> RenewPendingAsync(ObjectId id, DateTimeOffset deadline, CancellationToken cancellationToken) => throw NoJournal();

    public ValueTask<RecoveredJournal> RecoverAsync(string persistenceId, CancellationToken cancellationToken) => throw NoJournal();

    public ValueTask<IReadOnlyList<string>> ListPersistenceIdsAsync(string prefix, CancellationToken cancellationToken) => throw NoJournal();

    public ValueTask TrimAsync(Fence fence, string persistenceId, long upToSequenceNr, CancellationToken cancellationToken) => throw NoJournal();

    public ValueTask<IReadOnlyList<ObjectRow>> ListObjectsAsync(
        ObjectRowKind kind, TimeSpan age, ObjectRow? after, int limit, CancellationToken cancellationToken) => throw NoJournal();

    public ValueTask<IReadOnlyList<ObjectRow>> FindObjectsAsync(IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken) =>
        throw NoJournal();

    public ValueTask<IReadOnlyList<ObjectId>> BeginDeletingAsync(
        Fence fence, IReadOnlyList<ObjectId> ids, TimeSpan grace, CancellationToken cancellationToken) => throw NoJournal();

    public ValueTask<IReadOnlyList<ObjectId>> InsertDeletingAsync(
        Fence fence, IReadOnlyList<OrphanObject> orphans, CancellationToken cancellationToken) => throw NoJournal();

    public ValueTask ConfirmDeletedAsync(Fence fence, IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken) => throw NoJournal();

    public ValueTask RemoveTombstonesAsync(Fence fence, IReadOnlyList<ObjectId> ids, TimeSpan age, CancellationToken cancellationToken) =>
        throw NoJournal();

    public ValueTask DisposeAsync() => _network.DisposeAsync();

    private static RelayHeartbeatRequest Request(NodeIncarnation node, NodeStatus status, bool hasLeft) => new()
    {
        NodeId = node.NodeId,
        Incarnation = node.Incarnation,
        IsDraining = status.IsDraining,
        Unreached = [.. status.Unreached],
        HasLeft = hasLeft,
        KnownIncarnation = status.KnownIncarnation,
    };

    private static ClusterRecord ClusterOf(RelayRegistrationResponse response) => new(
        response.ClusterId, response.Lineage, response.StoreBound, response.ShardCount, response.EntityHash, response.FeatureLevel);

    private static NotSupportedException NoJournal() => new("This node has no way to the journal.");

    private async Task<TResponse> CallAsync<TResponse>(IRequest request, CancellationToken cancellationToken)
        where TResponse : class, IResponse
    {
        PeerCallException? failure = null;
        foreach (PeerAddress address in Volatile.Read(ref _known).Concat(_seeds).Distinct())
        {
            try
            {
                return await _network.CallAsync<TResponse>(address, request, s_deadline, cancellationToken);
            }
            catch (PeerCallException error)
            {
                failure = error;
            }
        }
        throw new JournalException(
            $"No node of warp.cluster.seeds tells what is in the journal. The last one: {failure?.Message ?? "there is none"}", failure)
        {
            // Who may not talk to them will not be let in later either.
            IsTransient = failure is not PeerRefusedException { Refusal: not PeerRefusal.NoAnswer },
        };
    }
}
