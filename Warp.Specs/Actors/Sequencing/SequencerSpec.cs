using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Xunit;
using static Warp.Specs.Actors.Sequencing.Committer;

namespace Warp.Specs.Actors.Sequencing;

/// <summary>The sequencer on a real journal: what it answers, and that a restart changes none of it.</summary>
public sealed class SequencerSpec : IAsyncLifetime
{
    private static readonly Guid s_topic = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly TopicPartition s_one = new(s_topic, 1);
    private static readonly TopicPartition s_two = new(s_topic, 2);

    private JournaledNode _node = null!;
    private Committer _commits = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _node = await JournaledNode.StartAsync(snapshotSpacingBytes: 32 * 1024);
        _commits = NewCommitter();
        await _node.OpenAsync(s_one);
        await _node.OpenAsync(s_two);
    }

    public async ValueTask DisposeAsync() => await _node.DisposeAsync();

    [Fact]
    public async Task Commits_are_answered_and_read_back()
    {
        ObjectCommit commit = _commits.Next(Batch(s_one, 3), Batch(s_two, 5), Batch(s_one, 2));

        IReadOnlyList<BatchAnswer> answers = await _node.AcceptedAsync(commit);

        Assert.Equal(
            [new BatchAnswer(ErrorCode.None, 0, 0), new BatchAnswer(ErrorCode.None, 0, 0), new BatchAnswer(ErrorCode.None, 3, 0)], answers);
        PartitionExtents read = await _node.ReadAsync(s_one, 1);
        Assert.Equal(new LogEnds(ErrorCode.None, 0, 5, 5, 500), read.Ends);
        Assert.All(
            read.Extents,
            extent => Assert.Equal((commit.ObjectId, commit.SizeBytes, 0), (extent.Extent.ObjectId, extent.ObjectSizeBytes, extent.Level)));
        Assert.Equal([0L, 3L], read.Extents.Select(static extent => extent.Extent.BaseOffset));
    }

    [Fact]
    public async Task A_restart_keeps_everything()
    {
        ObjectCommit first = _commits.Next(From(s_one, 7, 0, 5), Batch(s_two, 5, timestamp: 4000));
        IReadOnlyList<BatchAnswer> answers = await _node.AcceptedAsync(first);
        await _node.AcceptedAsync(_commits.Next(From(s_one, 7, 5, 5)));
        await DeleteRecordsAsync(s_two, 2);
        PartitionExtents before = await _node.ReadAsync(s_one, 0);

        await _node.RestartAsync();

        PartitionExtents after = await _node.ReadAsync(s_one, 0);
        Assert.Equal(before.Ends, after.Ends);
        Assert.Equal(before.Extents, after.Extents);
        Assert.Equal(new LogEnds(ErrorCode.None, 2, 5, 5, 500), (await _node.ReadAsync(s_two, 2)).Ends);
        Assert.Equal(answers.Select(static a => a.BaseOffset), (await _node.AcceptedAsync(first)).Select(static a => a.BaseOffset));
        Committer again = NewCommitter();
        Assert.Equal(
            [5L, 10L],
            (await _node.AcceptedAsync(again.Next(From(s_one, 7, 5, 5), From(s_one, 7, 10, 5)))).Select(static a => a.BaseOffset));
    }

    [Fact]
    public async Task Snapshots_are_taken_on_the_way_and_a_restart_goes_on_from_the_last_one()
    {
        ObjectCommit? last = null;
        for (int i = 0; i < 100; i++)
        {
            last = _commits.Next([.. Enumerable.Range(0, 200).Select(b => b % 2 == 0 ? Batch(s_one) : From(s_two, b, i))]);
            await _node.AcceptedAsync(last);
        }
        await Hosting.Wait.UntilAsync(() => _node.Journal.Trims >= 1, JournaledNode.Patience, "a snapshot");

        await _node.RestartAsync();

        Assert.NotNull((await _node.Journal.RecoverAsync("sequencer-0", Cancellation)).Snapshot);
        Assert.Equal(10_000, (await _node.ReadAsync(s_one, 0)).Ends.HighWatermark);
        Assert.Equal(200, (await _node.AcceptedAsync(last!)).Count(static answer => answer.BaseOffset is >= 9_900 and < 10_000));
        Assert.Equal(10_000, Assert.Single(await _node.AcceptedAsync(NewCommitter().Next(Batch(s_one)))).BaseOffset);
    }

    [Fact]
    public async Task Opening_and_deleting_may_be_repeated_and_a_deleted_topic_does_not_come_back()
    {
        await _node.AcceptedAsync(_commits.Next(Batch(s_one, 3)));
        await _node.OpenAsync(s_one);
        Assert.Equal(3, (await _node.ReadAsync(s_one, 0)).Ends.HighWatermark);

        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(ErrorCode.None, await DeleteTopicAsync());
            await _node.RestartAsync();
        }

        Assert.Equal(
            ErrorCode.UnknownTopicOrPartition,
            await _node.AskAsync((Reply<ErrorCode> reply) => new SequencerMessage.OpenPartitions(s_topic, [1], reply)));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, (await _node.ReadAsync(s_one, 0)).Ends.Error);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Assert.Single(await _node.AcceptedAsync(NewCommitter().Next(Batch(s_one)))).Error);
    }

    [Fact]
    public async Task A_topic_that_is_deleted_while_its_commits_are_under_way_fails_the_ones_behind_the_deletion()
    {
        _node.Journal.HoldAppends();
        Task<IReadOnlyList<BatchAnswer>> before = _node.AcceptedAsync(_commits.Next(Batch(s_one)));
        Task<ErrorCode> deletion = DeleteTopicAsync();
        Task<IReadOnlyList<BatchAnswer>> after = _node.AcceptedAsync(_commits.Next(Batch(s_one)));

        _node.Journal.ReleaseAppends();

        Assert.Equal(ErrorCode.None, Assert.Single(await before).Error);
        Assert.Equal(ErrorCode.None, await deletion);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Assert.Single(await after).Error);
        ActorReferencesAreBalanced();
    }

    [Fact]
    public async Task Rule_8_the_journal_is_told_of_the_first_and_the_last_extent_of_an_object()
    {
        ObjectCommit commit = _commits.Next(Batch(s_one, 3), Batch(s_two, 3));
        await _node.AcceptedAsync(commit);
        await DeleteRecordsAsync(s_one, 3);
        Assert.Equal([(commit.ObjectId, true)], References());

        await DeleteRecordsAsync(s_two, -1);

        Assert.Equal([(commit.ObjectId, true), (commit.ObjectId, false)], References());
    }

    [Fact]
    public async Task Rule_8_an_object_that_is_being_deleted_cannot_be_committed_and_its_number_is_not_used()
    {
        ObjectCommit commit = _commits.Next(Batch(s_one));
        await _node.RestartAsync(async path =>
        {
            await using var connection = new Microsoft.Data.Sqlite.SqliteConnection($"Data Source={path};Pooling=False");
            await connection.OpenAsync(Cancellation);
            await using Microsoft.Data.Sqlite.SqliteCommand command = connection.CreateCommand();
            command.CommandText =
                "INSERT INTO object (object_id, size, level, state, created_at, live_shards) VALUES ($id, 1, 0, 'deleting', 0, 0)";
            command.Parameters.AddWithValue("$id", commit.ObjectId.ToByteArray());
            await command.ExecuteNonQueryAsync(Cancellation);
        });

        Assert.Equal(CommitRefusal.NotWritten, (await _node.CommitAsync(commit)).Refusal);

        _commits.GiveUp();
        Assert.Equal(0, Assert.Single(await _node.AcceptedAsync(_commits.Next(Batch(s_one)))).BaseOffset);
    }

    [Fact]
    public async Task Records_are_deleted_up_to_an_offset_of_the_log()
    {
        await _node.AcceptedAsync(_commits.Next(Batch(s_one, 10)));

        Assert.Equal(new DeleteRecordsReply(ErrorCode.None, 4), await DeleteRecordsAsync(s_one, 4));
        Assert.Equal(new DeleteRecordsReply(ErrorCode.None, 4), await DeleteRecordsAsync(s_one, 3));
        Assert.Equal(new DeleteRecordsReply(ErrorCode.OffsetOutOfRange, -1), await DeleteRecordsAsync(s_one, 11));
        Assert.Equal(new DeleteRecordsReply(ErrorCode.OffsetOutOfRange, -1), await DeleteRecordsAsync(s_one, -2));
        Assert.Equal(
            new DeleteRecordsReply(ErrorCode.UnknownTopicOrPartition, -1), await DeleteRecordsAsync(new TopicPartition(s_topic, 9), 0));
        Assert.Equal(new DeleteRecordsReply(ErrorCode.None, 10), await DeleteRecordsAsync(s_one, -1));
    }

    [Fact]
    public async Task Expired_producers_are_forgotten_through_a_restart()
    {
        await _node.AcceptedAsync(_commits.Next(From(s_one, 7, 0)));
        _node.Sequencer.Tell(new SequencerMessage.ExpireProducers(_node.Leases.Clock.Now + TimeSpan.FromMinutes(1)));
        await _node.OpenAsync(new TopicPartition(s_topic, 3));
        await _node.RestartAsync();

        Assert.Equal(1, Assert.Single(await _node.AcceptedAsync(NewCommitter().Next(From(s_one, 7, 0)))).BaseOffset);
    }

    [Fact]
    public async Task The_mailbox_holds_senders_back_while_commits_wait_for_the_journal()
    {
        const int Capacity = 4;
        ActorRef<SequencerMessage> small = _node.System.Spawn(
            "small", () => new Sequencer(_node.Services, Warp.Actors.Sharding.ShardIds.Catalog), mailboxCapacity: Capacity);
        await JournaledNode.AskAsync(small, (Reply<ErrorCode> reply) => new SequencerMessage.OpenPartitions(s_topic, [1], reply));
        _node.Journal.HoldAppends();
        SequencerMessage NewCommit() => new SequencerMessage.Commit(_commits.Next(Batch(s_one)), new Reply<CommitReply>());
        Task[] sends = [.. Enumerable.Range(0, 20).Select(_ => small.TellAsync(NewCommit(), Cancellation).AsTask())];

        await Hosting.Wait.UntilAsync(
            () => sends.Count(static send => send.IsCompleted) == Capacity + 1, JournaledNode.Patience, "the mailbox to fill");
        _node.Journal.ReleaseAppends();

        await Task.WhenAll(sends).WaitAsync(JournaledNode.Patience, Cancellation);
    }

    [Fact]
    public async Task A_watcher_is_signalled_once_when_records_come_and_not_before()
    {
        var watcher = new Watcher();
        _node.Sequencer.Tell(new SequencerMessage.Watch([(s_one, 3), (s_two, 0)], watcher));
        await _node.AcceptedAsync(_commits.Next(Batch(s_one, 3)));
        await _node.ReadAsync(s_one, 0);
        Assert.Equal(0, watcher.Signals);

        await _node.AcceptedAsync(_commits.Next(Batch(s_one)));
        await _node.AcceptedAsync(_commits.Next(Batch(s_one)));
        await _node.ReadAsync(s_one, 0);

        Assert.Equal(1, watcher.Signals);
    }

    [Fact]
    public async Task A_watcher_of_what_is_there_or_of_no_partition_is_signalled_at_once()
    {
        await _node.AcceptedAsync(_commits.Next(Batch(s_one, 3)));
        var there = new Watcher();
        var unknown = new Watcher();
        _node.Sequencer.Tell(new SequencerMessage.Watch([(s_one, 2)], there));
        _node.Sequencer.Tell(new SequencerMessage.Watch([(new TopicPartition(s_topic, 9), 0)], unknown));
        await _node.ReadAsync(s_one, 0);

        Assert.Equal((1, 1), (there.Signals, unknown.Signals));
    }

    [Fact]
    public async Task A_watcher_is_signalled_when_its_partition_goes_and_when_its_sequencer_starts_anew()
    {
        var deleted = new Watcher();
        _node.Sequencer.Tell(new SequencerMessage.Watch([(s_one, 0)], deleted));
        await DeleteTopicAsync();
        Assert.Equal(1, deleted.Signals);

        await _node.OpenAsync(new TopicPartition(default, 3));
        var restarted = new Watcher();
        _node.Sequencer.Tell(new SequencerMessage.Watch([(new TopicPartition(default, 3), 0)], restarted));
        _node.Journal.FailNext(AppendFault.LostButUnknown);
        await Assert.ThrowsAsync<ActorStoppedException>(() => _node.CommitAsync(_commits.Next(Batch(s_one))));

        await Hosting.Wait.UntilAsync(() => restarted.Signals == 1, JournaledNode.Patience, "the signal");
    }

    [Fact]
    public async Task Sixty_four_shards_commit_at_once_in_groups()
    {
        const int Shards = 64;
        const int Rounds = 20;
        await using JournaledNode node = await JournaledNode.StartAsync(shards: Shards);
        TopicPartition[] partitions = [.. Enumerable.Range(0, Shards).Select(static i => new TopicPartition(s_topic, i))];
        await Task.WhenAll(partitions.Select(node.OpenAsync));
        long appends = node.Commits.Appends;

        await Task.WhenAll(partitions.Select(async partition =>
        {
            var commits = new Committer(node.Node, new Random(partition.Partition), () => node.Leases.Clock.Now);
            for (int i = 0; i < Rounds; i++)
            {
                ObjectCommit commit = commits.Next(Batch(partition, 2));
                CommitReply reply = await JournaledNode.AskAsync(
                    node.Region.LocalSequencer(node.Region.ShardOf(partition))!, (Reply<CommitReply> answer) => new SequencerMessage.Commit(commit, answer));
                Assert.Equal(2 * i, Assert.Single(reply.Batches).Answer.BaseOffset);
            }
        }));

        Assert.InRange(node.Commits.Appends - appends, Rounds, Shards * Rounds / 2);
        await node.RestartAsync();
        foreach (TopicPartition partition in partitions)
        {
            PartitionExtents read = await node.ReadAsync(partition, 0);
            Assert.Equal((2 * Rounds, Rounds), (read.Ends.HighWatermark, read.Extents.Count));
        }
    }

    private Committer NewCommitter() => new(_node.Node, new Random((int)_node.Node.Incarnation), () => _node.Leases.Clock.Now);

    private async Task<ErrorCode> DeleteTopicAsync() =>
        await _node.AskAsync((Reply<ErrorCode> reply) => new SequencerMessage.DeleteTopic(s_topic, reply));

    private async Task<DeleteRecordsReply> DeleteRecordsAsync(TopicPartition partition, long offset) =>
        await _node.AskAsync((Reply<DeleteRecordsReply> reply) => new SequencerMessage.DeleteRecords(partition, offset, reply));

    /// <summary>What the journal was told of objects: added, or else dropped.</summary>
    private IEnumerable<(ObjectId Id, bool Added)> References() => _node.Journal.Appends
        .SelectMany(static writes => writes)
        .SelectMany(static write => write.References)
        .Select(static reference => (reference.Id, reference.Change == Warp.Actors.Persistence.ReferenceChange.Add));

    private void ActorReferencesAreBalanced()
    {
        foreach (IGrouping<ObjectId, (ObjectId Id, bool Added)> changes in References().GroupBy(static change => change.Id))
            Assert.Equal([true, false], changes.Select(static change => change.Added));
    }

    private sealed class Watcher : IPartitionWatcher
    {
        private int _signals;

        public int Signals => Volatile.Read(ref _signals);

        public bool IsDone => Signals > 0;

        public void Signal() => Interlocked.Increment(ref _signals);
    }
}
