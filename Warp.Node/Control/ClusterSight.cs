using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Actors.Sharding;
using Warp.Node.Hosting;

namespace Warp.Node.Control;

/// <summary>The cluster as the journal says at this moment; or as this node has last heard, where the journal does not answer.</summary>
/// <param name="Members">Who is there.</param>
/// <param name="Shards">Who owns what, singletons included.</param>
/// <param name="Now">The database's time.</param>
/// <param name="Problem">Why it is not the latest; null when it is.</param>
internal sealed record ClusterSight(ClusterMembers Members, IReadOnlyDictionary<int, ShardRow> Shards, DateTimeOffset Now, string? Problem)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(3);

    /// <summary>Looks. Never fails for what the journal does.</summary>
    public static async Task<ClusterSight> TakeAsync(NodeCluster cluster, TimeConstants times, CancellationToken cancellationToken)
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        patience.CancelAfter(s_patience);
        try
        {
            // A heartbeat of nobody changes nothing, and tells who is there.
            Heartbeat heard = await cluster.Journal.HeartbeatAsync(default, NodeStatus.Well, [], times.Lease, patience.Token);
            return new ClusterSight(
                new ClusterMembers(cluster.Node, heard.Nodes, heard.DatabaseTime, times.Lease) 
                {
                    FeatureLevel = Math.Max(heard.FeatureLevel, cluster.Membership.Current.FeatureLevel),
                },
                heard.Shards.ToDictionary(static row => row.ShardId),
                heard.DatabaseTime,
                null);
        }
        catch (Exception error) when (!cancellationToken.IsCancellationRequested)
        {
            string why = error is OperationCanceledException ? $"no answer within {s_patience.TotalSeconds} s" : error.Message;
            DateTimeOffset now = cluster.Leases.Clock.Now;
            Dictionary<int, ShardRow> shards = Enumerable.Range(0, cluster.Cluster.ShardCount)
                .Concat(ShardIds.Singletons).Append(ShardIds.Coordinator)
                .Select(id => (Id: id, Home: cluster.Routes.Homes[id]))
                .ToDictionary(static entry => entry.Id, static entry => new ShardRow(entry.Id, entry.Home.Epoch, entry.Home.Owner, default, null));
            return new ClusterSight(
                cluster.Membership.Current, shards, now, $"The journal does not answer ({why}); this is what node {cluster.Node.NodeId} has last heard.");
        }
    }

    /// <summary>A node's row.</summary>
    /// <exception cref="ControlException">There is no such node.</exception>
    public NodeRow Find(int nodeId) => Members.Nodes.FirstOrDefault(node => node.Node.NodeId == nodeId)
        ?? throw ControlException.NotFound($"There is no node {nodeId}; there {Those(Members.Nodes)}.");

    /// <summary>The row of a node that is alive.</summary>
    /// <exception cref="ControlException">There is no such node, or it is not alive.</exception>
    public NodeRow FindLive(int nodeId)
    {
        NodeRow row = Find(nodeId);
        return Members.Find(row.Node) is not null
            ? row
            : throw ControlException.Refused(
                $"Node {nodeId} is not alive, and owns nothing once its lease has run out; `cluster down {nodeId}` removes it.");
    }

    /// <summary>How many shards, singletons included, a node has.</summary>
    public int CountOwned(NodeIncarnation node) => Shards.Values.Count(row => row.Owner == node);

    private static string Those(IReadOnlyList<NodeRow> nodes) =>
        nodes.Count == 1 ? $"is {nodes[0].Node.NodeId}" : $"are {string.Join(", ", nodes.Select(static node => node.Node.NodeId).Order())}";
}
