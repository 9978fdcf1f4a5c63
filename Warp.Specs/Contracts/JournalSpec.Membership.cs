using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Contracts;

/// <summary>Who is in the cluster, and where shards should be.</summary>
public abstract partial class JournalSpec
{
    private protected const int CoordinatorShard = 1003;

    [Fact]
    public async Task A_registered_node_is_told_to_the_others_with_all_that_it_said_of_itself()
    {
        var description = new NodeDescription(
            new NodeAddress("kafka.example", 9092),
            new NodeAddress("10.0.0.7", 9094),
            new NodeAddress("::1", 9644),
            "zone-b", "analytics", 5, "1.2.3-rc.1+abc", 7);
        NodeIncarnation other = await RegisterAsync(5, description);

        Heartbeat heard = await BeatAsync(Node);

        Assert.True(heard.IsCurrent);
        Assert.Equal([Node, other], heard.Nodes.Select(static row => row.Node));
        Assert.Equal(description, heard.Nodes[1].Description);
        Assert.False(heard.Nodes[1].IsDraining);
        await AssertAgeAsync(TimeSpan.Zero, heard.Nodes[1].HeartbeatAt);
    }

    [Fact]
    public async Task A_heartbeat_moves_on_what_the_others_see_of_the_node()
    {
        NodeIncarnation other = await Journal.RegisterNodeAsync(5, Cancellation);
        await PassAsync(TimeSpan.FromMinutes(5));
        await AssertAgeAsync(TimeSpan.FromMinutes(5), (await BeatAsync(Node)).Nodes[1].HeartbeatAt);

        await Journal.HeartbeatAsync(other, new NodeStatus(true, []), [], _lease, Cancellation);

        NodeRow seen = (await BeatAsync(Node)).Nodes[1];
        await AssertAgeAsync(TimeSpan.Zero, seen.HeartbeatAt);
        Assert.True(seen.IsDraining);
        await Journal.HeartbeatAsync(other, NodeStatus.Well, [], _lease, Cancellation);
        Assert.False((await BeatAsync(Node)).Nodes[1].IsDraining);
    }

    [Fact]
    public async Task A_heartbeat_tells_the_databases_time_and_who_owns_what()
    {
        DateTimeOffset before = await Journal.ReadClockAsync(Cancellation);
        Fence held = await TakeAsync(3);
        Fence givenUp = await TakeAsync(4);
        await Journal.ReleaseAsync(Node, [givenUp], Cancellation);
        Fence coordinator = await TakeAsync(CoordinatorShard);
        Assert.True(await Journal.AssignShardsAsync(coordinator, [new(3, 9), new(60, 8)], Cancellation));

        Heartbeat heard = await Journal.HeartbeatAsync(Node, NodeStatus.Well, [held], _lease, Cancellation);

        Assert.InRange(heard.DatabaseTime, before, await Journal.ReadClockAsync(Cancellation));
        Assert.Equal([3, 4, 60, CoordinatorShard], heard.Shards.Select(static shard => shard.ShardId));
        ShardRow shard = heard.Shards[0];
        Assert.Equal(new ShardRow(3, held.Epoch, Node, shard.LeaseUntil, 9), shard);
        // To the millisecond, which is what the journal keeps.
        Assert.InRange(
            shard.LeaseUntil, before + _lease - TimeSpan.FromMilliseconds(1), await Journal.ReadClockAsync(Cancellation) + _lease);
        Assert.Equal(new ShardRow(4, givenUp.Epoch, null, heard.Shards[1].LeaseUntil, null), heard.Shards[1]);
        Assert.True(heard.Shards[1].LeaseUntil < before);
        Assert.Equal(new ShardRow(60, 0, null, heard.Shards[2].LeaseUntil, 8), heard.Shards[2]);
    }

    [Fact]
    public async Task A_node_of_which_there_is_a_later_incarnation_hears_that_it_must_stop_and_changes_nothing()
    {
        Fence held = await TakeAsync(1);
        NodeIncarnation next = await Journal.RegisterNodeAsync(Node.NodeId, Cancellation);
        await PassAsync(TimeSpan.FromMinutes(5));

        Heartbeat heard = await Journal.HeartbeatAsync(Node, new NodeStatus(true, []), [held], _lease, Cancellation);

        Assert.False(heard.IsCurrent);
        Assert.Empty(heard.Renewed);
        NodeRow row = Assert.Single(heard.Nodes);
        Assert.Equal((next, false), (row.Node, row.IsDraining));
        await AssertAgeAsync(TimeSpan.FromMinutes(5), row.HeartbeatAt);
        Assert.True((await BeatAsync(next)).IsCurrent);
    }

    [Fact]
    public async Task A_node_whose_row_was_removed_hears_that_it_must_stop_and_stays_removed()
    {
        Fence held = await TakeAsync(1);
        Assert.False(await Journal.RemoveNodeAsync(Node with { Incarnation = Node.Incarnation + 1 }, Cancellation));
        Assert.True(await Journal.RemoveNodeAsync(Node, Cancellation));
        Assert.False(await Journal.RemoveNodeAsync(Node, Cancellation));

        Heartbeat heard = await Journal.HeartbeatAsync(Node, NodeStatus.Well, [held], _lease, Cancellation);

        Assert.False(heard.IsCurrent);
        Assert.Empty(heard.Renewed);
        Assert.Empty(heard.Nodes);
        Assert.Empty(await Journal.TakeOverAsync(Node, [1, 2], _lease, Cancellation));
    }

    [Fact]
    public async Task An_incarnations_number_is_never_given_again()
    {
        NodeIncarnation first = await Journal.RegisterNodeAsync(5, Cancellation);
        Assert.True(await Journal.RemoveNodeAsync(first, Cancellation));
        await ReopenAsync();

        NodeIncarnation second = await Journal.RegisterNodeAsync(5, Cancellation);

        Assert.True(second.Incarnation > first.Incarnation);
        Assert.False((await BeatAsync(first)).IsCurrent);
    }

    [Fact]
    public async Task A_node_without_an_id_gets_back_the_one_of_its_kafka_address()
    {
        NodeDescription description = MembershipCalls.NewDescription();
        NodeIncarnation first = await RegisterAsync(5, description);
        await Journal.RegisterNodeAsync(6, Cancellation);
        await PassAsync(_lease);

        NodeIncarnation again = await RegisterAsync(null, description with { Rpc = new NodeAddress("elsewhere.example", 1) });
        NodeIncarnation other = await RegisterAsync(
            null, description with { Kafka = description.Kafka with { Port = 9093 }, Rpc = new NodeAddress("elsewhere.example", 2) });

        Assert.Equal(5, again.NodeId);
        Assert.True(again.Incarnation > first.Incarnation);
        Assert.DoesNotContain(other.NodeId, (int[])[Node.NodeId, 5, 6]);
    }

    [Fact]
    public async Task An_assigned_shard_is_taken_by_nobody_else()
    {
        NodeIncarnation other = await Journal.RegisterNodeAsync(5, Cancellation);
        Fence coordinator = await TakeAsync(CoordinatorShard);
        Assert.True(await Journal.AssignShardsAsync(
            coordinator, [new(1, other.NodeId), new(2, other.NodeId), new(3, Node.NodeId), new(4, null)], Cancellation));
        await ReopenAsync();

        Assert.Equal((int[])[3, 4, 5], await TakenAsync(Node, 1, 2, 3, 4, 5));
        Assert.Equal((int[])[1, 2], await TakenAsync(other, 1, 2));
    }

    [Fact]
    public async Task An_assignment_to_nobody_leaves_a_shard_to_anybody()
    {
        Fence coordinator = await TakeAsync(CoordinatorShard);
        Assert.True(await Journal.AssignShardsAsync(coordinator, [new(1, 77)], Cancellation));
        Assert.Empty(await TakenAsync(Node, 1));

        Assert.True(await Journal.AssignShardsAsync(coordinator, [new(1, null)], Cancellation));

        Assert.Equal((int[])[1], await TakenAsync(Node, 1));
    }

    [Fact]
    public async Task An_owner_goes_on_with_a_shard_that_is_assigned_elsewhere_until_it_gives_it_up()
    {
        NodeIncarnation other = await Journal.RegisterNodeAsync(5, Cancellation);
        Fence held = await TakeAsync(1);
        Fence coordinator = await TakeAsync(CoordinatorShard);
        Assert.True(await Journal.AssignShardsAsync(coordinator, [new(1, other.NodeId)], Cancellation));

        await AppendAsync(held, "a", 1, "one");
        Assert.Equal([held], await Journal.RenewAsync(Node, [held], _lease, Cancellation));
        Fence raised = await TakeAsync(1);
        await AppendAsync(raised, "a", 2, "two");
        await Journal.ReleaseAsync(Node, [raised], Cancellation);

        Assert.Empty(await TakenAsync(Node, 1));
        Assert.Equal((int[])[1], await TakenAsync(other, 1));
    }

    [Fact]
    public async Task A_coordinator_whose_epoch_has_passed_assigns_nothing_and_raises_nothing()
    {
        Fence old = await TakeAsync(CoordinatorShard);
        Fence current = await TakeAsync(CoordinatorShard);

        Assert.False(await Journal.AssignShardsAsync(old, [new(1, 77)], Cancellation));
        Assert.False(await Journal.RaiseFeatureLevelAsync(old, 9, Cancellation));
        Assert.Equal([CoordinatorShard], (await BeatAsync(Node)).Shards.Select(static shard => shard.ShardId));
        Assert.True(await Journal.AssignShardsAsync(current, [new(1, 77)], Cancellation));

        await Journal.ReleaseAsync(Node, [current], Cancellation);
        Assert.False(await Journal.AssignShardsAsync(current, [new(1, null)], Cancellation));
        Assert.Equal(77, (await BeatAsync(Node)).Shards[0].AssignedNode);
    }

    [Fact]
    public async Task The_clusters_feature_level_only_rises()
    {
        NodeIncarnation newer = await RegisterAsync(Node.NodeId, MembershipCalls.NewDescription() with { FeatureLevel = 3 });
        Fence coordinator = Assert.Single(await Journal.TakeOverAsync(newer, [CoordinatorShard], _lease, Cancellation));

        Assert.True(await Journal.RaiseFeatureLevelAsync(coordinator, 3, Cancellation));
        Assert.True(await Journal.RaiseFeatureLevelAsync(coordinator, 2, Cancellation));
        await ReopenAsync();

        Assert.Equal(3, (await Journal.ReadClusterAsync(Cancellation)).FeatureLevel);
        Assert.Equal(3, (await BeatAsync(newer)).FeatureLevel);
    }

    [Fact]
    public async Task The_feature_level_does_not_rise_above_what_a_node_knows_that_is_there_or_may_come_back()
    {
        NodeIncarnation newer = await RegisterAsync(Node.NodeId, MembershipCalls.NewDescription() with { FeatureLevel = 3 });
        NodeIncarnation older = await RegisterAsync(5, MembershipCalls.NewDescription() with { FeatureLevel = 2 });
        Fence coordinator = Assert.Single(await Journal.TakeOverAsync(newer, [CoordinatorShard], TimeSpan.FromDays(1), Cancellation));

        Assert.True(await Journal.RaiseFeatureLevelAsync(coordinator, 2, Cancellation));
        Assert.False(await Journal.RaiseFeatureLevelAsync(coordinator, 3, Cancellation));
        await PassAsync(_lease * 3);
        Assert.False(await Journal.RaiseFeatureLevelAsync(coordinator, 3, Cancellation));
        Assert.Equal(2, (await BeatAsync(newer)).FeatureLevel);

        await Journal.DepartAsync(older, Cancellation);
        Assert.True(await Journal.RaiseFeatureLevelAsync(coordinator, 3, Cancellation));
        Assert.Equal(3, (await BeatAsync(newer)).FeatureLevel);
    }

    [Fact]
    public async Task A_node_that_knows_less_than_the_cluster_uses_is_not_registered()
    {
        NodeIncarnation newer = await RegisterAsync(Node.NodeId, MembershipCalls.NewDescription() with { FeatureLevel = 2 });
        Fence coordinator = Assert.Single(await Journal.TakeOverAsync(newer, [CoordinatorShard], _lease, Cancellation));
        Assert.True(await Journal.RaiseFeatureLevelAsync(coordinator, 2, Cancellation));

        FeatureLevelException refusal = await Assert.ThrowsAsync<FeatureLevelException>(
            async () => await RegisterAsync(5, MembershipCalls.NewDescription() with { FeatureLevel = 1 }));

        Assert.Equal(2, refusal.ClusterLevel);
        Assert.False(refusal.IsTransient);
        Assert.Equal([newer], (await BeatAsync(newer)).Nodes.Select(static row => row.Node));
    }

    [Fact]
    public async Task The_row_of_a_node_that_has_left_tells_when()
    {
        NodeIncarnation other = await Journal.RegisterNodeAsync(5, Cancellation);
        Assert.False((await BeatAsync(Node)).Nodes[1].HasLeft);

        await Journal.DepartAsync(other, Cancellation);
        await PassAsync(TimeSpan.FromMinutes(5));

        NodeRow row = (await BeatAsync(Node)).Nodes[1];
        Assert.True(row.HasLeft);
        await AssertAgeAsync(TimeSpan.FromMinutes(5), row.LastSeenAt);
    }

    [Fact]
    public async Task A_shard_that_was_given_up_is_written_by_nobody()
    {
        Fence fence = await TakeAsync(1);
        await AppendAsync(fence, "a", 1, "one");

        await Journal.ReleaseAsync(Node, [fence], Cancellation);

        AssertRefused(WriteRefusal.Fenced, await AppendAsync(Write(fence, "a", 2, "two")));
        Assert.Equal(["one"], await RecoverAsync("a"));
    }

    private protected ValueTask<NodeIncarnation> RegisterAsync(int? nodeId, NodeDescription description) =>
        Journal.RegisterNodeAsync(new NodeRegistration(nodeId, description), _lease, Cancellation);

    private protected ValueTask<Heartbeat> BeatAsync(NodeIncarnation node) =>
        Journal.HeartbeatAsync(node, NodeStatus.Well, [], _lease, Cancellation);

    private protected async Task<int[]> TakenAsync(NodeIncarnation node, params int[] shards) =>
        [.. (await Journal.TakeOverAsync(node, shards, _lease, Cancellation)).Select(static fence => fence.ShardId)];
}
