using Warp.Actors.Cluster;
using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;
using static Warp.Specs.Actors.Sequencing.Committer;

namespace Warp.Specs.Actors.Sequencing;

/// <summary>Batches that arrive ahead of their predecessors, for a producer that has just been sent to another node.</summary>
public sealed class HeldBatchesSpec : IAsyncLifetime
{
    private static readonly TopicPartition s_partition = new(new Guid("00112233-4455-6677-8899-aabbccddeeff"), 1);
    private static readonly TimeSpan s_patience = new TimeConstants().HeldBatch;

    private readonly ManualTime _time = new();
    private JournaledNode _node = null!;
    private Committer _commits = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _node = await JournaledNode.StartAsync(_time);
        _commits = NewCommitter();
        await _node.OpenAsync(s_partition);
    }

    public async ValueTask DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task The_rest_of_the_commit_is_answered_at_once()
    {
        await _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 0)));

        CommitReply reply = await _node.CommitAsync(_commits.Next(From(s_partition, 7, 2), Batch(s_partition, 5)));

        Assert.False(reply.Batches[0].Held!.IsCompleted);
        Assert.Equal((null, 1), (reply.Batches[1].Held, reply.Batches[1].Answer.BaseOffset));
    }

    [Fact]
    public async Task Held_batches_are_answered_in_order_when_their_predecessor_comes()
    {
        await _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 0)));
        Task<BatchAnswer> third = await HeldAsync(From(s_partition, 7, 3));
        Task<BatchAnswer> second = await HeldAsync(From(s_partition, 7, 2));

        await _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 1)));

        Assert.Equal(new BatchAnswer(ErrorCode.None, 2, -1), await second.WaitAsync(JournaledNode.Patience, Cancellation));
        Assert.Equal(new BatchAnswer(ErrorCode.None, 3, -1), await third.WaitAsync(JournaledNode.Patience, Cancellation));
    }

    [Fact]
    public async Task A_predecessor_that_was_journaled_while_the_commit_was_releases_the_batch()
    {
        await _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 0)));
        Committer other = new(new Warp.Actors.Persistence.NodeIncarnation(99, 1), new Random(99), () => _node.Leases.Clock.Now);
        _node.Journal.HoldAppends();
        Task<IReadOnlyList<BatchAnswer>> second = _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 2)));
        Task<IReadOnlyList<BatchAnswer>> first = _node.AcceptedAsync(other.Next(From(s_partition, 7, 1)));

        _node.Journal.ReleaseAppends();

        Assert.Equal(1, Assert.Single(await first).BaseOffset);
        Assert.Equal(2, Assert.Single(await second).BaseOffset);
    }

    [Fact]
    public async Task A_batch_whose_predecessor_does_not_come_is_out_of_order_after_its_time()
    {
        await _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 0)));
        Task<BatchAnswer> held = await HeldAsync(From(s_partition, 7, 2));
        _time.Advance(s_patience - TimeSpan.FromMilliseconds(1));
        await SettleAsync();
        Assert.False(held.IsCompleted);

        _time.Advance(TimeSpan.FromMilliseconds(1));

        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, (await held.WaitAsync(JournaledNode.Patience, Cancellation)).Error);
        Assert.Equal(1, (await _node.ReadAsync(s_partition, 0)).Ends.HighWatermark);
    }

    [Fact]
    public async Task A_timer_that_comes_a_little_early_does_not_leave_the_batch_waiting_for_ever()
    {
        var early = new EarlyTimers(_time);
        await using JournaledNode node = await JournaledNode.StartAsync(early);
        Committer commits = new(node.Node, new Random(1), () => node.Leases.Clock.Now);
        await node.OpenAsync(s_partition);
        await node.AcceptedAsync(commits.Next(From(s_partition, 7, 0)));
        CommitReply reply = await node.CommitAsync(commits.Next(From(s_partition, 7, 2)));

        _time.Advance(s_patience - EarlyTimers.By);

        Assert.Equal(
            ErrorCode.OutOfOrderSequenceNumber,
            (await Assert.Single(reply.Batches).Held!.WaitAsync(JournaledNode.Patience, Cancellation)).Error);
    }

    [Fact]
    public async Task An_unknown_producer_that_starts_above_0_is_accepted_after_its_time()
    {
        Task<BatchAnswer> held = await HeldAsync(From(s_partition, 7, 40, 5));

        _time.Advance(s_patience);

        Assert.Equal(0, (await held.WaitAsync(JournaledNode.Patience, Cancellation)).BaseOffset);
        Assert.Equal(5, Assert.Single(await _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 45)))).BaseOffset);
    }

    [Theory]
    [InlineData(40)]
    [InlineData(int.MaxValue - 2)]
    public async Task An_unknown_producer_goes_on_with_its_lowest_batch_whichever_came_first(int first)
    {
        int next = ProducerState.LastSequence(first, 6);
        Task<BatchAnswer> second = await HeldAsync(From(s_partition, 7, next, 5));
        _time.Advance(s_patience / 2);
        Task<BatchAnswer> predecessor = await HeldAsync(From(s_partition, 7, first, 5));

        _time.Advance(s_patience / 2);

        Assert.Equal(new BatchAnswer(ErrorCode.None, 0, -1), await predecessor.WaitAsync(JournaledNode.Patience, Cancellation));
        Assert.Equal(new BatchAnswer(ErrorCode.None, 5, -1), await second.WaitAsync(JournaledNode.Patience, Cancellation));
    }

    [Fact]
    public async Task A_batch_that_is_sent_again_while_it_is_held_is_written_once()
    {
        await _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 0)));
        Task<BatchAnswer> held = await HeldAsync(From(s_partition, 7, 2));
        Task<BatchAnswer> again = await HeldAsync(From(s_partition, 7, 2));

        await _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 1)));

        Assert.Equal(2, (await held.WaitAsync(JournaledNode.Patience, Cancellation)).BaseOffset);
        Assert.Equal(2, (await again.WaitAsync(JournaledNode.Patience, Cancellation)).BaseOffset);
        Assert.Equal(3, (await _node.ReadAsync(s_partition, 0)).Ends.HighWatermark);
    }

    [Fact]
    public async Task A_commit_that_is_repeated_while_a_batch_is_held_waits_for_the_same_answer()
    {
        await _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 0)));
        ObjectCommit commit = _commits.Next(From(s_partition, 7, 2));
        Task<BatchAnswer> first = Assert.Single((await _node.CommitAsync(commit)).Batches).Held!;

        Task<BatchAnswer> second = Assert.Single((await _node.CommitAsync(commit)).Batches).Held!;
        await _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 1)));

        Assert.Equal(2, (await first.WaitAsync(JournaledNode.Patience, Cancellation)).BaseOffset);
        Assert.Equal(2, (await second.WaitAsync(JournaledNode.Patience, Cancellation)).BaseOffset);
        BatchOutcome third = Assert.Single((await _node.CommitAsync(commit)).Batches);
        Assert.Equal((null, 2), (third.Held, third.Answer.BaseOffset));
    }

    [Fact]
    public async Task Held_batches_are_failed_by_a_restart_and_the_repeated_commit_is_held_again()
    {
        await _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 0)));
        ObjectCommit commit = _commits.Next(From(s_partition, 7, 2), Batch(s_partition));
        Task<BatchAnswer> held = (await _node.CommitAsync(commit)).Batches[0].Held!;

        await _node.RestartAsync();

        await Assert.ThrowsAsync<ActorStoppedException>(() => held);
        CommitReply again = await _node.CommitAsync(commit);
        Assert.Equal(1, again.Batches[1].Answer.BaseOffset);
        await _node.AcceptedAsync(NewCommitter().Next(From(s_partition, 7, 1)));
        Assert.Equal(3, (await again.Batches[0].Held!.WaitAsync(JournaledNode.Patience, Cancellation)).BaseOffset);
    }

    [Fact]
    public async Task Held_batches_of_a_deleted_topic_are_answered()
    {
        await _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 0)));
        Task<BatchAnswer> held = await HeldAsync(From(s_partition, 7, 2));
        await _node.AskAsync((Reply<ErrorCode> reply) => new SequencerMessage.DeleteTopic(s_partition.TopicId, reply));

        _time.Advance(s_patience);

        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await held.WaitAsync(JournaledNode.Patience, Cancellation)).Error);
    }

    [Fact]
    public async Task A_held_batch_that_the_journal_refuses_fails_alone_with_an_error_that_clients_try_again()
    {
        await _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 0)));
        Task<BatchAnswer> second = await HeldAsync(From(s_partition, 7, 2));
        Task<BatchAnswer> third = await HeldAsync(From(s_partition, 7, 3));
        _node.Journal.HoldAppends();
        Task<IReadOnlyList<BatchAnswer>> first = _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 1)));
        await Wait.UntilAsync(() => _node.Commits.Appends >= 5, JournaledNode.Patience, "the append");
        FailAfterNext();

        _node.Journal.ReleaseAppends();

        Assert.Equal(1, Assert.Single(await first).BaseOffset);
        Assert.Equal(ErrorCode.KafkaStorageError, (await second.WaitAsync(JournaledNode.Patience, Cancellation)).Error);
        _time.Advance(s_patience);
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, (await third.WaitAsync(JournaledNode.Patience, Cancellation)).Error);
    }

    [Fact]
    public async Task No_more_than_a_thousand_batches_are_held_the_ones_past_that_are_answered_at_once()
    {
        await _node.AcceptedAsync(_commits.Next(From(s_partition, 7, 0)));
        CommitReply reply = await _node.CommitAsync(
            _commits.Next([.. Enumerable.Range(2, 1025).Select(static i => From(s_partition, 7, i))]));

        BatchAnswer last = await reply.Batches[^1].Held!.WaitAsync(JournaledNode.Patience, Cancellation);

        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, last.Error);
        Assert.All(reply.Batches.SkipLast(1), static batch => Assert.False(batch.Held!.IsCompleted));
    }

    private Committer NewCommitter() => new(_node.Node, new Random((int)_node.Node.Incarnation), () => _node.Leases.Clock.Now);

    private async Task<Task<BatchAnswer>> HeldAsync(BatchToCommit batch)
    {
        CommitReply reply = await _node.CommitAsync(_commits.Next(batch));
        await SettleAsync();
        Task<BatchAnswer> held = Assert.Single(reply.Batches).Held!;
        Assert.False(held.IsCompleted);
        return held;
    }

    /// <summary>Answered behind all messages that the sequencer has got and told itself so far.</summary>
    private async Task SettleAsync()
    {
        for (int i = 0; i < 3; i++)
            await _node.ReadAsync(s_partition, 0);
    }

    /// <summary>Lets the append that waits through, and refuses the one after it.</summary>
    private void FailAfterNext() => _node.Journal.FailNext(AppendFault.None, AppendFault.RolledBack);

    /// <summary>Timers that come early, as those of a machine do that counts time in ticks.</summary>
    private sealed class EarlyTimers(ManualTime time) : TimeProvider
    {
        public static TimeSpan By { get; } = TimeSpan.FromMilliseconds(0.5);

        public override long TimestampFrequency => time.TimestampFrequency;

        public override long GetTimestamp() => time.GetTimestamp();

        public override DateTimeOffset GetUtcNow() => time.GetUtcNow();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            time.CreateTimer(callback, state, dueTime > By ? dueTime - By : dueTime, period);
    }
}
