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
        await WriteAsync(world, topic, objects, batchBytes);
        Output?.WriteLine($"written in {clock.Elapsed.TotalSeconds:F1} s");
        clock.Restart();
        LogPrint[] before = await world.PrintAsync(topic);
        Output?.WriteLine($"read in {clock.Elapsed.TotalSeconds:F1} s");
        int getsBefore = await GetsAsync(world, topic[7]);
        time.Advance(TimeSpan.FromMinutes(3));

        var settings = new CompactionSettings(256 << 20, long.MaxValue / 2);
        var store = new TrapStore(world.Streams.Store, latency: TestRun.IsLong ? TimeSpan.FromMilliseconds(20) : default);
        clock.Restart();
        world.StartPlanner(
            new CompactionPlannerSettings(TimeSpan.FromMinutes(1), 32, 128 << 20, 1 << 30), world.Services(settings, store));
        CompactionStatus status = await CompactAllAsync(world);

        Assert.Equal((0L, null), (status.Failed, status.LastFailure));
        Output?.WriteLine(
            $"{status.Finished} jobs, {status.WrittenBytes >> 20} MiB in {clock.Elapsed.TotalSeconds:F1} s, {store.Requests} requests");
        clock.Restart();
        Assert.Equal(before, await world.PrintAsync(topic));
        Output?.WriteLine($"read again in {clock.Elapsed.TotalSeconds:F1} s");
        Assert.All(before, print => Assert.Equal((objects, (long)objects), (print.Batches, print.NextOffset)));
        int getsAfter = await GetsAsync(world, topic[7]);
        Output?.WriteLine($"GETs for one partition: {getsBefore} before, {getsAfter} after");
        Assert.InRange(getsBefore, objects, int.MaxValue);
        Assert.InRange(getsAfter, 1, getsBefore / 20);
        Assert.Empty(await world.ObjectsAsync(0, 0));
        Assert.Equal(objects, (await world.Streams.Store.KeysAsync()).Count);
    }

    private static async Task WriteAsync(CompactionWorld world, TopicPartition[] topic, int objects, int batchBytes)
    {
        var random = new Random(TestRun.TakeSeed());
        var value = new byte[batchBytes - 70];
        await world.Commits.WriteManyAsync(Enumerable.Range(0, objects).Select(i => topic.Select(partition =>
        {
            random.NextBytes(value);
            return (partition, new RecordBatchBuilder().Append(1_790_000_000_000 + i, null, value).Build());
        }).ToArray()));
    }

    /// <summary>Has everything compacted that is worth it, and gives the state after it.</summary>
    private static async Task<CompactionStatus> CompactAllAsync(CompactionWorld world)
    {
        CompactionStatus status = await world.AskAsync(static reply => new CompactionMessage.RunNow(reply));
        Assert.NotEmpty(status.Running.Concat(status.Waiting));
        while (status.Running.Count + status.Waiting.Count > 0 && status.Failed == 0)
        {
            await Task.Delay(20);
            status = await world.DescribeAsync();
        }
        return status;
    }

    /// <summary>How many requests a consumer with nothing in memory causes.</summary>
    private static async Task<int> GetsAsync(CompactionWorld world, TopicPartition partition)
    {
        int before = world.Streams.Store.Gets;
        await world.PrintAsync(partition);
        return world.Streams.Store.Gets - before;
    }
}
