using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Specs.Actors.Sequencing;
using Warp.Specs.Hosting;
using Xunit;
using static Warp.Specs.Actors.Sequencing.Committer;

namespace Warp.Specs.Actors.Maintenance;

public sealed class RetentionRulesSpec
{
    private const long NowMs = 1_000_000;

    private static readonly Guid s_topic = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly ObjectId s_object = ObjectId.Mint(DateTimeOffset.FromUnixTimeMilliseconds(NowMs - 500), new Random(1));

    /// <summary>Extents of 100 bytes, written as their age in ms; now is 1,000,000. −1 stands for records without a time.</summary>
    [Theory]
    [InlineData("3000 2000 1000", 1500, 2)]
    [InlineData("3000 2000 1000", 999, 3)]
    [InlineData("3000 2000 1000", 1000, 2)]
    [InlineData("3000 2000 1000", 5000, 0)]
    [InlineData("3000 2000 1000", 0, 3)]
    [InlineData("3000 2000 1000", -1, 0)]
    [InlineData("1000 3000 3000", 1500, 0)]
    [InlineData("3000 1000 3000", 1500, 1)]
    [InlineData("-5000 3000", 0, 0)]
    [InlineData("0 0", 0, 0)]
    [InlineData("none none", 600, 0)]
    [InlineData("none none", 400, 2)]
    [InlineData("", 0, 0)]
    public void Extents_go_from_the_start_while_their_latest_record_is_too_old(string ages, long retentionMs, int expired)
    {
        Extent[] extents = [.. ages.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(Aged)];
        Assert.Equal(expired, RetentionRules.CountExpired(Listed(extents), Size(extents), new RetentionPolicy(retentionMs, -1), NowMs));
    }

    [Theory]
    [InlineData("10 20 30", 60, 0)]
    [InlineData("10 20 30", 51, 0)]
    [InlineData("10 20 30", 50, 1)]
    [InlineData("10 20 30", 31, 1)]
    [InlineData("10 20 30", 30, 2)]
    [InlineData("10 20 30", 1, 2)]
    [InlineData("10 20 30", 0, 3)]
    [InlineData("10 20 30", 1000, 0)]
    [InlineData("10 20 30", -1, 0)]
    [InlineData("30 10 10", 25, 0)]
    [InlineData("", 0, 0)]
    public void Extents_go_from_the_start_while_the_rest_still_reaches_the_size(string sizes, long retentionBytes, int expired)
    {
        Extent[] extents =
        [
            .. sizes.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select((size, i) => Extent(i, long.Parse(size), NowMs)),
        ];
        Assert.Equal(expired, RetentionRules.CountExpired(Listed(extents), Size(extents), new RetentionPolicy(-1, retentionBytes), NowMs));
    }

    [Fact]
    public void What_is_too_old_goes_also_when_the_size_would_keep_it_and_the_other_way_round()
    {
        Extent[] extents = [Aged("3000", 0), Aged("2000", 1), Aged("1000", 2)];
        Assert.Equal(2, RetentionRules.CountExpired(Listed(extents), 300, new RetentionPolicy(1500, 200), NowMs));
        Assert.Equal(2, RetentionRules.CountExpired(Listed(extents), 300, new RetentionPolicy(2500, 100), NowMs));
    }

    [Fact]
    public void A_shard_decides_for_the_topics_that_are_named_and_drops_only_whole_extents()
    {
        var core = new SequencerCore();
        var other = new Guid("10112233-4455-6677-8899-aabbccddeeff");
        core.Open(s_topic, 0, 1);
        core.Open(other, 0);
        Committer node = core.NewCommitter(new NodeIncarnation(1, 1), new Random(1));
        for (int i = 0; i < 3; i++)
        {
            core.Accept(node.Next(
                Batch(new(s_topic, 0), 10, timestamp: i),
                Batch(new(s_topic, 1), 5, timestamp: 5 * i),
                Batch(new(other, 0), 1, timestamp: 0)));
        }
        core.DeleteRecords(new(s_topic, 0), 5);

        var policies = new Dictionary<Guid, RetentionPolicy> { [s_topic] = new RetentionPolicy(10, -1) };
        RetentionDecision decision = RetentionRules.Decide(core.State, policies, nowMs: 13);

        Assert.True(decision.IsComplete);
        Assert.Equal([(0, 30L), (1, 5L)], Starts(decision));
        Assert.Equal(4, decision.Dropped.Count);
        Assert.Empty(RetentionRules.Decide(core.State, policies, nowMs: 10).Events);
    }

    /// <summary>Whatever the extents and limits: what is decided in steps is what the definition says, and no step is too large.</summary>
    [Fact]
    public void Many_extents_go_in_steps_that_end_where_the_definition_says()
    {
        var random = new Random(TestRun.TakeSeed());
        for (int round = 0; round < 20; round++)
        {
            var core = new SequencerCore();
            core.Open(s_topic, 0, 1, 2);
            Committer node = core.NewCommitter(new NodeIncarnation(1, 1), random);
            for (int i = random.Next(3000); i > 0; i--)
                core.Accept(node.Next(Batch(new(s_topic, random.Next(3)), random.Next(1, 5), timestamp: random.Next(1000))));
            var policy = new RetentionPolicy(random.Next(-1, 900), random.Next(-1, 300_000));
            var policies = new Dictionary<Guid, RetentionPolicy> { [s_topic] = policy };
            long[] expected = [.. core.State.Logs.Select(log => ExpectedStart(log, policy, nowMs: 1000))];

            RetentionDecision decision;
            do
            {
                decision = RetentionRules.Decide(core.State, policies, nowMs: 1000);
                Assert.InRange(decision.Dropped.Count, 0, RetentionRules.MaxExtents);
                Assert.True(decision.IsComplete || decision.Dropped.Count == RetentionRules.MaxExtents);
                foreach (IEvent @event in decision.Events)
                    core.State.Apply(@event);
            }
            while (!decision.IsComplete);

            Assert.Equal(expected, core.State.Logs.Select(static log => log.LogStartOffset));
            Assert.Empty(RetentionRules.Decide(core.State, policies, nowMs: 1000).Events);
        }
    }

    /// <summary>The same from Kafka's words: segments are deleted while the log is too large, then while they are too old.</summary>
    private static long ExpectedStart(PartitionLog log, RetentionPolicy policy, long nowMs)
    {
        List<Extent> left = [.. log.Extents];
        while (policy.RetentionBytes >= 0 && left.Count > 0 && left.Skip(1).Sum(static extent => extent.Length) >= policy.RetentionBytes)
            left.RemoveAt(0);
        while (policy.RetentionMs >= 0 && left.Count > 0 && nowMs - left[0].MaxTimestamp > policy.RetentionMs)
            left.RemoveAt(0);
        return left.Count == 0 ? log.NextOffset : left[0].BaseOffset;
    }

    private static (int Partition, long LogStart)[] Starts(RetentionDecision decision) =>
        [.. decision.Events.Cast<LogStartAdvanced>().Select(static advanced => (advanced.Partition, advanced.LogStartOffset))];

    private static ExtentRange Listed(Extent[] extents)
    {
        var list = new ExtentList();
        foreach (Extent extent in extents)
            list.Add(extent);
        return list.All;
    }

    private static long Size(Extent[] extents) => extents.Sum(static extent => extent.Length);

    private static Extent Aged(string age, int number) => Extent(number, 100, age == "none" ? -1 : NowMs - long.Parse(age));

    private static Extent Extent(int number, long length, long maxTimestamp) =>
        new(number * 10, (number * 10) + 9, ExtentSource.Object, s_object, number * 1000, length, maxTimestamp);
}
