using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Cluster;

/// <summary>Rule 5 as far as the leases keep it: when an owner may answer.</summary>
public sealed class ShardLeasesSpec
{
    private static readonly TimeSpan s_usable = new TimeConstants().Lease - new TimeConstants().LeaseMargin;

    private readonly ManualTime _time = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_owner_may_answer_until_the_margin_before_the_end_of_its_lease()
    {
        await using JournaledNode node = await StartAsync();
        node.Journal.FailsRenewals = true;

        _time.Advance(s_usable - TimeSpan.FromMilliseconds(1));
        Assert.True(node.Leases.MayAnswer(0));
        _time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.False(node.Leases.MayAnswer(0));
    }

    [Fact]
    public async Task A_lease_counts_from_the_sending_of_its_renewal_not_from_the_answer()
    {
        await using JournaledNode node = await StartAsync();
        node.Journal.HoldRenewals();
        Task renewal = node.Leases.RenewAsync(Cancellation);
        _time.Advance(TimeSpan.FromSeconds(5));
        node.Journal.ReleaseRenewals();
        await renewal;
        node.Journal.FailsRenewals = true;

        _time.Advance(s_usable - TimeSpan.FromSeconds(5));

        Assert.False(node.Leases.MayAnswer(0));
    }

    [Fact]
    public async Task Leases_are_renewed_all_the_time()
    {
        await using JournaledNode node = await StartAsync();
        for (int i = 0; i < 20; i++)
        {
            int renewals = node.Journal.Renewals;
            await Wait.UntilAsync(() => _time.HasTimerIn(new TimeConstants().LeaseRenewal), JournaledNode.Patience, "the next renewal");
            _time.Advance(new TimeConstants().LeaseRenewal);
            await Wait.UntilAsync(() => node.Journal.Renewals > renewals, JournaledNode.Patience, "a renewal");
            Assert.True(node.Leases.MayAnswer(0));
        }
    }

    [Fact]
    public async Task A_failed_renewal_is_tried_again()
    {
        await using JournaledNode node = await StartAsync();
        node.Journal.FailsRenewals = true;
        await AdvanceUntilAsync(() => node.Log.Contains("the database is away"));
        _time.Advance(s_usable);
        Assert.False(node.Leases.MayAnswer(0));

        node.Journal.FailsRenewals = false;

        await AdvanceUntilAsync(() => node.Leases.MayAnswer(0));
    }

    [Fact]
    public async Task A_shard_that_somebody_else_has_taken_over_is_lost_with_the_next_renewal()
    {
        await using JournaledNode node = await StartAsync();
        NodeIncarnation other = await node.Journal.RegisterNodeAsync(99, Cancellation);
        await node.Journal.TakeOverAsync(other, [0], TimeSpan.FromSeconds(10), Cancellation);

        await node.Leases.RenewAsync(Cancellation);

        Assert.Null(node.Leases.FenceOf(0));
        Assert.False(node.Leases.MayAnswer(0));
        Assert.True(node.Leases.MayAnswer(ShardIds.Catalog));
    }

    [Fact]
    public async Task Raising_an_epoch_gives_a_new_fence_and_ends_the_old_one()
    {
        await using JournaledNode node = await StartAsync();
        Fence before = node.Leases.FenceOf(0)!.Value;

        Fence? after = await node.Leases.RaiseEpochAsync(0, Cancellation);

        Assert.Equal(after, node.Leases.FenceOf(0));
        Assert.True(after!.Value.Epoch > before.Epoch);
        Assert.Empty(await node.Journal.RenewAsync(node.Node, [before], TimeSpan.FromSeconds(10), Cancellation));
    }

    [Fact]
    public async Task Many_who_ask_for_a_renewal_at_once_share_one()
    {
        await using JournaledNode node = await JournaledNode.StartAsync();
        node.Journal.HoldRenewals();
        int before = node.Journal.Renewals;
        Task first = node.Leases.RenewAsync(Cancellation);
        Task[] others = [.. Enumerable.Range(0, 100).Select(_ => node.Leases.RenewAsync(Cancellation))];

        node.Journal.ReleaseRenewals();
        await Task.WhenAll([first, .. others]);

        Assert.InRange(node.Journal.Renewals - before, 1, 4);
    }

    [Fact]
    public void The_clusters_clock_goes_on_between_the_samples_whatever_the_wall_clock_does()
    {
        var clock = new ClusterClock(_time);
        DateTimeOffset database = _time.GetUtcNow() + TimeSpan.FromHours(5);
        clock.Observe(database);

        _time.StepWallClock(TimeSpan.FromDays(-1));
        _time.Advance(TimeSpan.FromSeconds(3));

        Assert.Equal(database + TimeSpan.FromSeconds(3), clock.Now);
    }

    [Fact]
    public void A_reading_of_the_clusters_clock_that_came_late_changes_nothing_unless_the_clock_was_wrong()
    {
        var clock = new ClusterClock(_time);
        DateTimeOffset database = _time.GetUtcNow() + TimeSpan.FromHours(5);
        clock.Observe(database);
        long sentAt = _time.GetTimestamp();
        _time.Advance(TimeSpan.FromMinutes(17));

        clock.Observe(database + TimeSpan.FromSeconds(1), sentAt);
        Assert.Equal(database + TimeSpan.FromMinutes(17), clock.Now);

        clock.Observe(database + TimeSpan.FromMinutes(18), sentAt);
        Assert.Equal(database + TimeSpan.FromMinutes(18), clock.Now);
        clock.Observe(database - TimeSpan.FromMinutes(1), sentAt);
        Assert.Equal(database - TimeSpan.FromMinutes(1), clock.Now);
    }

    [Fact]
    public async Task A_node_that_has_departed_is_not_noted_as_alive_again_by_who_asks_it_to_look()
    {
        await using JournaledNode node = await StartAsync();
        var leases = new ShardLeases(node.System, node.Journal, node.Node, new TimeConstants());
        node.Journal.HoldRenewals();
        Task first = leases.RenewAsync(Cancellation);
        Task second = leases.RenewAsync(Cancellation);
        Task ended = leases.DisposeAsync().AsTask();
        Assert.False(ended.IsCompleted);
        node.Journal.ReleaseRenewals();
        await Task.WhenAll(first, second, ended).WaitAsync(JournaledNode.Patience, Cancellation);
        int renewals = node.Journal.Renewals;

        await leases.RenewAsync(Cancellation);

        Assert.Equal(renewals, node.Journal.Renewals);
        Assert.Empty(await leases.TakeOverAsync([0], Cancellation));
    }

    [Fact]
    public async Task A_doubtful_shard_gets_a_new_epoch_once()
    {
        await using JournaledNode node = await StartAsync();
        // Its own sequencer has recovered, and takes no doubt for its own.
        await node.AskAsync<IReadOnlyList<LogEnds>>(static reply => new SequencerMessage.DescribeLogs([], reply));
        Fence before = node.Leases.FenceOf(0)!.Value;
        Assert.Equal(before, await node.Services.FenceForRecoveryAsync(0, Cancellation));
        node.Services.Doubt(0);

        Fence? raised = await node.Services.FenceForRecoveryAsync(0, Cancellation);

        Assert.True(raised!.Value.Epoch > before.Epoch);
        Assert.Equal(raised, await node.Services.FenceForRecoveryAsync(0, Cancellation));
    }

    [Fact]
    public async Task A_doubt_stays_until_the_epoch_has_been_raised()
    {
        await using JournaledNode node = await StartAsync();
        // Its own sequencer has recovered, and takes no doubt for its own.
        await node.AskAsync<IReadOnlyList<LogEnds>>(static reply => new SequencerMessage.DescribeLogs([], reply));
        Fence before = node.Leases.FenceOf(0)!.Value;
        node.Services.Doubt(0);
        using var stopping = new CancellationTokenSource();
        await stopping.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => node.Services.FenceForRecoveryAsync(0, stopping.Token));

        Fence? raised = await node.Services.FenceForRecoveryAsync(0, Cancellation);

        Assert.True(raised!.Value.Epoch > before.Epoch);
    }

    private async Task<JournaledNode> StartAsync() => await JournaledNode.StartAsync(_time);

    private async Task AdvanceUntilAsync(Func<bool> condition) => await Wait.UntilAsync(
        () =>
        {
            _time.Advance(TimeSpan.FromMilliseconds(500));
            return condition();
        },
        JournaledNode.Patience,
        "the leases");
}
