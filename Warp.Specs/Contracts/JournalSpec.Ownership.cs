using Warp.Actors.Persistence;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Contracts;

public abstract partial class JournalSpec
{
    [Fact]
    public async Task Each_takeover_raises_the_epoch_and_fences_the_writes_under_earlier_ones()
    {
        Fence first = await TakeAsync(5);
        Fence second = await TakeAsync(5);
        Fence third = await TakeAsync(5);

        Assert.True(first.Epoch < second.Epoch && second.Epoch < third.Epoch);
        AssertRefused(WriteRefusal.Fenced, await AppendAsync(Write(first, "a", 1, "one")));
        AssertRefused(WriteRefusal.Fenced, await AppendAsync(Write(second, "a", 1, "one")));
        await AppendAsync(third, "a", 1, "one");
    }

    [Fact]
    public async Task A_shard_that_nobody_took_over_cannot_be_written_under_any_epoch()
    {
        for (long epoch = 0; epoch < 3; epoch++)
            AssertRefused(WriteRefusal.Fenced, await AppendAsync(Write(new Fence(9, epoch), "a", 1, "one")));
    }

    [Fact]
    public async Task Epochs_go_on_rising_after_reopening()
    {
        Fence before = await TakeAsync(5);
        await ReopenAsync();

        Fence after = await TakeAsync(5);

        Assert.True(after.Epoch > before.Epoch);
    }

    [Fact]
    public async Task All_shards_are_taken_over_at_once()
    {
        IReadOnlyList<Fence> taken = await Journal.TakeOverAsync(Node, [.. Enumerable.Range(0, 64), 1000], _lease, Cancellation);

        Assert.Equal([.. Enumerable.Range(0, 64), 1000], taken.Select(static fence => fence.ShardId));
    }

    [Fact]
    public async Task Leases_are_renewed_as_long_as_their_epoch_stands()
    {
        Fence lost = await TakeAsync(1);
        Fence held = await TakeAsync(2);
        await TakeAsync(1);

        Assert.Equal([held], await Journal.RenewAsync(Node, [lost, held], _lease, Cancellation));
    }

    [Fact]
    public async Task A_lease_that_has_run_out_is_renewed_in_place_while_nobody_has_taken_over()
    {
        Fence fence = Assert.Single(await Journal.TakeOverAsync(Node, [1], TimeSpan.FromMilliseconds(1), Cancellation));
        await PassAsync(TimeSpan.FromMinutes(1));

        Assert.Equal([fence], await Journal.RenewAsync(Node, [fence], _lease, Cancellation));
        await AppendAsync(fence, "a", 1, "one");
    }

    [Fact]
    public async Task A_shard_that_was_given_up_is_no_longer_renewed_and_the_next_takeover_raises_its_epoch()
    {
        Fence fence = await TakeAsync(1);

        await Journal.ReleaseAsync(Node, [fence], Cancellation);

        Assert.Empty(await Journal.RenewAsync(Node, [fence], _lease, Cancellation));
        Assert.True((await TakeAsync(1)).Epoch > fence.Epoch);
    }

    [Fact]
    public async Task Giving_up_an_old_epoch_leaves_the_new_one_alone()
    {
        Fence old = await TakeAsync(1);
        Fence held = await TakeAsync(1);

        await Journal.ReleaseAsync(Node, [old], Cancellation);

        Assert.Equal([held], await Journal.RenewAsync(Node, [held], _lease, Cancellation));
    }

    [Fact]
    public async Task A_later_incarnation_of_a_node_takes_its_shards_over_at_once()
    {
        Fence old = await TakeAsync(1);
        NodeIncarnation next = await Journal.RegisterNodeAsync(Node.NodeId, Cancellation);

        Fence taken = Assert.Single(await Journal.TakeOverAsync(next, [1], _lease, Cancellation));

        Assert.True(taken.Epoch > old.Epoch);
        Assert.Empty(await Journal.RenewAsync(Node, [old], _lease, Cancellation));
        AssertRefused(WriteRefusal.Fenced, await AppendAsync(Write(old, "a", 1, "one")));
    }

    [Fact]
    public async Task An_earlier_incarnation_of_a_node_takes_nothing_over()
    {
        NodeIncarnation next = await Journal.RegisterNodeAsync(Node.NodeId, Cancellation);
        Fence held = Assert.Single(await Journal.TakeOverAsync(next, [1], _lease, Cancellation));

        Assert.Empty(await Journal.TakeOverAsync(Node, [1, 2], _lease, Cancellation));

        Assert.Equal([held], await Journal.RenewAsync(next, [held], _lease, Cancellation));
    }

    [Fact]
    public async Task A_node_without_an_id_gets_one_that_is_free_when_there_are_several()
    {
        NodeIncarnation other = await Journal.RegisterNodeAsync(Node.NodeId + 6, Cancellation);
        Assert.True(other.Incarnation > Node.Incarnation);

        NodeIncarnation third = await Journal.RegisterNodeAsync(null, Cancellation);

        Assert.DoesNotContain(third.NodeId, (int[])[Node.NodeId, other.NodeId]);
        Assert.True(third.Incarnation > other.Incarnation);
    }

    [Fact]
    public async Task A_journal_keeps_the_cluster_that_it_was_made_for()
    {
        ClusterRecord cluster = await Journal.ReadClusterAsync(Cancellation);
        await ReopenAsync();

        Assert.Equal(_newCluster, cluster);
        Assert.Equal(cluster, await Journal.ReadClusterAsync(Cancellation));
    }

    [Fact]
    public async Task The_lineage_only_rises_and_the_store_stays_bound()
    {
        await Journal.RaiseLineageAsync(5, storeBound: true, Cancellation);
        await Journal.RaiseLineageAsync(3, storeBound: false, Cancellation);
        await ReopenAsync();

        Assert.Equal(_newCluster with { Lineage = 5, StoreBound = true }, await Journal.ReadClusterAsync(Cancellation));
    }

    [Fact]
    public async Task The_clock_never_goes_back()
    {
        DateTimeOffset before = await Journal.ReadClockAsync(Cancellation);
        await AppendAsync(await TakeAsync(1), "a", 1, "one");
        DateTimeOffset after = await Journal.ReadClockAsync(Cancellation);
        await ReopenAsync();

        Assert.True(before <= after);
        // To the millisecond, which is what the journal keeps.
        Assert.True(await Journal.ReadClockAsync(Cancellation) >= after - TimeSpan.FromMilliseconds(1));
    }
}
