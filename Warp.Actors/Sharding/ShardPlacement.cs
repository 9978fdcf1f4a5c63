using Warp.Actors.Cluster;
using Warp.Actors.Persistence;

namespace Warp.Actors.Sharding;

/// <summary>What a node has to do about shards, read off a heartbeat. Functions of their arguments alone.</summary>
public static class ShardPlacement
{
    /// <summary>The role of nodes that may own shards (<c>control</c>), as a bit of <see cref="NodeDescription.Roles"/>.</summary>
    public const int ControlRole = 4;

    /// <summary>Shards that run here and should be elsewhere; the shard coordinator's own when this node is about to leave.</summary>
    public static IReadOnlyList<int> HandOff(
        NodeIncarnation self, bool isDraining, IReadOnlyDictionary<int, ShardRow> shards, IEnumerable<int> running) =>
        [.. running.Where(shard => shard == ShardIds.Coordinator
            ? isDraining
            : shards.GetValueOrDefault(shard)?.AssignedNode is { } node && node != self.NodeId)];

    /// <summary>
    /// Shards that should be here and are free: nobody has them, the lease has run out, or an earlier life of this node has them. Any node that may
    /// own shards takes the shard coordinator's.
    /// </summary>
    public static IReadOnlyList<int> Take(
        NodeRow self, DateTimeOffset now, IReadOnlyDictionary<int, ShardRow> shards, IReadOnlySet<int> running)
    {
        var free = new List<int>();
        foreach (ShardRow row in shards.Values.OrderBy(static row => row.ShardId))
        {
            if (row.ShardId != ShardIds.Coordinator && row.AssignedNode == self.Node.NodeId && !running.Contains(row.ShardId) && IsFree(row))
                free.Add(row.ShardId);
        }
        bool mayCoordinate = (self.Description.Roles & ControlRole) != 0 && !self.IsDraining && !running.Contains(ShardIds.Coordinator);
        if (mayCoordinate && (!shards.TryGetValue(ShardIds.Coordinator, out ShardRow? coordinator) || IsFree(coordinator)))
            free.Add(ShardIds.Coordinator);
        return free;

        bool IsFree(ShardRow row) => row.Owner is not { } owner || row.LeaseUntil <= now || owner.NodeId == self.Node.NodeId;
    }

    /// <summary>
    /// How a shard gets to a node and stays there: alone where the node has fewer shards than the one it comes from, or else in exchange for
    /// another. What the next look of the coordinator would undo is refused.
    /// </summary>
    public static ShardMoves Move(
        int shardCount, ClusterMembers members, IReadOnlyDictionary<int, ShardRow> shards, int shardId, int nodeId)
    {
        bool isSingleton = ShardIds.Singletons.Contains(shardId);
        if (shardId == ShardIds.Coordinator)
            return ShardMoves.Refused("The shard coordinator is not placed: it runs on the node that first takes it. Drain that node to move it.");
        if (!isSingleton && (uint)shardId >= (uint)shardCount)
            return ShardMoves.Refused($"There is no shard {shardId}; there are 0 to {shardCount - 1}, and the singletons {string.Join(", ", ShardIds.Singletons)}.");
        if (WhyNot(members, nodeId) is { } objection)
            return ShardMoves.Refused(objection);
        if (Assign(shardCount, members, shards).Count > 0 || shards[shardId].AssignedNode is not { } from)
            return ShardMoves.Refused("Nodes have come or gone, and the coordinator is about to place shards anew; try again in a moment.");
        if (from == nodeId)
            return new ShardMoves(null, []);
        var move = new ShardAssignment(shardId, nodeId);
        IEnumerable<int> kin = isSingleton ? ShardIds.Singletons : Enumerable.Range(0, shardCount);
        IEnumerable<ShardAssignment[]> exchanges = kin
            .Where(other => shards[other].AssignedNode == nodeId)
            .Select(other => (ShardAssignment[])[move, new ShardAssignment(other, from)]);
        foreach (ShardAssignment[] plan in exchanges.Prepend([move]))
        {
            var after = new Dictionary<int, ShardRow>(shards);
            foreach (ShardAssignment change in plan)
                after[change.ShardId] = after[change.ShardId] with { AssignedNode = change.NodeId };
            if (Assign(shardCount, members, after).Count == 0)
                return new ShardMoves(null, plan);
        }
        return ShardMoves.Refused($"The coordinator would move shard {shardId} back at once: it keeps the nodes' shares even.");
    }

    /// <summary>Why no shard may be placed on a node; null when one may.</summary>
    private static string? WhyNot(ClusterMembers members, int nodeId)
    {
        if (members.Find(nodeId) is not { } row)
            return members.Nodes.Any(node => node.Node.NodeId == nodeId) ? $"Node {nodeId} is not alive." : $"There is no node {nodeId}.";
        if ((row.Description.Roles & ControlRole) == 0)
            return $"Node {nodeId} has not the role control, so it may own no shards.";
        if (row.IsDraining)
            return $"Node {nodeId} is draining.";
        return members.Serving.Contains(row) ? null : $"Node {nodeId} is cut off from other nodes.";
    }

    /// <summary>What the shard coordinator has to change: each shard and singleton whose place is not what it should be.</summary>
    public static IReadOnlyList<ShardAssignment> Assign(
        int shardCount, ClusterMembers members, IReadOnlyDictionary<int, ShardRow> shards)
    {
        int[] nodes =
        [
            .. members.Serving.Where(static node => (node.Description.Roles & ControlRole) != 0).Select(static node => node.Node.NodeId),
        ];
        Dictionary<int, int> current = shards.Values
            .Where(static row => (row.AssignedNode ?? row.Owner?.NodeId) is not null)
            .ToDictionary(static row => row.ShardId, static row => row.AssignedNode ?? row.Owner!.Value.NodeId);
        int[] ordinary = [.. Enumerable.Range(0, shardCount)];
        return
        [
            .. Changes(ordinary, ShardAllocation.Allocate(ordinary, nodes, current)),
            // The singletons begin with another node than the shards that are one too many.
            .. Changes(ShardIds.Singletons, ShardAllocation.Allocate(ShardIds.Singletons, nodes, current, firstFavoured: 1)),
        ];

        IEnumerable<ShardAssignment> Changes(IReadOnlyList<int> ids, IReadOnlyList<int?> allocated)
        {
            for (int i = 0; i < ids.Count; i++)
            {
                if (allocated[i] is { } node && shards.GetValueOrDefault(ids[i])?.AssignedNode != node)
                    yield return new ShardAssignment(ids[i], node);
            }
        }
    }
}
