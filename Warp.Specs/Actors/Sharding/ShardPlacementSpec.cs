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

    private static NodeIncarnation Life(int node, long incarnation = 1) => new(node, incarnation);

    private static NodeRow Row(int node, bool isDraining = false, int roles = 15, long incarnation = 1) => new(
        Life(node, incarnation),
        new NodeDescription(new NodeAddress("host", node), new NodeAddress("host", 100 + node), new NodeAddress("host", 200 + node), "", "default", roles, "1", 1),
        s_now,
        new NodeStatus(isDraining, []));

    private static Dictionary<int, ShardRow> Shards(params ShardRow[] rows) => rows.ToDictionary(static row => row.ShardId);
}
