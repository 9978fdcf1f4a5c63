using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Xunit;
using static Warp.Specs.Actors.Sequencing.Committer;

namespace Warp.Specs.Actors.Sequencing;

public sealed class CommitRulesSpec
{
    private static readonly Guid s_topic = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly TopicPartition s_one = new(s_topic, 1);
    private static readonly TopicPartition s_two = new(s_topic, 2);

    private readonly Random _random = new(1);
    private readonly SequencerCore _core = new();
    private readonly Committer _node;

    public CommitRulesSpec()
    {
        _core.Open(s_topic, 1, 2);
        _node = _core.NewCommitter(new NodeIncarnation(1, 1), _random);
    }

    [Fact]
    public void Offsets_are_dense_in_each_partition()
    {
        Assert.Equal(
            [0L, 0L, 3L, 10L], Offsets(_core.Accept(_node.Next(Batch(s_one, 3), Batch(s_two, 10), Batch(s_one, 2), Batch(s_two, 1)))));
        Assert.Equal([5L], Offsets(_core.Accept(_node.Next(Batch(s_one, 7)))));

        Assert.Equal((0, 12), (_core.State.Find(s_one)!.LogStartOffset, _core.State.Find(s_one)!.NextOffset));
    }

    [Fact]
    public void Batches_side_by_side_in_an_object_become_one_extent()
    {
        ObjectCommit commit = _node.Next(
            Batch(s_one, 3, timestamp: 70), Batch(s_one, 2, timestamp: 90), Batch(s_two, 4), Batch(s_one, 1, timestamp: 80));
        _core.Accept(commit);

        Extent[] extents = _core.State.Find(s_one)!.Extents.ToArray();
        Assert.Equal(
            [
                new Extent(0, 4, ExtentSource.Object, commit.ObjectId, 64, 500, 90),
                new Extent(5, 5, ExtentSource.Object, commit.ObjectId, 64 + 900, 100, 80),
            ],
            extents);
        Assert.Equal(3, _core.State.Objects[commit.ObjectId].Extents);
        Assert.Equal(600, _core.State.Find(s_one)!.SizeBytes);
    }

    [Fact]
    public void A_partition_that_does_not_exist_fails_its_batches_alone()
    {
        IReadOnlyList<BatchAnswer> answers = _core.Accept(_node.Next(Batch(s_one), Batch(new TopicPartition(s_topic, 9)), Batch(s_one)));

        Assert.Equal([ErrorCode.None, ErrorCode.UnknownTopicOrPartition, ErrorCode.None], answers.Select(static answer => answer.Error));
        Assert.Equal([0L, -1L, 1L], Offsets(answers));
    }

    [Fact]
    public void Rule_6_a_repeated_commit_gets_its_first_answers_and_changes_nothing()
    {
        ObjectCommit commit = _node.Next(Batch(s_one, 3), Batch(new TopicPartition(s_topic, 9)));
        IReadOnlyList<BatchAnswer> first = _core.Accept(commit);
        _core.Accept(_node.Next(Batch(s_one, 3)));
        int events = _core.Events.Count;

        CommitDecision repeated = _core.Commit(commit);

        Assert.Equal(first.Select(static answer => (BatchAnswer?)answer), repeated.Repeated!.Answers);
        Assert.Equal(events, _core.Events.Count);
    }

    [Fact]
    public void Rule_6_an_object_id_from_the_future_is_refused()
    {
        Assert.Equal(
            CommitRefusal.FromTheFuture, _core.Commit(_node.At(_core.Now + TimeSpan.FromMilliseconds(5001), Batch(s_one))).Refusal);
        _node.GiveUp();
        Assert.Equal(CommitRefusal.None, _core.Commit(_node.At(_core.Now + TimeSpan.FromMilliseconds(5000), Batch(s_one))).Refusal);
    }

    [Fact]
    public void Rule_6_a_commit_is_refused_when_its_deadline_has_passed()
    {
        Assert.Equal(
            CommitRefusal.TooLate,
            _core.Commit(_node.At(_core.Now - SequencerCore.Deadline - TimeSpan.FromMilliseconds(1), Batch(s_one))).Refusal);
        _node.GiveUp();
        Assert.Equal(CommitRefusal.None, _core.Commit(_node.At(_core.Now - SequencerCore.Deadline, Batch(s_one))).Refusal);
    }

    [Fact]
    public void Rule_6_answers_are_remembered_until_the_commit_would_be_too_late()
    {
        ObjectCommit commit = _node.At(_core.Now + TimeSpan.FromSeconds(5), Batch(s_one));
        _core.Accept(commit);
        while (_core.Commit(commit) is { Repeated: not null })
        {
            _core.Now += TimeSpan.FromSeconds(1);
            _core.Accept(_node.Next(Batch(s_two)));
            Assert.True(_core.Now - commit.ObjectId.Time < TimeSpan.FromHours(1), "the answers are never forgotten");
        }

        Assert.Equal(CommitRefusal.TooLate, _core.Commit(commit).Refusal);
        Assert.Equal(1, _core.State.Find(s_one)!.NextOffset);
    }

    [Fact]
    public void Rule_7_commits_of_a_node_are_taken_in_their_order()
    {
        ObjectCommit first = _node.Next(Batch(s_one));
        ObjectCommit second = _node.Next(Batch(s_one));
        ObjectCommit third = _node.Next(Batch(s_one));

        Assert.Equal(CommitRefusal.OutOfTurn, _core.Commit(second).Refusal);
        _core.Accept(first);
        Assert.Equal(CommitRefusal.OutOfTurn, _core.Commit(third).Refusal);
        _core.Accept(second);
        _core.Accept(third);

        Assert.Equal(3, _core.State.LastCommitOf(new NodeIncarnation(1, 1)));
        Assert.Equal(
            [first.ObjectId, second.ObjectId, third.ObjectId], _core.State.Find(s_one)!.Extents.ToArray().Select(static e => e.ObjectId));
    }

    [Fact]
    public void Rule_7_a_number_that_is_used_already_is_refused()
    {
        _core.Accept(_node.Next(Batch(s_one)));
        _core.Accept(_node.Next(Batch(s_one)));
        _node.GiveUp();

        Assert.Equal(CommitRefusal.OutOfTurn, _core.Commit(_node.Next(Batch(s_one))).Refusal);
    }

    [Fact]
    public void Rule_7_numbers_that_were_given_up_are_skipped()
    {
        _core.Accept(_node.Next(Batch(s_one)));
        _node.Next(Batch(s_one));
        _node.Next(Batch(s_one));

        _core.Accept(_node.Next(Batch(s_one)) with { PreviousNumber = 1 });

        Assert.Equal(4, _core.State.LastCommitOf(new NodeIncarnation(1, 1)));
    }

    [Fact]
    public void Rule_7_a_node_goes_on_after_it_gave_up_a_commit_that_was_journaled_all_the_same()
    {
        _core.Accept(_node.Next(Batch(s_one)));
        _core.Accept(_node.Next(Batch(s_one)));

        _core.Accept(_node.Next(Batch(s_one)) with { PreviousNumber = 1 });

        Assert.Equal(3, _core.State.Find(s_one)!.NextOffset);
    }

    [Fact]
    public void Rule_7_each_node_incarnation_has_numbers_of_its_own()
    {
        Committer other = _core.NewCommitter(new NodeIncarnation(2, 1), _random);
        Committer later = _core.NewCommitter(new NodeIncarnation(1, 2), _random);

        _core.Accept(_node.Next(Batch(s_one)));
        _core.Accept(other.Next(Batch(s_one)));
        _core.Accept(later.Next(Batch(s_one)));
        _core.Accept(_node.Next(Batch(s_one)));

        Assert.Equal(4, _core.State.Find(s_one)!.NextOffset);
    }

    [Fact]
    public void Duplicates_get_the_first_offset_within_a_commit_too()
    {
        IReadOnlyList<BatchAnswer> answers = _core.Accept(_node.Next(
            From(s_one, 7, 0, 5), From(s_one, 7, 0, 5), From(s_one, 7, 5, 5), From(s_one, 7, 0, 5)));

        Assert.Equal([0L, 0L, 5L, 0L], Offsets(answers));
        Assert.Equal(10, _core.State.Find(s_one)!.NextOffset);
        Assert.Equal([0L, 5L], Offsets(_core.Accept(_node.Next(From(s_one, 7, 0, 5), From(s_one, 7, 5, 5)))));
        Assert.Equal(10, _core.State.Find(s_one)!.NextOffset);
    }

    [Fact]
    public void A_batch_ahead_of_its_predecessor_is_held_and_the_rest_of_its_commit_is_answered()
    {
        ObjectCommit commit = _node.Next(From(s_one, 7, 0), From(s_one, 7, 2), Batch(s_two, 3));

        CommitDecision decision = _core.Commit(commit);

        Assert.Equal([1], decision.Held);
        Assert.Equal([0L, null, 0L], _core.State.FindCommit(commit.ObjectId)!.Answers.Select(static answer => answer?.BaseOffset));
        Assert.Null(_core.Retry(commit, 1, Patience.Wait));
        _core.Accept(_node.Next(From(s_one, 7, 1)));
        Assert.Equal(2, _core.Retry(commit, 1, Patience.Wait)!.Value.BaseOffset);
        Assert.Equal([0L, 2L, 0L], Offsets(_core.Commit(commit).Repeated!));
    }

    [Fact]
    public void A_held_batch_whose_predecessor_never_comes_is_out_of_order()
    {
        _core.Accept(_node.Next(From(s_one, 7, 0)));
        ObjectCommit commit = _node.Next(From(s_one, 7, 2));
        _core.Commit(commit);

        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, _core.Retry(commit, 0, Patience.AtAnEnd)!.Value.Error);

        Assert.Equal(1, _core.State.Find(s_one)!.NextOffset);
    }

    [Fact]
    public void A_commit_of_held_batches_alone_is_journaled_so_that_its_number_counts()
    {
        ObjectCommit commit = _node.Next(From(s_one, 7, 2));

        CommitDecision decision = _core.Commit(commit);

        Assert.False(decision.AnyAccepted);
        Assert.Empty(_core.Referenced);
        Assert.Equal(1, _core.State.LastCommitOf(new NodeIncarnation(1, 1)));
        _core.Accept(_node.Next(Batch(s_one)));
    }

    [Fact]
    public void An_unknown_producer_that_starts_above_0_is_held_and_then_accepted()
    {
        ObjectCommit commit = _node.Next(From(s_one, 7, 40, 10));
        Assert.Equal([0], _core.Commit(commit).Held);

        Assert.Equal(0, _core.Retry(commit, 0, Patience.AtAnEnd)!.Value.BaseOffset);

        Assert.Equal([10L], Offsets(_core.Accept(_node.Next(From(s_one, 7, 50, 10)))));
    }

    [Fact]
    public void A_new_epoch_must_start_at_0_and_an_old_one_is_fenced()
    {
        _core.Accept(_node.Next(From(s_one, 7, 0, 5), From(s_one, 7, 0, 5, epoch: 1)));
        ObjectCommit ahead = _node.Next(From(s_one, 7, 5, 5, epoch: 2));
        Assert.Equal([0], _core.Commit(ahead).Held);

        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, _core.Retry(ahead, 0, Patience.AtAnEnd)!.Value.Error);
        Assert.Equal(ErrorCode.InvalidProducerEpoch, Assert.Single(_core.Accept(_node.Next(From(s_one, 7, 5, 5)))).Error);
        Assert.Equal([10L], Offsets(_core.Accept(_node.Next(From(s_one, 7, 5, 5, epoch: 1)))));
    }

    [Fact]
    public void Sequence_numbers_wrap_within_a_commit()
    {
        ObjectCommit start = _node.Next(From(s_one, 7, int.MaxValue - 4, 5));
        _core.Commit(start);
        _core.Retry(start, 0, Patience.AtAnEnd);

        Assert.Equal([5L, 10L], Offsets(_core.Accept(_node.Next(From(s_one, 7, 0, 5), From(s_one, 7, 5, 5)))));
        Assert.Equal([0L], Offsets(_core.Accept(_node.Next(From(s_one, 7, int.MaxValue - 4, 5)))));
    }

    [Fact]
    public void A_held_batch_of_a_deleted_topic_is_answered_as_unknown()
    {
        ObjectCommit commit = _node.Next(From(s_one, 7, 2));
        _core.Commit(commit);
        _core.DeleteTopic(s_topic);

        Assert.Equal(ErrorCode.UnknownTopicOrPartition, _core.Retry(commit, 0, Patience.Wait)!.Value.Error);
        Assert.Empty(_core.State.Objects);
    }

    private static IEnumerable<long> Offsets(IReadOnlyList<BatchAnswer> answers) => answers.Select(static answer => answer.BaseOffset);

    private static IEnumerable<long> Offsets(RecentCommit commit) => commit.Answers.Select(static answer => answer!.Value.BaseOffset);
}
