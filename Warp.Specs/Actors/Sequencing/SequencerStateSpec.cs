using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Xunit;
using static Warp.Specs.Actors.Sequencing.Committer;

namespace Warp.Specs.Actors.Sequencing;

public sealed class SequencerStateSpec
{
    private static readonly Guid s_topic = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly Guid s_other = new("10112233-4455-6677-8899-aabbccddeeff");
    private static readonly TopicPartition s_one = new(s_topic, 1);
    private static readonly TopicPartition s_two = new(s_other, 2);

    private readonly Random _random = new(1);
    private readonly SequencerCore _core = new();
    private readonly Committer _node;

    public SequencerStateSpec()
    {
        _core.Open(s_topic, 1);
        _core.Open(s_other, 2);
        _node = _core.NewCommitter(new NodeIncarnation(1, 1), _random);
    }

    [Fact]
    public void Rule_8_an_object_is_referred_to_from_its_first_extent_to_its_last()
    {
        ObjectCommit both = _node.Next(Batch(s_one, 5), Batch(s_two, 5));
        ObjectCommit only = _node.Next(Batch(s_one, 5));
        _core.Accept(both);
        _core.Accept(only);
        Assert.Equal([both.ObjectId, only.ObjectId], _core.Referenced);

        _core.DeleteRecords(s_one, 5);
        Assert.Equal([both.ObjectId, only.ObjectId], _core.Referenced);
        _core.DeleteRecords(s_one, 9);
        Assert.Equal([both.ObjectId, only.ObjectId], _core.Referenced);
        _core.DeleteRecords(s_one, 10);
        Assert.Equal([both.ObjectId], _core.Referenced);
        _core.DeleteTopic(s_other);

        Assert.Empty(_core.Referenced);
        Assert.Empty(_core.State.Objects);
    }

    [Fact]
    public void Rule_8_an_object_of_which_nothing_was_accepted_is_not_referred_to()
    {
        _core.Accept(_node.Next(From(s_one, 7, 0)));
        int before = _core.Referenced.Count;

        CommitDecision duplicate = _core.Commit(_node.Next(From(s_one, 7, 0)));
        CommitDecision unknown = _core.Commit(_node.Next(Batch(new TopicPartition(s_topic, 99))));

        Assert.False(duplicate.AnyAccepted);
        Assert.False(unknown.AnyAccepted);
        Assert.Equal(before, _core.State.Objects.Count);
    }

    [Fact]
    public void A_log_start_within_an_extent_keeps_it()
    {
        _core.Accept(_node.Next(Batch(s_one, 10)));

        _core.DeleteRecords(s_one, 4);

        PartitionLog log = _core.State.Find(s_one)!;
        Assert.Equal((4, 10, 1), (log.LogStartOffset, log.NextOffset, log.Extents.Length));
        Assert.Equal(ErrorCode.OffsetOutOfRange, _core.State.Read(new ExtentRead(s_one, 3, 1)).Ends.Error);
        Assert.Equal(0, Assert.Single(_core.State.Read(new ExtentRead(s_one, 4, 1)).Extents).Extent.BaseOffset);
    }

    [Fact]
    public void An_emptied_log_goes_on_where_it_ended()
    {
        _core.Accept(_node.Next(Batch(s_one, 10)));
        _core.DeleteRecords(s_one, 10);
        Assert.Equal(0, _core.State.Find(s_one)!.SizeBytes);

        Assert.Equal(10, Assert.Single(_core.Accept(_node.Next(Batch(s_one)))).BaseOffset);
    }

    [Fact]
    public void The_log_start_never_falls()
    {
        _core.Accept(_node.Next(Batch(s_one, 10)));
        _core.DeleteRecords(s_one, 8);

        _core.DeleteRecords(s_one, 3);

        Assert.Equal(8, _core.State.Find(s_one)!.LogStartOffset);
    }

    [Fact]
    public void Reads_start_in_the_extent_of_the_offset_and_end_with_the_bytes_asked_for()
    {
        for (int i = 0; i < 10; i++)
            _core.Accept(_node.Next(Batch(s_one, 10)));

        PartitionExtents read = _core.State.Read(new ExtentRead(s_one, 25, 1200));

        Assert.Equal([20L, 30L], read.Extents.Select(static extent => extent.Extent.BaseOffset));
        Assert.Equal(100, read.Ends.HighWatermark);
        Assert.Single(_core.State.Read(new ExtentRead(s_one, 25, 0)).Extents);
        Assert.Equal(8, _core.State.Read(new ExtentRead(s_one, 25, long.MaxValue)).Extents.Count);
        Assert.Empty(_core.State.Read(new ExtentRead(s_one, 100, 1)).Extents);
        Assert.Equal(ErrorCode.OffsetOutOfRange, _core.State.Read(new ExtentRead(s_one, 101, 1)).Ends.Error);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, _core.State.Read(new ExtentRead(new TopicPartition(s_topic, 99), 0, 1)).Ends.Error);
    }

    [Fact]
    public void Times_are_found_in_the_first_extent_that_reaches_them()
    {
        foreach (long timestamp in (long[])[100, 300, 200, 300])
            _core.Accept(_node.Next(Batch(s_one, 1, timestamp)));

        Assert.Equal(
            [0L, 1L, 1L, null],
            ((long[])[50, 101, 300, 301]).Select(time => _core.State.FindTimestamp(s_one, time).Extent?.Extent.BaseOffset));
        Assert.Equal(1, _core.State.FindTimestamp(s_one, -3).Extent?.Extent.BaseOffset);
        Assert.Null(_core.State.FindTimestamp(s_two, -3).Extent);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, _core.State.FindTimestamp(new TopicPartition(s_topic, 99), 0).Ends.Error);
    }

    [Fact]
    public void Producers_are_forgotten_when_they_have_not_written_for_long()
    {
        _core.Accept(_node.Next(From(s_one, 7, 0)));
        _core.Now += TimeSpan.FromHours(1);
        _core.Accept(_node.Next(From(s_one, 8, 0)));

        _core.ExpireProducers(TimeSpan.FromMinutes(59));

        Assert.Equal([8L], _core.State.Find(s_one)!.Producers.Keys);
        Assert.Equal(SequenceVerdict.InOrder, _core.State.Find(s_one)!.ProducerOf(7).Judge(0, 0, 1, out _));
    }

    [Fact]
    public void A_deleted_topic_is_known_as_deleted_until_no_late_message_can_come()
    {
        _core.DeleteTopic(s_topic);
        Assert.True(_core.State.IsDeleted(s_topic));

        _core.Now += SequencerCore.Memory;
        _core.Accept(_node.Next(Batch(s_two)));
        Assert.True(_core.State.IsDeleted(s_topic));
        _core.Now += TimeSpan.FromMilliseconds(1);
        _core.Accept(_node.Next(Batch(s_two)));

        Assert.False(_core.State.IsDeleted(s_topic));
    }

    [Fact]
    public void Tombstones_do_not_pile_up_in_a_shard_without_commits()
    {
        for (int i = 0; i < 1000; i++)
        {
            _core.DeleteTopic(new Guid(i, 0, 0, new byte[8]));
            _core.Now += TimeSpan.FromSeconds(1);
        }

        Assert.InRange(_core.State.ToSnapshot().DeletedTopics.Count, 180, 182);
    }

    [Fact]
    public void Answers_and_earlier_incarnations_do_not_pile_up()
    {
        for (int incarnation = 1; incarnation <= 1000; incarnation++)
        {
            Committer node = _core.NewCommitter(new NodeIncarnation(1, incarnation), _random);
            _core.Accept(node.Next(Batch(s_one)));
            _core.Accept(node.Next(Batch(s_one)));
            _core.Now += TimeSpan.FromSeconds(1);
        }

        SequencerSnapshot snapshot = _core.State.ToSnapshot();
        Assert.InRange(snapshot.RecentCommits.Count, 360, 364);
        Assert.InRange(snapshot.Nodes.Count, 180, 183);
    }

    [Fact]
    public void A_node_that_was_quiet_for_long_keeps_its_number()
    {
        Committer quiet = _core.NewCommitter(new NodeIncarnation(2, 1), _random);
        _core.Accept(quiet.Next(Batch(s_one)));
        for (int i = 0; i < 100; i++)
        {
            _core.Now += TimeSpan.FromMinutes(1);
            _core.Accept(_node.Next(Batch(s_one)));
        }

        _core.Accept(quiet.Next(Batch(s_one)));
    }

    [Fact]
    public void A_clock_that_goes_back_loses_no_answer()
    {
        _core.Accept(_node.Next(Batch(s_one)));
        _core.Now -= TimeSpan.FromHours(1);
        ObjectCommit commit = _node.Next(Batch(s_one));

        Assert.Equal(1, Assert.Single(_core.Accept(commit)).BaseOffset);

        Assert.NotNull(_core.Commit(commit).Repeated);
        _core.Restart();
        Assert.NotNull(_core.Commit(commit).Repeated);
    }

    [Fact]
    public void An_extent_that_does_not_follow_on_the_log_end_stops_the_fold()
    {
        _core.Accept(_node.Next(Batch(s_one, 3)));
        IEvent committed = _core.Events[^1];

        Assert.Throws<InvalidDataException>(() => _core.State.Apply(committed));
        Assert.Throws<InvalidDataException>(() => _core.State.Apply(new Warp.Actors.Catalog.TopicDeletionFinished()));
    }

    [Fact]
    public void An_extent_knows_about_how_many_bytes_follow_an_offset()
    {
        var extent = new Extent(100, 199, ExtentSource.Object, default, 0, 1000, 0);

        Assert.Equal([1000L, 1000L, 500L, 10L], ((long[])[50, 100, 150, 199]).Select(offset => extent.BytesFrom(offset)));
    }
}
