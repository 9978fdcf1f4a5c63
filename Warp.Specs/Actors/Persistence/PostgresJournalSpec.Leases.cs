using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Persistence;

/// <summary>What leases are for, where several processes use one journal.</summary>
public sealed partial class PostgresJournalSpec
{
    [Fact]
    public async Task A_shard_is_not_taken_over_while_its_lease_holds()
    {
        NodeIncarnation other = await Journal.RegisterNodeAsync(5, Cancellation);
        Fence held = await TakeAsync(1);

        Assert.Empty(await TakenAsync(other, 1));
        await PassAsync(_lease - TimeSpan.FromSeconds(5));
        Assert.Empty(await TakenAsync(other, 1));

        Assert.Equal([held], await Journal.RenewAsync(Node, [held], _lease, Cancellation));
        await PassAsync(_lease - TimeSpan.FromSeconds(5));
        Assert.Empty(await TakenAsync(other, 1));
        await AppendAsync(held, "a", 1, "one");
    }

    [Fact]
    public async Task A_shard_whose_lease_has_run_out_is_taken_over_under_a_higher_epoch_that_fences_the_old_owner()
    {
        NodeIncarnation other = await Journal.RegisterNodeAsync(5, Cancellation);
        Fence old = await TakeAsync(1);
        await PassAsync(_lease);

        Fence taken = Assert.Single(await Journal.TakeOverAsync(other, [1], _lease, Cancellation));

        Assert.True(taken.Epoch > old.Epoch);
        AssertRefused(WriteRefusal.Fenced, await AppendAsync(Write(old, "a", 1, "old")));
        Assert.Empty(await Journal.RenewAsync(Node, [old], _lease, Cancellation));
        Assert.Empty(await TakenAsync(Node, 1));
        await AppendAsync(taken, "a", 1, "new");
        Assert.Equal(["new"], await RecoverAsync("a"));
    }

    [Fact]
    public async Task An_owner_whose_lease_has_run_out_writes_nothing_until_it_has_renewed_it()
    {
        Fence fence = await TakeAsync(1);
        await PassAsync(_lease);

        AssertRefused(WriteRefusal.LeaseExpired, await AppendAsync(Write(fence, "a", 1, "early")));
        Assert.Empty(await RecoverAsync("a"));

        Assert.Equal([fence], await Journal.RenewAsync(Node, [fence], _lease, Cancellation));
        await AppendAsync(fence, "a", 1, "one");
    }

    [Fact]
    public async Task A_lease_that_has_run_out_lets_nobody_collect_trim_or_assign()
    {
        Fence collector = await TakeAsync(CollectorShard);
        Fence coordinator = await TakeAsync(CoordinatorShard);
        Fence fence = await TakeAsync(1);
        await AppendAsync(fence, "a", 1, "one");
        await AppendAsync(Write(fence, "a", 2) with { Snapshot = Snapshot(1, "one") });
        await ReferAsync(7, ReferenceChange.Add);
        await ReferAsync(7, ReferenceChange.Drop);
        await PassAsync(_lease);

        Assert.Empty(await Journal.BeginDeletingAsync(collector, [_object], TimeSpan.Zero, Cancellation));
        Assert.Empty(await Journal.InsertDeletingAsync(collector, [new OrphanObject(NewObject(3), 1, 0)], Cancellation));
        await Journal.TrimAsync(fence, "a", 1, Cancellation);
        Assert.Equal(["one"], await AllEventsAsync("a"));
        Assert.False(await Journal.AssignShardsAsync(coordinator, [new(1, 77)], Cancellation));
        Assert.False(await Journal.RaiseFeatureLevelAsync(coordinator, 9, Cancellation));
    }

    [Fact]
    public async Task A_shard_assigned_to_another_node_is_not_taken_when_its_lease_has_run_out_either()
    {
        NodeIncarnation other = await Journal.RegisterNodeAsync(5, Cancellation);
        await TakeAsync(1);
        Fence coordinator = await TakeAsync(CoordinatorShard);
        Assert.True(await Journal.AssignShardsAsync(coordinator, [new(1, 77)], Cancellation));
        NodeIncarnation next = await Journal.RegisterNodeAsync(Node.NodeId, Cancellation);
        await PassAsync(_lease);

        Assert.Empty(await TakenAsync(other, 1));
        Assert.Empty(await TakenAsync(next, 1));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task An_address_of_a_process_that_may_be_alive_is_refused_until_nothing_was_heard_of_it_for_a_lease(bool isKafka)
    {
        NodeDescription alive = MembershipCalls.NewDescription();
        NodeDescription like = MembershipCalls.NewDescription();
        like = isKafka ? like with { Kafka = alive.Kafka } : like with { Rpc = alive.Rpc };
        NodeIncarnation holder = await RegisterAsync(5, alive);
        await PassAsync(TimeSpan.FromSeconds(5));

        AddressInUseException refused = await Assert.ThrowsAsync<AddressInUseException>(() => RegisterAsync(null, like).AsTask());

        Assert.Equal((holder, alive), (refused.Holder.Node, refused.Holder.Description));
        Assert.InRange(refused.SeenAgo, TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(10));
        Assert.Contains((isKafka ? alive.Kafka : alive.Rpc).ToString(), refused.Message);
        Assert.Contains("Node 5", refused.Message);

        await BeatAsync(holder);
        await PassAsync(TimeSpan.FromSeconds(5));
        await Assert.ThrowsAsync<AddressInUseException>(() => RegisterAsync(null, like).AsTask());
        await PassAsync(TimeSpan.FromSeconds(5));
        NodeIncarnation registered = await RegisterAsync(null, like);
        Assert.Equal(isKafka, registered.NodeId == 5);
    }

    [Fact]
    public async Task Nodes_that_register_at_the_same_time_get_ids_and_incarnations_of_their_own()
    {
        NodeIncarnation[] nodes = await Task.WhenAll(
            Enumerable.Range(0, 20).Select(_ => Journal.RegisterNodeAsync(null, Cancellation).AsTask()));

        Assert.Equal(Enumerable.Range(2, 20), nodes.Select(static node => node.NodeId).Order());
        Assert.Equal(Enumerable.Range(2, 20).Select(static i => (long)i), nodes.Select(static node => node.Incarnation).Order());
        Assert.Equal(21, (await BeatAsync(Node)).Nodes.Count);
    }

    [Fact]
    public async Task The_id_of_a_removed_node_is_not_given_to_another_while_a_shard_knows_it()
    {
        NodeIncarnation other = await Journal.RegisterNodeAsync(2, Cancellation);
        Fence held = Assert.Single(await Journal.TakeOverAsync(other, [1], _lease, Cancellation));
        Assert.True(await Journal.RemoveNodeAsync(other, Cancellation));

        Assert.Equal(3, (await Journal.RegisterNodeAsync(null, Cancellation)).NodeId);

        await Journal.ReleaseAsync(other, [held], Cancellation);
        Assert.Equal(2, (await Journal.RegisterNodeAsync(null, Cancellation)).NodeId);
    }

    [Fact]
    public async Task A_node_that_was_killed_waits_for_its_earlier_life_to_be_over()
    {
        var time = new ManualTime();
        var times = new TimeConstants();
        NodeDescription description = MembershipCalls.NewDescription();
        NodeIncarnation first = await RegisterAsync(null, description);

        Task<NodeIncarnation> again = NodeRegistrar.RegisterAsync(
            Journal, new NodeRegistration(null, description), _ => ValueTask.FromResult(times.Lease), times, time, Cancellation);
        await Wait.UntilAsync(() => time.TimerCount == 1, JournaledNode.Patience, "the first refusal");
        time.Advance(times.LeaseRenewal);
        await Wait.UntilAsync(() => time.TimerCount == 1, JournaledNode.Patience, "the second refusal");
        Assert.False(again.IsCompleted);

        // As long as nothing is heard of it, it cannot be told from one that was removed.
        await Journal.RemoveNodeAsync(first, Cancellation);
        await time.AdvanceUntilAsync(again, times.LeaseRenewal);

        Assert.True((await again).Incarnation > first.Incarnation);
    }

    [Fact]
    public async Task A_node_whose_address_is_used_by_one_that_is_alive_is_told_so()
    {
        var time = new ManualTime();
        var times = new TimeConstants();
        NodeDescription description = MembershipCalls.NewDescription();
        NodeIncarnation alive = await RegisterAsync(null, description);
        Task<NodeIncarnation> second = NodeRegistrar.RegisterAsync(
            Journal, new NodeRegistration(null, description), _ => ValueTask.FromResult(times.Lease), times, time, Cancellation);
        await Wait.UntilAsync(() => time.TimerCount == 1, JournaledNode.Patience, "the first refusal");

        await BeatAsync(alive);
        time.Advance(times.LeaseRenewal);

        await Assert.ThrowsAsync<AddressInUseException>(() => second);
    }

    [Fact]
    public async Task A_node_that_knows_its_earlier_life_to_be_dead_waits_only_as_long_as_it_must()
    {
        var time = new ManualTime();
        var times = new TimeConstants();
        NodeDescription description = MembershipCalls.NewDescription();
        NodeIncarnation first = await RegisterAsync(null, description);
        TimeSpan silence = times.LeaseRenewal;
        Task<NodeIncarnation> again = NodeRegistrar.RegisterAsync(
            Journal, new NodeRegistration(null, description), _ => ValueTask.FromResult(silence), times, time, Cancellation);
        await Wait.UntilAsync(() => time.TimerCount == 1, JournaledNode.Patience, "the first refusal");

        silence = TimeSpan.Zero;
        time.Advance(times.LeaseRenewal);

        Assert.Equal(first with { Incarnation = (await again).Incarnation }, await again);
        Assert.False((await BeatAsync(first)).IsCurrent);
    }

    [Fact]
    public async Task That_a_node_was_not_reached_is_said_of_its_life_then_and_of_no_later_one()
    {
        NodeDescription description = MembershipCalls.NewDescription();
        NodeIncarnation first = await RegisterAsync(5, description);
        NodeIncarnation other = await Journal.RegisterNodeAsync(6, Cancellation);
        var status = new NodeStatus(false, [5, other.NodeId], other.Incarnation);
        await Journal.HeartbeatAsync(Node, status, [], _lease, Cancellation);
        Assert.Equal([5, 6], await UnreachedAsync());

        NodeIncarnation second = await RegisterAsync(5, description with { Kafka = new("elsewhere.example", 1), Rpc = new("elsewhere.example", 2) });
        Assert.True(second.Incarnation > first.Incarnation);
        Assert.Equal([6], await UnreachedAsync());
        await Journal.HeartbeatAsync(Node, status, [], _lease, Cancellation);
        Assert.Equal([6], await UnreachedAsync());

        await Journal.HeartbeatAsync(Node, status with { KnownIncarnation = second.Incarnation }, [], _lease, Cancellation);
        Assert.Equal([5, 6], await UnreachedAsync());

        async Task<IEnumerable<int>> UnreachedAsync() =>
            (await BeatAsync(other)).Nodes.Single(row => row.Node == Node).Status.Unreached;
    }
}
