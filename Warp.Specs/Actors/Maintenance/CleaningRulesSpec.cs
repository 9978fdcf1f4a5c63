using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Specs.Actors.Sequencing;
using Xunit;
using static Warp.Specs.Actors.Sequencing.Committer;

namespace Warp.Specs.Actors.Maintenance;

/// <summary>Batches of this spec have 100 bytes a record.</summary>
public sealed class CleaningRulesSpec
{
    private static readonly Guid s_topic = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly TopicPartition s_one = new(s_topic, 1);
    private static readonly TopicPartition s_two = new(s_topic, 2);
    private static readonly CleaningPolicy s_policy = new(0.5, MinLagMs: 0, MaxLagMs: long.MaxValue, MinDirtyBytes: 1000, DeleteRetentionMs: 60_000);

    private readonly Random _random = new(1);
    private readonly SequencerCore _core = new();
    private readonly Committer _node;

    public CleaningRulesSpec()
    {
        _core.Open(s_topic, 1, 2);
        _node = _core.NewCommitter(new NodeIncarnation(1, 1), _random);
    }

    private long NowMs => _core.Now.ToUnixTimeMilliseconds();

    [Fact]
    public void A_log_that_was_never_compacted_is_cleanable_once_it_is_worth_it()
    {
        Write(s_one, 9);
        Assert.Null(Find());
        Write(s_one, 1);
        CleanablePartition found = Find()!;
        Assert.Equal((s_one, 60_000), (found.Partition, found.DeleteRetentionMs));
        Assert.Equal([(0L, 8L), (9L, 9L)], found.Extents.Select(static readable => (readable.Extent.BaseOffset, readable.Extent.LastOffset)));
    }

    [Fact]
    public void Topics_without_a_policy_and_partitions_that_are_excepted_are_left_alone()
    {
        Write(s_one, 100);
        Assert.Null(CleaningRules.Find(_core.State, new Dictionary<Guid, CleaningPolicy>(), new HashSet<TopicPartition>(), NowMs));
        Assert.Null(Find(except: s_one));
    }

    [Fact]
    public void The_log_with_the_largest_share_that_is_not_compacted_comes_first()
    {
        Write(s_one, 100);
        Clean(s_one, horizonMs: 0);
        Write(s_one, 110);
        Write(s_two, 20);
        Assert.Equal(s_two, Find()!.Partition);
        Assert.Equal(s_one, Find(except: s_two)!.Partition);
    }

    [Fact]
    public void A_compacted_log_is_cleanable_again_when_enough_of_it_is_new()
    {
        Write(s_one, 100);
        Clean(s_one, horizonMs: 0);
        Assert.Null(Find());
        Write(s_one, 99);
        Assert.Null(Find());
        Write(s_one, 1);
        Assert.Equal(s_one, Find()!.Partition);
    }

    [Fact]
    public void Tombstones_that_may_go_come_first()
    {
        Write(s_one, 100);
        Clean(s_one, NowMs + 1000);
        Write(s_two, 100);
        Assert.Equal(s_two, Find()!.Partition);
        _core.Now += TimeSpan.FromSeconds(1);
        Assert.Equal(s_one, Find()!.Partition);
    }

    [Fact]
    public void Records_that_are_too_young_stay_as_they_are()
    {
        var policy = s_policy with { MinLagMs = 1000 };
        Write(s_one, 10);
        _core.Now += TimeSpan.FromMilliseconds(999);
        Write(s_one, 10);
        Assert.Null(Find(policy));
        _core.Now += TimeSpan.FromMilliseconds(1);
        Assert.Equal(9, Find(policy)!.Extents[^1].Extent.LastOffset);
    }

    [Fact]
    public void Records_that_are_old_enough_are_compacted_whatever_their_share()
    {
        var policy = s_policy with { MaxLagMs = 1000 };
        Write(s_one, 100);
        Clean(s_one, horizonMs: 0);
        Write(s_one, 1);
        _core.Now += TimeSpan.FromMilliseconds(1000);
        Assert.Null(Find(policy));
        _core.Now += TimeSpan.FromMilliseconds(1);
        Assert.Equal(s_one, Find(policy)!.Partition);
    }

    [Fact]
    public void What_is_compacted_is_known_after_a_restart_and_not_changed_by_mere_copies()
    {
        Write(s_one, 100);
        Clean(s_one, horizonMs: 777);
        _core.Swap(SampleSwap.Of(_core.State, _core.Now, _random, _core.State.Find(s_one)!.Extents[0].ObjectId));
        _core.Restart();
        Assert.Equal(new LogCleaning(100, 777), _core.State.Find(s_one)!.Cleaning);
        Assert.Equal(new LogCleaning(100, 777), _core.Replayed().Find(s_one)!.Cleaning);
    }

    [Fact]
    public void A_log_that_has_changed_keeps_what_it_has()
    {
        Write(s_one, 100);
        ExtentReplacement swap = Cleaned(s_one, horizonMs: 0);
        _core.Swap(SampleSwap.Of(_core.State, _core.Now, _random, _core.State.Find(s_one)!.Extents[0].ObjectId));
        Assert.Equal([PartitionRefusal.ExtentsMissing], _core.Swap(swap).Answers);
        Assert.Equal(default, _core.State.Find(s_one)!.Cleaning);
    }

    private CleanablePartition? Find(CleaningPolicy? policy = null, params TopicPartition[] except) => CleaningRules.Find(
        _core.State, new Dictionary<Guid, CleaningPolicy> { [s_topic] = policy ?? s_policy }, except.ToHashSet(), NowMs);

    private void Write(TopicPartition partition, int records) => _core.Accept(_node.Next(Batch(partition, records, NowMs)));

    private void Clean(TopicPartition partition, long horizonMs) =>
        Assert.Equal([PartitionRefusal.None], _core.Swap(Cleaned(partition, horizonMs)).Answers);

    private ExtentReplacement Cleaned(TopicPartition partition, long horizonMs)
    {
        PartitionLog log = _core.State.Find(partition)!;
        var found = new List<PartitionExtent>();
        foreach (Extent extent in log.Extents)
            found.Add(new PartitionExtent(partition, extent));
        ExtentReplacement swap = SampleSwap.Of(found, _core.Now, _random);
        return swap with { Partitions = [swap.Partitions[0] with { Cleaning = new LogCleaning(log.NextOffset, horizonMs) }] };
    }
}
