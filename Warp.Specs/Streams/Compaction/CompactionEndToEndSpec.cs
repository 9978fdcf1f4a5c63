using System.Diagnostics;
using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Protocol.Records;
using Warp.Specs.Hosting;
using Warp.Streams.Compaction;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Compaction;

/// <summary>
/// Planner and worker on a real journal and a real folder, over far more objects than memory or requests should be spent on.
/// </summary>
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
        LogPrint[] expected = await WriteAsync(world, topic, objects, batchBytes);
        int getsBefore = await GetsAsync(world, topic[7]);
        Output?.WriteLine($"written in {clock.Elapsed.TotalSeconds:F1} s");
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
        clock.Restart();
        long readPeak = 0;
        // Neighbours share chunks now; partitions from all over an object would each need their own.
        foreach (int[] some in Enumerable.Range(0, Partitions).Chunk(8))
        {
            Assert.Equal(some.Select(i => expected[i]), await world.PrintAsync([.. some.Select(i => topic[i])]));
            readPeak = Math.Max(readPeak, Environment.WorkingSet);
        }
        Output?.WriteLine($"read in {clock.Elapsed.TotalSeconds:F1} s, working set at most {readPeak >> 20} MiB");
        int getsAfter = await GetsAsync(world, topic[7]);
        Output?.WriteLine($"GETs for one partition: {getsBefore} before, {getsAfter} after");
        Assert.InRange(getsBefore, objects, int.MaxValue);
        Assert.InRange(getsAfter, 1, getsBefore / 20);
        Assert.Empty(await world.ObjectsAsync(0, 0));
        Assert.Equal(objects, (await world.Streams.Store.KeysAsync()).Count);
    }

    /// <summary>Writes objects with a batch of each partition.</summary>
    /// <returns>What consumers must get of each.</returns>
    private static async Task<LogPrint[]> WriteAsync(CompactionWorld world, TopicPartition[] topic, int objects, int batchBytes)
    {
        var random = new Random(TestRun.TakeSeed());
        var value = new byte[batchBytes - 70];
        LogPrint[] expected = [.. topic.Select(static _ => new LogPrint(0, 0, 0, 0))];
        await world.Commits.WriteManyAsync(Enumerable.Range(0, objects).Select(i => topic.Select((partition, p) =>
        {
            random.NextBytes(value);
            byte[] batch = new RecordBatchBuilder().Append(1_790_000_000_000 + i, null, value).Build();
            byte[] seen = [.. batch];
            RecordBatchHeader.SetBaseOffset(seen, i);
            RecordBatchHeader.SetPartitionLeaderEpoch(seen, 0);
            expected[p] = expected[p].With(seen);
            return (partition, batch);
        }).ToArray()));
        return expected;
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

    /// <summary>How many requests a consumer with nothing in memory causes.</summary>
    private static async Task<int> GetsAsync(CompactionWorld world, TopicPartition partition)
    {
        int before = world.Streams.Store.Gets;
        await world.PrintAsync(partition);
        return world.Streams.Store.Gets - before;
    }
}
