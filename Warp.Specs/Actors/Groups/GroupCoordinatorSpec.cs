using System.Collections.Immutable;
using Warp.Actors.Groups;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Groups;

/// <summary>What lies between the rules of a group and its journal, with a journal that fails when it is told to.</summary>
public sealed class GroupCoordinatorSpec : IAsyncLifetime
{
    private const string Group = "a group";

    private readonly ManualTime _time = new();
    private JournaledNode _node = null!;
    private GroupRegion _region = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _node = await JournaledNode.StartAsync(_time);
        await StartRegionAsync();
    }

    public async ValueTask DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task Commits_that_come_during_a_write_are_journaled_together_and_answered_after_it()
    {
        await RunAsync(GroupBench.Commit(0));
        int before = _node.Journal.Appends.Count;
        _node.Journal.HoldAppends();
        Task<GroupAnswer>[] commits =
            [.. Enumerable.Range(1, 50).Select(i => RunAsync(GroupBench.Commit(i, partition: GroupBench.Partition(0, i % 10))))];
        Assert.Equal(0, (await OffsetsAsync())[0]);
        Assert.DoesNotContain(commits, static commit => commit.IsCompleted);
        _node.Journal.ReleaseAppends();

        Assert.All(await Task.WhenAll(commits), static answer => Assert.Equal(ErrorCode.None, answer.Error));
        Assert.Equal(before + 2, _node.Journal.Appends.Count);
        long[] expected = [50, 41, 42, 43, 44, 45, 46, 47, 48, 49];
        Assert.Equal(expected, await OffsetsAsync());
        await RestartAsync();
        Assert.Equal(expected, await OffsetsAsync());
    }

    [Fact]
    public async Task A_refused_write_changes_nothing_and_leaves_those_who_wait_waiting()
    {
        Task<GroupAnswer> join = RunAsync(GroupBench.Join(instanceId: "i"));
        await DescribedAsync("PreparingRebalance");
        _node.Journal.FailNext(AppendFault.RolledBack);
        // The generation cannot start. It is tried again a second later.
        await AdvanceUntilAsync(() => join.IsCompleted);
        Assert.Equal((ErrorCode.None, 1), ((await join).Error, ((GroupAnswer.JoinGroup)await join).Generation));

        string member = ((GroupAnswer.JoinGroup)await join).MemberId;
        _node.Journal.FailNext(AppendFault.RolledBack);
        await Assert.ThrowsAsync<JournalException>(() => RunAsync(GroupBench.Leave(member, "i")));
        Assert.Equal("CompletingRebalance", (await DescribeAsync())!.State);
        Assert.Equal(ErrorCode.None, (await RunAsync(GroupBench.Leave(member, "i"))).Error);
    }

    [Theory]
    [InlineData(nameof(AppendFault.CommittedButUnknown), true)]
    [InlineData(nameof(AppendFault.LostButUnknown), false)]
    public async Task After_an_unknown_outcome_the_journal_decides_and_who_waited_asks_again(string fault, bool committed)
    {
        await RunAsync(GroupBench.Commit(1));
        Task<GroupAnswer> join = RunAsync(GroupBench.Join());
        await DescribedAsync("PreparingRebalance");
        _node.Journal.FailNext(Enum.Parse<AppendFault>(fault));
        await AdvanceUntilAsync(() => join.IsCompleted);
        await Assert.ThrowsAsync<ActorStoppedException>(() => join);

        Task<GroupDescription?> described = DescribeAsync();
        await AdvanceUntilAsync(() => described.IsCompleted);
        Assert.Equal(committed ? "CompletingRebalance" : "Empty", (await described)!.State);
        Assert.Equal(1, (await OffsetsAsync())[0]);
    }

    [Fact]
    public async Task All_groups_are_there_after_a_restart_and_only_those()
    {
        string[] ids = ["one", "two/ä", ""];
        foreach (string id in ids)
            Assert.Equal(ErrorCode.None, (await _region.RunAsync(id, GroupBench.Commit(1), Cancellation)).Error);
        Assert.Equal(ErrorCode.UnknownMemberId, (await _region.RunAsync("three", GroupBench.Join("stranger"), Cancellation)).Error);
        Assert.Equal(ErrorCode.UnknownMemberId,
            (await _region.RunAsync("three", new GroupCommand.Heartbeat("m", null, 1), Cancellation)).Error);
        Assert.Equal(ErrorCode.GroupIdNotFound, (await _region.RunAsync("three", new GroupCommand.DeleteGroup(), Cancellation)).Error);
        Assert.Null(_region.Find("three"));
        await RestartAsync();
        Assert.Equal(ids.Order(StringComparer.Ordinal), _region.GroupIds.Order(StringComparer.Ordinal));
    }

    [Fact]
    public async Task A_node_that_drains_lets_go_of_those_who_wait()
    {
        Task<GroupAnswer> before = RunAsync(GroupBench.Join());
        await DescribedAsync("PreparingRebalance");
        _region.Drain();
        await Assert.ThrowsAsync<ActorStoppedException>(() => before);
        await Assert.ThrowsAsync<ActorStoppedException>(() => RunAsync(GroupBench.Join()));
        await Assert.ThrowsAsync<ActorStoppedException>(() => _region.RunAsync("another", GroupBench.Join(), Cancellation));
        Assert.Equal(ErrorCode.None, (await _region.RunAsync("a third", GroupBench.Commit(1), Cancellation)).Error);
    }

    [Fact]
    public async Task A_session_ends_by_the_nodes_own_clock()
    {
        Task<GroupAnswer> join = RunAsync(GroupBench.Join());
        await DescribedAsync("PreparingRebalance");
        await AdvanceUntilAsync(() => join.IsCompleted);
        string member = ((GroupAnswer.JoinGroup)await join).MemberId;
        Assert.Equal(ErrorCode.None, (await RunAsync(new GroupCommand.SyncGroup(member, null, 1, null, null, []))).Error);
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal(ErrorCode.None, (await RunAsync(new GroupCommand.Heartbeat(member, null, 1))).Error);
        _time.Advance(TimeSpan.FromSeconds(9));
        Assert.Equal("Stable", (await DescribeAsync())!.State);
        _time.Advance(TimeSpan.FromSeconds(1));
        await DescribedAsync("Empty");
    }

    private Task<GroupAnswer> RunAsync(GroupCommand command) => _region.RunAsync(Group, command, Cancellation);

    private Task<GroupDescription?> DescribeAsync() => JournaledNode.AskAsync<GroupMessage, GroupDescription?>(
        _region.Find(Group)!, static reply => new GroupMessage.Describe(reply));

    private async Task DescribedAsync(string state)
    {
        while ((await DescribeAsync())?.State != state)
            await Task.Yield();
    }

    private async Task<long[]> OffsetsAsync()
    {
        var offsets = await JournaledNode.AskAsync<GroupMessage, ImmutableDictionary<TopicPartition, CommittedOffset>>(
            _region.Find(Group)!, static reply => new GroupMessage.ReadOffsets(reply));
        return [.. offsets.OrderBy(static entry => entry.Key.Partition).Select(static entry => entry.Value.Offset)];
    }

    /// <summary>Moves the clock on, a little at a time, until something has happened.</summary>
    private Task AdvanceUntilAsync(Func<bool> condition) => Wait.UntilAsync(
        () =>
        {
            if (condition())
                return true;
            _time.Advance(TimeSpan.FromMilliseconds(200));
            return false;
        },
        JournaledNode.Patience,
        "time to pass");

    private async Task StartRegionAsync()
    {
        _region = new GroupRegion(_node.System, _node.Services, 1, _node.Published, _node.Routes.Homes);
        await _region.StartAsync([0], Cancellation);
        await _region.Loading;
    }

    private async Task RestartAsync()
    {
        await _node.RestartAsync();
        await StartRegionAsync();
    }
}
