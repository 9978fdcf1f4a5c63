using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Specs.Hosting;
using Xunit;
using static Warp.Specs.Actors.Sequencing.Committer;

namespace Warp.Specs.Actors.Sequencing;

/// <summary>The rules that concern several actors whose events go into one transaction.</summary>
public sealed class GroupRulesSpec : IAsyncLifetime
{
    private const int Shards = 8;

    private readonly ManualTime _time = new();
    private readonly TopicPartition[] _partitions = new TopicPartition[Shards];
    private readonly Committer[] _commits = new Committer[Shards];
    private JournaledNode _node = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _node = await JournaledNode.StartAsync(_time, Shards);
        var topic = new Guid("00112233-4455-6677-8899-aabbccddeeff");
        for (int i = 0; i < Shards; i++)
        {
            var partition = new TopicPartition(topic, i);
            int shard = _node.Region.ShardOf(partition);
            _partitions[shard] = partition;
            _commits[shard] = new Committer(_node.Node, new Random(shard), () => _node.Leases.Clock.Now);
            await _node.OpenAsync(partition);
        }
    }

    public async ValueTask DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task Rule_3_events_of_actors_that_wait_at_the_same_moment_go_in_one_append()
    {
        Task<CommitReply>[] replies = await CommitEverywhereAsync();
        _node.Journal.ReleaseAppends();

        foreach (CommitReply reply in await Task.WhenAll(replies))
            Assert.Equal(0, Assert.Single(reply.Batches).Answer.BaseOffset);
        Assert.Equal([1, Shards - 1], _node.Journal.Appends.TakeLast(2).Select(static writes => writes.Count));
    }

    [Fact]
    public async Task Rule_3_a_refusal_is_per_actor_and_the_rest_of_the_group_is_committed()
    {
        Task<CommitReply>[] replies = await CommitEverywhereAsync();
        NodeIncarnation other = await _node.Journal.RegisterNodeAsync(99, Cancellation);
        await _node.Journal.TakeOverAsync(other, [5], TimeSpan.FromSeconds(10), Cancellation);
        _node.Journal.ReleaseAppends();

        for (int shard = 0; shard < Shards; shard++)
        {
            if (shard == 5)
                await Assert.ThrowsAsync<ActorStoppedException>(() => replies[5]);
            else
                Assert.Equal(0, Assert.Single((await replies[shard]).Batches).Answer.BaseOffset);
        }
        Assert.Equal(1, (await _node.Journal.RecoverAsync("sequencer-5", Cancellation)).LastSequenceNr);
        Assert.Equal(2, (await _node.Journal.RecoverAsync("sequencer-6", Cancellation)).LastSequenceNr);
    }

    [Theory]
    [InlineData(nameof(AppendFault.CommittedButUnknown))]
    [InlineData(nameof(AppendFault.LostButUnknown))]
    public async Task Rule_4_an_unknown_outcome_concerns_every_actor_of_the_group(string fault)
    {
        long[] epochs = [.. Enumerable.Range(0, Shards).Select(shard => _node.Leases.FenceOf(shard)!.Value.Epoch)];
        Task<CommitReply>[] replies = await CommitEverywhereAsync();
        _node.Journal.FailNext(AppendFault.None, Enum.Parse<AppendFault>(fault));
        _node.Journal.ReleaseAppends();

        Assert.Equal(0, Assert.Single((await replies[0]).Batches).Answer.BaseOffset);
        for (int shard = 1; shard < Shards; shard++)
        {
            await Assert.ThrowsAsync<ActorStoppedException>(() => replies[shard]);
            _commits[shard].GiveUp();
            ObjectCommit next = _commits[shard].Next(Batch(_partitions[shard]));
            Task<CommitReply> again = CommitAsync(shard, next);
            await _time.AdvanceUntilAsync(again, TimeSpan.FromMilliseconds(50));
            CommitRefusal expected = fault == nameof(AppendFault.CommittedButUnknown) ? CommitRefusal.OutOfTurn : CommitRefusal.None;
            Assert.Equal(expected, (await again).Refusal);
            Assert.True(_node.Leases.FenceOf(shard)!.Value.Epoch > epochs[shard]);
            Assert.Equal(1, (await _node.ReadAsync(_partitions[shard], 0)).Ends.HighWatermark);
        }
        Assert.Equal(epochs[0], _node.Leases.FenceOf(0)!.Value.Epoch);
    }

    /// <summary>Shard 0 commits first, and while its append is held up the others do, so that theirs wait together.</summary>
    private async Task<Task<CommitReply>[]> CommitEverywhereAsync()
    {
        _node.Journal.HoldAppends();
        long appends = _node.Commits.Appends;
        var replies = new Task<CommitReply>[Shards];
        replies[0] = CommitAsync(0, _commits[0].Next(Batch(_partitions[0])));
        await Wait.UntilAsync(() => _node.Commits.Appends == appends + 1, JournaledNode.Patience, "the first append");
        for (int shard = 1; shard < Shards; shard++)
        {
            replies[shard] = CommitAsync(shard, _commits[shard].Next(Batch(_partitions[shard])));
            // Answered behind the commit, whose write waits by then.
            await _node.ReadAsync(_partitions[shard], 0);
        }
        return replies;
    }

    private Task<CommitReply> CommitAsync(int shard, ObjectCommit commit) => JournaledNode.AskAsync(
        _node.Region.LocalSequencer(shard)!, (Reply<CommitReply> reply) => new SequencerMessage.Commit(commit, reply));
}
