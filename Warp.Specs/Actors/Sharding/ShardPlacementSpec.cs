using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Actors.Sharding;
using Xunit;

namespace Warp.Specs.Actors.Sharding;

public sealed class ShardPlacementSpec
{
    private static readonly DateTimeOffset s_now = DateTimeOffset.FromUnixTimeSeconds(1_790_000_000);
    private static readonly TimeSpan s_lease = TimeSpan.FromSeconds(10);

    [Fact]
    public void A_node_takes_what_is_assigned_to_it_and_free()
    {
        Dictionary<int, ShardRow> shards = Shards(
            new ShardRow(0, 1, null, default, 1),
            new ShardRow(1, 1, Life(2), s_now + s_lease, 1),
            new ShardRow(2, 1, Life(2), s_now, 1),
            new ShardRow(3, 1, Life(1, 4), s_now + s_lease, 1),
            new ShardRow(4, 1, null, default, 2),
            new ShardRow(5, 1, null, default, null),
            new ShardRow(6, 1, Life(1, 5), s_now + s_lease, 1),
            new ShardRow(ShardIds.Coordinator, 1, Life(2), s_now + s_lease, null));

        // 6 runs here already; 1 and the coordinator's are still another node's; 3 is this node's from an earlier life.
        Assert.Equal([0, 2, 3], ShardPlacement.Take(Row(1, incarnation: 5), s_now, shards, new HashSet<int> { 6 }));
    }

    [Theory]
    [InlineData(false, false, 15, true)]
    [InlineData(true, false, 15, false)]
    [InlineData(false, true, 15, false)]
    [InlineData(false, false, 11, false)]
    public void The_coordinators_place_is_taken_by_any_control_node_that_stays(bool isOwned, bool isDraining, int roles, bool taken)
    {
        Dictionary<int, ShardRow> shards = isOwned ? Shards(new ShardRow(ShardIds.Coordinator, 1, Life(2), s_now + s_lease, null)) : [];
        Assert.Equal(taken, ShardPlacement.Take(Row(1, isDraining, roles), s_now, shards, new HashSet<int>()).Contains(ShardIds.Coordinator));
    }

    [Fact]
    public void A_node_hands_off_what_is_assigned_elsewhere_and_the_coordinators_place_when_it_leaves()
    {
        Dictionary<int, ShardRow> shards = Shards(
            new ShardRow(0, 1, Life(1), s_now, 1), new ShardRow(1, 1, Life(1), s_now, 2), new ShardRow(2, 1, Life(1), s_now, null));
        int[] running = [0, 1, 2, ShardIds.Coordinator];
        Assert.Equal([1], ShardPlacement.HandOff(Life(1), isDraining: false, shards, running));
        Assert.Equal([1, ShardIds.Coordinator], ShardPlacement.HandOff(Life(1), isDraining: true, shards, running));
    }

    [Fact]
    public void Shards_and_singletons_are_assigned_to_live_control_nodes_that_stay()
    {
        var members = new ClusterMembers(
            Life(1),
            [Row(1), Row(2), Row(3, isDraining: true), Row(4, roles: 3), Row(5) with { HeartbeatAt = s_now - s_lease }, Row(6)],
            s_now,
            s_lease);
        IReadOnlyList<ShardAssignment> assigned = ShardPlacement.Assign(64, members, Shards());
        Assert.Equal([1, 2, 6], assigned.Select(static entry => entry.NodeId!.Value).Distinct().Order());
        Assert.Equal(64 + ShardIds.Singletons.Count, assigned.Count);
        int[] counts = [.. assigned.Where(static entry => entry.ShardId < 64).GroupBy(static entry => entry.NodeId).Select(static node => node.Count())];
        Assert.Equal([21, 21, 22], counts.Order());
        Assert.Equal(3, assigned.Where(static entry => entry.ShardId >= 1000).Select(static entry => entry.NodeId).Distinct().Count());
    }

    [Fact]
    public void What_is_where_it_should_be_is_not_assigned_again()
    {
        var members = new ClusterMembers(Life(1), [Row(1), Row(2)], s_now, s_lease);
        Dictionary<int, ShardRow> shards = Shards(
            [.. ShardPlacement.Assign(64, members, Shards()).Select(static entry => new ShardRow(entry.ShardId, 1, null, default, entry.NodeId))]);
        Assert.Empty(ShardPlacement.Assign(64, members, shards));
        var alone = new ClusterMembers(Life(1), [Row(1), Row(2) with { HeartbeatAt = s_now - s_lease }], s_now, s_lease);
        Assert.All(ShardPlacement.Assign(64, alone, shards), entry => Assert.Equal((2, 1), (shards[entry.ShardId].AssignedNode, entry.NodeId)));
    }

    [Fact]
    public void A_shard_moves_alone_to_a_node_that_has_fewer()
    {
        (ClusterMembers members, Dictionary<int, ShardRow> shards) = Placed(1, 2, 3);
        int shard = shards.Values.First(row => row.ShardId < 64 && row.AssignedNode == 1).ShardId;
        ShardMoves moves = ShardPlacement.Move(64, members, shards, shard, 2);
        Assert.Equal([new ShardAssignment(shard, 2)], moves.Moves);
        Assert.Empty(ShardPlacement.Assign(64, members, After(shards, moves)));
    }

    [Fact]
    public void A_shard_moves_in_exchange_for_another_to_a_node_that_has_as_many()
    {
        (ClusterMembers members, Dictionary<int, ShardRow> shards) = Placed(1, 2);
        int shard = shards.Values.First(row => row.ShardId < 64 && row.AssignedNode == 1).ShardId;
        ShardMoves moves = ShardPlacement.Move(64, members, shards, shard, 2);
        Assert.Null(moves.Refusal);
        Assert.Equal([2, 1], moves.Moves.Select(static move => move.NodeId!.Value));
        Assert.Equal(shard, moves.Moves[0].ShardId);
        Assert.Equal(2, shards[moves.Moves[1].ShardId].AssignedNode);
        Assert.Empty(ShardPlacement.Assign(64, members, After(shards, moves)));
        Assert.Empty(ShardPlacement.Move(64, members, After(shards, moves), shard, 2).Moves);
    }

    [Fact]
    public void Singletons_move_in_exchange_for_singletons()
    {
        (ClusterMembers members, Dictionary<int, ShardRow> shards) = Placed(1, 2, 3);
        int to = shards[ShardIds.Collection].AssignedNode!.Value;
        ShardMoves moves = ShardPlacement.Move(64, members, shards, ShardIds.Catalog, to);
        Assert.Equal([ShardIds.Catalog, ShardIds.Collection], moves.Moves.Select(static move => move.ShardId));
        Assert.Empty(ShardPlacement.Assign(64, members, After(shards, moves)));
    }

    [Theory]
    [InlineData(5, 9, "There is no node 9.")]
    [InlineData(5, 4, "Node 4 is not alive.")]
    [InlineData(5, 3, "Node 3 is draining.")]
    [InlineData(5, 6, "Node 6 has not the role control, so it may own no shards.")]
    [InlineData(64, 2, "There is no shard 64; there are 0 to 63, and the singletons 1000, 1001, 1002.")]
    [InlineData(ShardIds.Coordinator, 2, "The shard coordinator is not placed: it runs on the node that first takes it. Drain that node to move it.")]
    public void What_cannot_be_is_refused_with_the_reason(int shard, int node, string refusal)
    {
        var members = new ClusterMembers(
            Life(1),
            [Row(1), Row(2), Row(3, isDraining: true), Row(4) with { HeartbeatAt = s_now - s_lease }, Row(6, roles: 11)],
            s_now,
            s_lease);
        Dictionary<int, ShardRow> shards = Shards(
            [.. ShardPlacement.Assign(64, members, Shards()).Select(static entry => new ShardRow(entry.ShardId, 1, null, default, entry.NodeId))]);
        Assert.Equal(refusal, ShardPlacement.Move(64, members, shards, shard, node).Refusal);
    }

    [Fact]
    public void Nothing_moves_while_the_coordinator_has_yet_to_place_shards()
    {
        (_, Dictionary<int, ShardRow> shards) = Placed(1, 2);
        var more = new ClusterMembers(Life(1), [Row(1), Row(2), Row(3)], s_now, s_lease);
        Assert.Contains("try again", ShardPlacement.Move(64, more, shards, 5, 3).Refusal);
    }

    private static (ClusterMembers Members, Dictionary<int, ShardRow> Shards) Placed(params int[] nodes)
    {
        var members = new ClusterMembers(Life(nodes[0]), [.. nodes.Select(static node => Row(node))], s_now, s_lease);
        return (members, Shards(
            [.. ShardPlacement.Assign(64, members, Shards()).Select(static entry => new ShardRow(entry.ShardId, 1, null, default, entry.NodeId))]));
    }

    private static Dictionary<int, ShardRow> After(Dictionary<int, ShardRow> shards, ShardMoves moves)
    {
        var after = new Dictionary<int, ShardRow>(shards);
        foreach (ShardAssignment move in moves.Moves)
            after[move.ShardId] = after[move.ShardId] with { AssignedNode = move.NodeId };
        return after;
    }

    private static NodeIncarnation Life(int node, long incarnation = 1) => new(node, incarnation);

    private static NodeRow Row(int node, bool isDraining = false, int roles = 15, long incarnation = 1) => new(
        Life(node, incarnation),
        new NodeDescription(new NodeAddress("host", node), new NodeAddress("host", 100 + node), new NodeAddress("host", 200 + node), "", "default", roles, "1", 1),
        s_now,
        new NodeStatus(isDraining, []));

    private static Dictionary<int, ShardRow> Shards(params ShardRow[] rows) => rows.ToDictionary(static row => row.ShardId);
}
