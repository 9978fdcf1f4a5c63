using System.Diagnostics;
using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Protocol.Records;
using Warp.Specs.Hosting;
using Warp.Streams.Compaction;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Faults;
using Xunit;

namespace Warp.Specs.Streams.Compaction;

/// <summary>
/// Planner and worker on a real journal and a real folder, over far more objects than memory or requests should be spent on.
/// </summary>
[Collection(nameof(NodeProcesses))] // It measures the memory of this process.
public sealed class CompactionEndToEndSpec : IDisposable
{
    private const int Partitions = 200;

    private readonly string _folder = Directory.CreateTempSubdirectory("warp-compaction-").FullName;

    private static ITestOutputHelper? Output => TestContext.Current.TestOutputHelper;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Hundreds_of_small_objects_become_a_few_and_reading_a_partition_takes_a_twentieth_of_the_requests_or_less()
    {
        // 64 MiB in the sample; 2 GiB in the long form, and then from a store as far away as S3.
        int objects = TestRun.IsLong ? 4000 : 300;
        int batchBytes = TestRun.IsLong ? 2700 : 1120;
        var time = new ManualTime();
        await using DirectoryObjectStore files = DirectoryObjectStore.Open(_folder);
        await using CompactionWorld world = await CompactionWorld.StartAsync(time, store: files);
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(Partitions);
        var clock = Stopwatch.StartNew();
        LogPrint[] expected = await WriteAsync(world, time, topic, objects, batchBytes);
        Output?.WriteLine($"written in {clock.Elapsed.TotalSeconds:F1} s");
        var distant = new FaultObjectStore(world.Streams.Store, new FaultPlan { IsDistant = true }, TimeProvider.System);
        ReadFigures oneBefore = await ReadAsync(world, distant, [topic[7]], [expected[7]]);
        ReadFigures allBefore = await ReadAsync(world, distant, topic, expected);
        time.Advance(TimeSpan.FromMinutes(3));

        var settings = new CompactionSettings(256 << 20, long.MaxValue / 2);
        var store = new TrapStore(world.Streams.Store, latency: TestRun.IsLong ? TimeSpan.FromMilliseconds(20) : default);
        GC.Collect();
        long memoryBefore = Environment.WorkingSet;
        long heapBefore = GC.GetTotalMemory(forceFullCollection: true);
        long allocatedBefore = GC.GetTotalAllocatedBytes();
        clock.Restart();
        world.StartPlanner(
            new CompactionPlannerSettings(TimeSpan.FromMinutes(1), 32, 128 << 20, 1 << 30), world.Services(settings, store));
        (CompactionStatus status, long memoryPeak, long heapPeak) = await CompactAllAsync(world);

        Assert.Equal((0L, null), (status.Failed, status.LastFailure));
        Output?.WriteLine(
            $"{status.Finished} jobs, {status.WrittenBytes >> 20} MiB in {clock.Elapsed.TotalSeconds:F1} s, {store.Requests} requests; "
            + $"working set {memoryBefore >> 20} MiB before, at most {memoryPeak >> 20} MiB meanwhile; "
            + $"heap {heapBefore >> 20} MiB before, at most {heapPeak >> 20} MiB after a full collection, "
            + $"{(GC.GetTotalAllocatedBytes() - allocatedBefore) >> 20} MiB allocated");
        // The worker's memory, the metadata of its job, and the event of its swap in every shard.
        Assert.InRange(heapPeak - heapBefore, long.MinValue, settings.MemoryBytes + (128 << 20));
        ReadFigures oneAfter = await ReadAsync(world, distant, [topic[7]], [expected[7]]);
        ReadFigures allAfter = await ReadAsync(world, distant, topic, expected);
        Output?.WriteLine($"one partition: {oneBefore} before, {oneAfter} after");
        Output?.WriteLine($"all partitions: {allBefore} before, {allAfter} after");
        Assert.InRange(oneBefore.Gets, objects, int.MaxValue);
        Assert.InRange(oneAfter.Gets, 1, oneBefore.Gets / 20);
        Assert.InRange(allAfter.Gets, 1, allBefore.Gets / 5);
        if (TestRun.IsLong)
        {
            Assert.InRange(oneAfter.Time, TimeSpan.Zero, oneBefore.Time / 3);
            // 3.5 times as fast on a busy machine of two cores: most of it is copying and checking then, not waiting.
            Assert.InRange(allAfter.Time, TimeSpan.Zero, allBefore.Time / 2);
        }
        Assert.Empty(await world.ObjectsAsync(0, 0));
        Assert.Equal(objects, (await world.Streams.Store.KeysAsync()).Count);
    }

    /// <summary>Writes objects with a batch of each partition.</summary>
    /// <returns>What consumers must get of each.</returns>
    private static async Task<LogPrint[]> WriteAsync(
        CompactionWorld world, ManualTime time, TopicPartition[] topic, int objects, int batchBytes)
    {
        var random = new Random(TestRun.TakeSeed());
        var value = new byte[batchBytes - 70];
        LogPrint[] expected = [.. topic.Select(static _ => new LogPrint(0, 0, 0, 0))];
        await world.Commits.WriteManyAsync(Enumerable.Range(0, objects).Select(i =>
        {
            // Objects of one moment would be in no order, as they never are when a node writes them.
            time.Advance(TimeSpan.FromMilliseconds(1));
            return Write(i);
        }));
        return expected;

        (TopicPartition Partition, byte[] Batch)[] Write(int i) => [.. topic.Select((partition, p) =>
        {
            random.NextBytes(value);
            byte[] batch = new RecordBatchBuilder().Append(1_790_000_000_000 + i, null, value).Build();
            byte[] seen = [.. batch];
            RecordBatchHeader.SetBaseOffset(seen, i);
            RecordBatchHeader.SetPartitionLeaderEpoch(seen, 0);
            expected[p] = expected[p].With(seen);
            return (partition, batch);
        })];
    }

    /// <summary>Has everything compacted that is worth it; gives the state after it, and the most memory on the way.</summary>
    private static async Task<(CompactionStatus Status, long MemoryPeak, long HeapPeak)> CompactAllAsync(CompactionWorld world)
    {
        CompactionStatus status = await world.AskAsync(static reply => new CompactionMessage.RunNow(reply));
        Assert.NotEmpty(status.Running.Concat(status.Waiting));
        long memoryPeak = 0;
        long heapPeak = 0;
        for (int i = 0; status.Running.Count + status.Waiting.Count > 0 && status.Failed == 0; i++)
        {
            await Task.Delay(20);
            memoryPeak = Math.Max(memoryPeak, Environment.WorkingSet);
            if (i % 16 == 0)
                heapPeak = Math.Max(heapPeak, GC.GetTotalMemory(forceFullCollection: true));
            status = await world.DescribeAsync();
        }
        return (status, memoryPeak, heapPeak);
    }

    /// <summary>Has partitions read by a node with nothing in memory.</summary>
    private static async Task<ReadFigures> ReadAsync(
        CompactionWorld world, IObjectStore store, IReadOnlyList<TopicPartition> partitions, LogPrint[] expected)
    {
        int before = world.Streams.Store.Gets;
        var clock = Stopwatch.StartNew();
        Task<LogPrint[]> reading = world.PrintAsync(store, partitions);
        long memory = 0;
        while (!reading.IsCompleted)
        {
            memory = Math.Max(memory, Environment.WorkingSet);
            await Task.WhenAny(reading, Task.Delay(50));
        }
        Assert.Equal(expected, await reading);
        return new ReadFigures(world.Streams.Store.Gets - before, clock.Elapsed, memory);
    }

    private sealed record ReadFigures(int Gets, TimeSpan Time, long WorkingSet)
    {
        public override string ToString() => $"{Gets} GETs, {Time.TotalSeconds:F2} s, working set at most {WorkingSet >> 20} MiB";
    }
}
