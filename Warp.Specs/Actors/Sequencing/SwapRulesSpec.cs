using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Xunit;
using static Warp.Specs.Actors.Sequencing.Committer;

namespace Warp.Specs.Actors.Sequencing;

/// <summary>What a swap does, and what happens when much has happened between the copying and the swap.</summary>
public sealed class SwapRulesSpec
{
    private static readonly Guid s_topic = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly Guid s_other = new("10112233-4455-6677-8899-aabbccddeeff");
    private static readonly TopicPartition s_one = new(s_topic, 1);
    private static readonly TopicPartition s_two = new(s_other, 2);

    private readonly Random _random = new(1);
    private readonly SequencerCore _core = new();
    private readonly Committer _node;
    private readonly ObjectCommit[] _commits;

    public SwapRulesSpec()
    {
        _core.Open(s_topic, 1);
        _core.Open(s_other, 2);
        _node = _core.NewCommitter(new NodeIncarnation(1, 1), _random);
        _commits = [.. Enumerable.Range(0, 3).Select(i => _node.Next(Batch(s_one, 10, 1000 + i), Batch(s_two, 5)))];
        foreach (ObjectCommit commit in _commits)
            _core.Accept(commit);
    }

    private Extent[] One => _core.State.Find(s_one)!.Extents.ToArray();

    private Extent[] Two => _core.State.Find(s_two)!.Extents.ToArray();

    [Fact]
    public void Copies_take_the_place_of_the_originals_and_merge()
    {
        ExtentReplacement swap = Copy(_commits);
        ObjectId output = swap.Outputs[0].Id;

        SwapDecision decision = _core.Swap(swap);

        Assert.Equal(SwapRefusal.None, decision.Refusal);
        Assert.Equal([PartitionRefusal.None, PartitionRefusal.None], decision.Answers);
        Assert.Equal([new Extent(0, 29, ExtentSource.Object, output, 8, 3000, 1002)], One);
        Assert.Equal([new Extent(0, 14, ExtentSource.Object, output, 3008, 1500, 1000)], Two);
        Assert.Equal([output], _core.Referenced);
        Assert.Equal([output], _core.State.Objects.Keys);
        Assert.Equal(new SequencerState.ObjectUse(swap.Outputs[0].SizeBytes, 1, 2), _core.State.Objects[output]);
        Assert.Equal((30, 3000), (_core.State.Find(s_one)!.NextOffset, _core.State.Find(s_one)!.SizeBytes));
        Assert.Contains(
            new ObjectReference(output, swap.Outputs[0].SizeBytes, 1, ReferenceChange.AddRegistered), decision.References);
    }

    [Fact]
    public void Extents_in_between_stay_where_they_are()
    {
        _core.Swap(Copy(_commits[0], _commits[2]));

        Assert.Equal([0L, 10L, 20L], One.Select(static extent => extent.BaseOffset));
        Assert.Equal(_commits[1].ObjectId, One[1].ObjectId);
        Assert.Equal((One[0].ObjectId, One[0].Position + One[0].Length), (One[2].ObjectId, One[2].Position));
        Assert.Equal(2, _core.Referenced.Count);
    }

    [Fact]
    public void Records_that_come_meanwhile_follow_the_copies()
    {
        ExtentReplacement swap = Copy(_commits);
        _core.Accept(_node.Next(Batch(s_one, 7)));

        _core.Swap(swap);

        Assert.Equal([(0L, 29L), (30L, 36L)], One.Select(static extent => (extent.BaseOffset, extent.LastOffset)));
        Assert.Equal(37, _core.State.Find(s_one)!.NextOffset);
    }

    [Fact]
    public void A_paused_workers_swap_after_DeleteRecords_brings_nothing_back_and_the_log_start_does_not_fall()
    {
        ExtentReplacement swap = Copy(_commits);
        _core.DeleteRecords(s_one, 25);
        _core.DeleteRecords(s_two, 15);

        SwapDecision decision = _core.Swap(swap);

        Assert.Equal([PartitionRefusal.None, PartitionRefusal.None], decision.Answers);
        Assert.Equal((25, 30), (_core.State.Find(s_one)!.LogStartOffset, _core.State.Find(s_one)!.NextOffset));
        Assert.Equal((20L, 29L), (One.Single().BaseOffset, One.Single().LastOffset));
        Assert.Empty(Two);
        Assert.Equal([swap.Outputs[0].Id], _core.Referenced);
    }

    [Fact]
    public void A_paused_workers_swap_after_the_deletion_of_the_topic_does_not_bring_it_back()
    {
        ExtentReplacement swap = Copy(_commits);
        _core.DeleteTopic(s_topic);

        SwapDecision decision = _core.Swap(swap);

        Assert.Equal([PartitionRefusal.UnknownPartition, PartitionRefusal.None], decision.Answers);
        Assert.Null(_core.State.Find(s_one));
        Assert.Equal([swap.Outputs[0].Id], _core.Referenced);
        Assert.Equal(1, _core.State.Objects[swap.Outputs[0].Id].Extents);
    }

    [Fact]
    public void A_paused_workers_swap_after_retention_has_dropped_everything_refers_to_nothing()
    {
        ExtentReplacement swap = Copy(_commits);
        _core.DeleteRecords(s_one, 30);
        _core.DeleteRecords(s_two, 15);

        SwapDecision decision = _core.Swap(swap);

        Assert.Equal([PartitionRefusal.None, PartitionRefusal.None], decision.Answers);
        Assert.Empty(decision.References);
        Assert.Empty(_core.Referenced);
        Assert.Empty(_core.State.Objects);
    }

    [Fact]
    public void Of_two_swaps_of_the_same_extents_the_second_is_refused()
    {
        ExtentReplacement first = Copy(_commits);
        ExtentReplacement second = Copy(_commits);
        _core.Swap(first);

        SwapDecision decision = _core.Swap(second);

        Assert.Equal([PartitionRefusal.ExtentsMissing, PartitionRefusal.ExtentsMissing], decision.Answers);
        Assert.Equal([first.Outputs[0].Id], _core.Referenced);
    }

    [Fact]
    public void A_partition_that_lacks_one_extent_keeps_all_and_the_others_go_on()
    {
        ExtentReplacement late = Copy(_commits);
        ExtentReplacement part = Copy(_commits[1]);
        _core.Swap(part with { Partitions = [part.Partitions[0]] });
        Extent[] before = One;

        SwapDecision decision = _core.Swap(late);

        Assert.Equal([PartitionRefusal.ExtentsMissing, PartitionRefusal.None], decision.Answers);
        Assert.Equal(before, One);
        Assert.Equal(late.Outputs[0].Id, Two.Single().ObjectId);
        Assert.Equal(
            new[] { _commits[0].ObjectId, _commits[2].ObjectId, part.Outputs[0].Id, late.Outputs[0].Id }.Order(),
            _core.Referenced.Order());
    }

    [Fact]
    public void Rule_6_a_repeated_swap_gets_its_first_answer_until_it_is_too_late_for_one()
    {
        ExtentReplacement swap = Copy(_commits);
        ExtentReplacement refused = Copy(_commits);
        _core.Swap(swap);
        _core.Swap(refused);
        _core.DeleteTopic(s_topic);
        _core.Restart();

        _core.Now += SequencerCore.Deadline;
        Assert.Equal([PartitionRefusal.None, PartitionRefusal.None], _core.Swap(swap).Answers);
        Assert.Equal([PartitionRefusal.ExtentsMissing, PartitionRefusal.ExtentsMissing], _core.Swap(refused).Answers);
        Assert.Null(_core.Swap(swap).Replaced);

        _core.Now += TimeSpan.FromMinutes(2);
        _core.Swap(Copy(_core.State.Objects.Keys.First()));
        Assert.Equal(SwapRefusal.TooLate, _core.Swap(swap).Refusal);
    }

    [Fact]
    public void A_swap_from_the_past_or_the_future_is_refused_as_a_whole()
    {
        ExtentReplacement swap = Copy(_commits);
        Extent[] before = One;
        var early = ObjectId.Mint(_core.Now + TimeSpan.FromSeconds(6), _random);
        Assert.Equal(SwapRefusal.FromTheFuture, _core.Swap(swap with { SwapId = early }).Refusal);
        _core.Now += SequencerCore.Deadline + TimeSpan.FromMilliseconds(1);
        Assert.Equal(SwapRefusal.TooLate, _core.Swap(swap).Refusal);

        Assert.Equal(before, One);
    }

    [Fact]
    public void Copies_that_have_not_the_offsets_of_the_originals_are_refused()
    {
        ExtentReplacement swap = Copy(_commits);
        PartitionReplacement good = swap.Partitions[0];
        Extent[] added = [.. good.Added];
        Extent[] before = One;

        AssertRefused(good with { Added = [] });
        AssertRefused(good with { Added = [added[0], added[1]] });
        AssertRefused(good with { Added = [added[0], added[2]] });
        AssertRefused(good with { Added = [added[1], added[0], added[2]] });
        AssertRefused(good with { Added = [added[0], added[1], added[2] with { LastOffset = 30 }] });
        AssertRefused(good with { Added = [added[0], added[1], added[1], added[2]] });
        AssertRefused(good with { Added = [added[0], added[1], added[2] with { ObjectId = _commits[0].ObjectId }] });
        AssertRefused(good with { Added = [added[0], added[1], added[2] with { Source = ExtentSource.Marker }] });
        AssertRefused(good with { Replaced = [], Added = [] });
        AssertRefused(good with { Replaced = [good.Replaced[1], good.Replaced[0], good.Replaced[2]] });
        Assert.Equal([PartitionRefusal.None], _core.Swap(swap with { Partitions = [good] }).Answers);

        void AssertRefused(PartitionReplacement partition)
        {
            ExtentReplacement bad = swap with { SwapId = ObjectId.Mint(_core.Now, _random), Partitions = [partition] };
            Assert.Equal([PartitionRefusal.Malformed], _core.Swap(bad).Answers);
            Assert.Equal(before, One);
        }
    }

    [Fact]
    public void A_partition_counts_once_in_a_swap()
    {
        ExtentReplacement swap = Copy(_commits);

        SwapDecision decision = _core.Swap(swap with { Partitions = [swap.Partitions[0], swap.Partitions[0]] });

        Assert.Equal([PartitionRefusal.None, PartitionRefusal.Malformed], decision.Answers);
        Assert.Equal(1, _core.State.Objects[swap.Outputs[0].Id].Extents);
    }

    [Fact]
    public void The_use_of_objects_is_described_by_level_and_id()
    {
        ExtentReplacement swap = Copy(_commits[0]);
        _core.Swap(swap);

        ObjectsReply all = _core.State.DescribeObjects(new SequencerMessage.DescribeObjects(0, 9, 10, new()), epoch: 7);
        ObjectsReply first = _core.State.DescribeObjects(new SequencerMessage.DescribeObjects(0, 0, 1, new()), epoch: 7);

        ShardObject[] originals =
            [.. _commits[1..].Select(static c => new ShardObject(c.ObjectId, 0, c.SizeBytes, 2, 1500)).OrderBy(static o => o.Id)];
        Assert.Equal((7, true), (all.Epoch, all.IsWhole));
        Assert.Equal(
            originals.Append(new ShardObject(swap.Outputs[0].Id, 1, swap.Outputs[0].SizeBytes, 2, 1500)).OrderBy(static o => o.Id),
            all.Objects);
        Assert.False(first.IsWhole);
        Assert.Equal([originals[0]], first.Objects);
    }

    private ExtentReplacement Copy(params ObjectCommit[] commits) => Copy([.. commits.Select(static commit => commit.ObjectId)]);

    private ExtentReplacement Copy(params ObjectId[] inputs) => SampleSwap.Of(_core.State, _core.Now, _random, inputs);
}
