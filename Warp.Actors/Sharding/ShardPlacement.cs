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
