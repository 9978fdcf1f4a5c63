using Warp.Actors.Cluster;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Fetch;
using Warp.Streams.Maintenance;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Maintenance;

/// <summary>What readers see of the deletion of objects: nothing.</summary>
public sealed class MissingObjectSpec
{
    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(30);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>
    /// Writers, readers without any cache, retention and collection at the same time, with deadlines of a few hundred milliseconds.
    /// </summary>
    [Fact]
    public async Task No_reader_ever_meets_a_missing_object()
    {
        var times = new TimeConstants
        {
            HeldBatch = TimeSpan.FromMilliseconds(50),
            CommitDeadline = TimeSpan.FromMilliseconds(400),
            PlanLife = TimeSpan.FromMilliseconds(450),
            CollectionGrace = TimeSpan.FromMilliseconds(500),
        };
        await using StreamsWorld world = await StreamsWorld.StartAsync(times: times);
        TopicPartition[] topic = await world.OpenTopicAsync(4);
        ClusterRecord cluster = await world.Journal.ReadClusterAsync(Stop);
        await new StoreIdentity(world.Store, world.Keys).BindAsync(cluster.ClusterId, Stop);
        var lineage = new StoreLineage(world.Journal, world.Store, world.Keys);
        var collector = new GarbageCollector(
            new CollectorServices(world.Journal, world.Store, world.Keys, lineage, times, TimeProvider.System, DeletesPerSecond: 10_000),
            () => world.Node.Leases.FenceOf(ShardIds.Collection));
        var policies = new Dictionary<Guid, RetentionPolicy> { [topic[0].TopicId] = new RetentionPolicy(-1, 2000) };
        using var ended = new CancellationTokenSource(TimeSpan.FromSeconds(TestRun.IsLong ? 60 : 4));
        long collected = 0;
        long read = 0;

        Task[] work =
        [
            .. topic.Select(partition => RepeatAsync(async () => await world.ProduceAsync(partition, SampleBatches.OfSize(100)))),
            .. topic.Select(partition => RepeatAsync(async () => Interlocked.Add(ref read, await ReadAsync(world, partition)))),
            RepeatAsync(async () =>
            {
                for (int shard = 0; shard < world.Region.ShardCount; shard++)
                {
                    await world.Region.Sequencer(shard).AskAsync<RetentionReply>(
                        reply => new SequencerMessage.ApplyRetention(policies, reply), s_ask, Stop);
                }
            }),
            RepeatAsync(async () => await collector.SweepAsync(listStore: true, _ => Interlocked.Increment(ref collected), Stop)),
        ];
        await Task.WhenAll(work);

        Assert.NotEqual(0, read);
        Assert.NotEqual(0, collected);
        Assert.False(world.Node.Log.Contains("cannot be read"));
        var findings = new List<VerificationFinding>();
        await new StoreVerifier(world.Journal, world.Store, world.Keys, times).RunAsync(findings.Add, Stop);
        Assert.All(
            findings, static finding => Assert.True(finding.Kind is FindingKind.UnreferencedObject or FindingKind.RowWithoutObject, $"{finding}"));

        async Task RepeatAsync(Func<Task> turn)
        {
            // Not in one go: the others want their turns, too.
            for (; !ended.IsCancellationRequested; await Task.Delay(5, Stop))
                await turn();
        }
    }

    [Fact]
    public async Task A_fetch_whose_object_was_collected_since_it_was_planned_plans_again()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        await world.ProduceAsync(topic[0], SampleBatches.Build("a"));
        await world.ProduceAsync(topic[0], SampleBatches.Build("b"));
        var gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        world.Store.ReadGate = gate.Task;
        Task<PartitionRecords[]> slow = FetchAsync(world.ColdPlanner(), topic[0], 0);

        await world.Region.SequencerOf(topic[0]).AskAsync<DeleteRecordsReply>(
            reply => new SequencerMessage.DeleteRecords(topic[0], 1, reply), s_ask, Stop);
        string first = await KeyOfAsync(world, "a");
        await world.Store.DeleteAsync([first], Stop);
        gate.SetResult();

        Assert.Equal(ErrorCode.OffsetOutOfRange, Assert.Single(await slow).Error);
        Assert.False(world.Node.Log.Contains("cannot be read"));
    }

    [Fact]
    public async Task An_object_that_is_missing_though_it_is_needed_is_an_error_that_is_noted_once()
    {
        await using StreamsWorld world = await StreamsWorld.StartAsync();
        TopicPartition[] topic = await world.OpenTopicAsync(1);
        await world.ProduceAsync(topic[0], SampleBatches.Build("a"));
        await world.ProduceAsync(topic[0], SampleBatches.Build("b"));
        string second = await KeyOfAsync(world, "b");
        await world.Store.DeleteAsync([second], Stop);
        FetchPlanner planner = world.ColdPlanner();

        PartitionRecords before = Assert.Single(await FetchAsync(planner, topic[0], 0));
        Assert.Equal(ErrorCode.None, before.Error);
        Assert.NotEqual(0, before.Records.Length);
        before.Records.Dispose();
        for (int i = 0; i < 3; i++)
            Assert.Equal(ErrorCode.KafkaStorageError, Assert.Single(await FetchAsync(planner, topic[0], 1)).Error);

        Assert.Equal(1, world.Node.Log.Count(second));
        Assert.True(world.Node.Log.Contains("warp store verify"));
    }

    /// <summary>Reads a page from the log start; how many bytes it had.</summary>
    private static async Task<int> ReadAsync(StreamsWorld world, TopicPartition partition)
    {
        FetchPlanner planner = world.ColdPlanner();
        LogEnds ends = await planner.DescribeAsync(partition, Stop);
        PartitionRecords found = Assert.Single(await FetchAsync(planner, partition, ends.LogStartOffset));
        using RecordSet records = found.Records;
        Assert.True(found.Error is ErrorCode.None or ErrorCode.OffsetOutOfRange, $"{found.Error}");
        return records.Length;
    }

    private static Task<PartitionRecords[]> FetchAsync(FetchPlanner planner, TopicPartition partition, long offset) => planner.FetchAsync(
        new FetchQuery([new PartitionQuery(partition, offset, 1 << 20)], 1, TimeSpan.Zero, 1 << 20, ReadCommitted: false), Stop);

    /// <summary>The key of the object that has this text in it.</summary>
    private static async Task<string> KeyOfAsync(StreamsWorld world, string text)
    {
        foreach (string key in await world.Store.KeysAsync())
        {
            byte[] bytes = await world.Store.GetAsync(key, Stop);
            if (bytes.AsSpan().IndexOf(SampleBatches.Build(text).AsSpan(61)) >= 0)
                return key;
        }
        throw new InvalidOperationException($"no object has '{text}'");
    }
}
