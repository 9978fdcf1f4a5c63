using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Produce;
using Xunit;

namespace Warp.Specs.Streams.Compaction;

/// <summary>Jobs that end before, in, or after anything that they do, and the ones that finish after them.</summary>
public sealed class CompactorInterruptionSpec
{
    private const int Objects = 6;

    [Fact]
    public async Task A_job_may_end_at_any_point_and_another_one_finishes_what_it_began()
    {
        var random = new Random(TestRun.TakeSeed());
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        await RunAsync(world, random, batchBytes: 1000, sample: TestRun.IsLong ? int.MaxValue : 12);
        // Large enough for an upload in parts.
        await RunAsync(world, random, batchBytes: 400_000, sample: TestRun.IsLong ? int.MaxValue : 4);
    }

    private static async Task RunAsync(CompactionWorld world, Random random, int batchBytes, int sample)
    {
        int points = await RunAsync(world, random, batchBytes, endAt: int.MaxValue, restart: false);
        Assert.InRange(points, 20, 200);
        foreach (int point in Enumerable.Range(1, points).OrderBy(_ => random.Next()).Take(sample))
            await RunAsync(world, random, batchBytes, point, restart: random.Next(4) == 0);
    }

    /// <summary>One object after the other is written, merged until somebody ends it, and merged again.</summary>
    /// <returns>How many points there were.</returns>
    private static async Task<int> RunAsync(CompactionWorld world, Random random, int batchBytes, int endAt, bool restart)
    {
        TopicPartition[] topic = await world.Streams.OpenTopicAsync(4);
        var commits = new Fetch.ObjectCommits(world.Streams);
        for (int i = 0; i < Objects; i++)
        {
            int bytes = random.Next(batchBytes, batchBytes + 20_000);
            await commits.WriteAsync([.. topic.Select(partition => (partition, SampleBatches.OfSize(bytes)))]);
        }
        LogPrint[] before = await world.PrintAsync(topic);
        CompactionJob job = await world.JobAsync(maxInputLevel: 0);
        List<string> keys = [.. await world.Streams.Store.KeysAsync(0), .. await world.Streams.Store.KeysAsync(1)];

        using var ending = new CancellationTokenSource();
        int points = 0;
        var store = new TrapStore(world.Streams.Store, Count);
        world.Streams.Journal.OnCall = Count;
        try
        {
            CompactionResult result = await CompactionWorld.CompactUntilAsync(job, world.Services(store: store), ending.Token);
            Assert.Equal(0, result.RefusedPartitions);
        }
        catch (OperationCanceledException)
        {
            Assert.True(points >= endAt);
        }
        world.Streams.Journal.OnCall = null;
        if (restart)
            await world.RestartAsync();
        Assert.Equal(before, await world.PrintAsync(topic));
        // Whatever has become of it, nothing was deleted.
        HashSet<string> keysAfter = [.. await world.Streams.Store.KeysAsync(0), .. await world.Streams.Store.KeysAsync(1)];
        Assert.Subset(keysAfter, keys.ToHashSet());

        CompactionJob rest = await world.JobAsync(maxInputLevel: 0);
        Assert.Subset(job.Inputs.ToHashSet(), rest.Inputs.ToHashSet());
        // What was sent before the end may still arrive: then the one that looked before that is refused, and the next one is not.
        CompactionResult second = await world.CompactAsync(rest);
        if (second.RefusedPartitions > 0)
            await world.CompactAsync(await world.JobAsync(maxInputLevel: 0));
        Assert.Equal(before, await world.PrintAsync(topic));
        Assert.Empty(await world.ObjectsAsync(0, 0));
        return points;

        void Count()
        {
            if (Interlocked.Increment(ref points) == endAt)
                ending.Cancel();
        }
    }
}
