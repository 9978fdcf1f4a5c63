using System.Text;
using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Protocol.Compression;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Compaction;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Fetch;
using Warp.Streams.LogCompaction;
using Xunit;
using Record = Warp.Protocol.Records.Record;

namespace Warp.Specs.Streams.LogCompaction;

/// <summary>Logs that are compacted by key, on real sequencers.</summary>
public sealed class LogCompactorSpec
{
    private const int TargetBytes = 16 << 20;
    private static readonly CleaningPolicy s_policy = new(0.5, 0, long.MaxValue, MinDirtyBytes: 0, DeleteRetentionMs: 0);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_reader_sees_the_last_record_of_each_key_at_its_offset()
    {
        var random = new Random(TestRun.TakeSeed());
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition partition = (await world.Streams.OpenTopicAsync(1))[0];
        var log = new Dictionary<string, Seen>();
        for (int round = 1; round <= 3; round++)
        {
            await WriteAsync(world, partition, random, objects: 40, log);
            LogCompactionResult result = await CompactAsync(world, partition);
            Assert.True(result.IsTaken);
            Assert.Equal(log.Count, result.KeptCount);
            Assert.Equal(log.Values.OrderBy(static one => one.Offset), await ReadAsync(world, partition, 0));
        }
        Assert.All(await world.ObjectsAsync(), static use => Assert.Equal(1, use.Level));
        LogEnds ends = await world.Streams.Planner.DescribeAsync(partition, Stop);
        Assert.Equal((0, 3 * 40 * 25), (ends.LogStartOffset, ends.HighWatermark));
        // From wherever a consumer goes on, it gets what comes from there on.
        foreach (long offset in Enumerable.Range(0, 50).Select(_ => random.NextInt64(ends.HighWatermark)))
        {
            Assert.Equal(
                log.Values.Where(one => one.Offset >= offset).OrderBy(static one => one.Offset),
                (await ReadAsync(world, partition, offset)).Where(one => one.Offset >= offset));
        }
    }

    [Fact]
    public async Task Records_that_come_while_it_is_compacted_follow_it()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition partition = (await world.Streams.OpenTopicAsync(1))[0];
        var log = new Dictionary<string, Seen>();
        var random = new Random(7);
        await WriteAsync(world, partition, random, objects: 10, log);
        CleanablePartition found = (await FindAsync(world, partition))!;
        await WriteAsync(world, partition, random, objects: 10, log);

        Assert.True((await CompactAsync(world, found)).IsTaken);

        List<Seen> read = await ReadAsync(world, partition, 0);
        Assert.Equal(log.Values.OrderBy(static one => one.Offset), LastOfEachKey(read));
        Assert.True(read.Count > log.Count);
        Assert.True((await CompactAsync(world, partition)).IsTaken);
        Assert.Equal(log.Values.OrderBy(static one => one.Offset), await ReadAsync(world, partition, 0));
    }

    [Fact]
    public async Task Tombstones_go_when_their_time_has_passed_and_the_end_of_the_log_can_still_be_reached()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition partition = (await world.Streams.OpenTopicAsync(1))[0];
        await world.Commits.WriteAsync((partition, Batch(0, ("a", "1"), ("b", "1"))));
        await world.Commits.WriteAsync((partition, Batch(0, ("a", null), ("b", null))));

        // The tombstones get their horizon; it is now, for they are kept for no time at all.
        await CompactAsync(world, partition);
        Assert.Equal([2L, 3L], (await ReadAsync(world, partition, 0)).Select(static one => one.Offset));
        Assert.True((await FindAsync(world, partition)) is not null);
        LogCompactionResult second = await CompactAsync(world, partition);

        Assert.Equal((0, 2), (second.KeptCount, second.RemovedCount));
        Assert.Empty(await ReadAsync(world, partition, 0));
        Assert.Null(await FindAsync(world, partition));
        await world.Commits.WriteAsync((partition, Batch(0, ("c", "1"))));
        Assert.Equal([4L], (await ReadAsync(world, partition, 0)).Select(static one => one.Offset));
    }

    [Fact]
    public async Task A_log_that_changes_while_it_is_compacted_stays_as_it_is()
    {
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        TopicPartition partition = (await world.Streams.OpenTopicAsync(1))[0];
        var log = new Dictionary<string, Seen>();
        await WriteAsync(world, partition, new Random(7), objects: 10, log);
        CleanablePartition found = (await FindAsync(world, partition))!;
        await world.CompactAsync(await world.JobAsync());
        List<Seen> before = await ReadAsync(world, partition, 0);

        Assert.False((await CompactAsync(world, found)).IsTaken);

        Assert.Equal(before, await ReadAsync(world, partition, 0));
    }

    [Fact]
    public async Task It_may_end_at_any_point_and_another_one_finishes()
    {
        var random = new Random(TestRun.TakeSeed());
        await using CompactionWorld world = await CompactionWorld.StartAsync();
        int points = await RunUntilAsync(world, random, int.MaxValue);
        Assert.InRange(points, 10, 500);
        foreach (int point in Enumerable.Range(1, points).OrderBy(_ => random.Next()).Take(TestRun.IsLong ? points : 12))
            await RunUntilAsync(world, random, point);
    }

    private static async Task<int> RunUntilAsync(CompactionWorld world, Random random, int endAt)
    {
        TopicPartition partition = (await world.Streams.OpenTopicAsync(1))[0];
        var log = new Dictionary<string, Seen>();
        await WriteAsync(world, partition, random, objects: 8, log);
        CleanablePartition found = (await FindAsync(world, partition))!;
        using var ending = new CancellationTokenSource();
        int points = 0;
        var store = new TrapStore(world.Streams.Store, Count);
        world.Streams.Journal.OnCall = Count;
        try
        {
            await new LogCompactor(world.Services(store: store)).RunAsync(found, TargetBytes, ending.Token);
        }
        catch (OperationCanceledException)
        {
            Assert.True(points >= endAt);
        }
        world.Streams.Journal.OnCall = null;
        Assert.Equal(log.Values.OrderBy(static one => one.Offset), LastOfEachKey(await ReadAsync(world, partition, 0)));
        // The swap of the first may still be on its way, and be taken in the place of the second's.
        while (await FindAsync(world, partition) is { } again)
            await CompactAsync(world, again);
        Assert.Equal(log.Values.OrderBy(static one => one.Offset), await ReadAsync(world, partition, 0));
        return points;

        void Count()
        {
            if (Interlocked.Increment(ref points) == endAt)
                ending.Cancel();
        }
    }

    private static IEnumerable<Seen> LastOfEachKey(IEnumerable<Seen> read) =>
        read.GroupBy(static one => one.Key).Select(static key => key.MaxBy(static one => one.Offset)!).OrderBy(static one => one.Offset);

    private static async Task<CleanablePartition?> FindAsync(CompactionWorld world, TopicPartition partition)
    {
        var policies = new Dictionary<Guid, CleaningPolicy> { [partition.TopicId] = s_policy };
        return await world.Streams.Region.SequencerOf(partition).AskAsync<CleanablePartition?>(
            reply => new SequencerMessage.FindCleanable(policies, new HashSet<TopicPartition>(), reply), StreamsWorld.Patience, Stop);
    }

    private static async Task<LogCompactionResult> CompactAsync(CompactionWorld world, TopicPartition partition) =>
        await CompactAsync(world, (await FindAsync(world, partition))!);

    private static Task<LogCompactionResult> CompactAsync(CompactionWorld world, CleanablePartition found) =>
        new LogCompactor(world.Services()).RunAsync(found, TargetBytes, Stop);

    /// <summary>Writes objects with a batch of 25 records each, of 60 keys, and notes the last record of each key.</summary>
    private static async Task WriteAsync(
        CompactionWorld world, TopicPartition partition, Random random, int objects, Dictionary<string, Seen> log)
    {
        for (int i = 0; i < objects; i++)
        {
            (string, string?)[] records = [.. Enumerable.Range(0, 25).Select(n => ($"k{random.Next(60)}", (string?)$"{i}.{n}.{random.Next()}"))];
            long[] offsets = await world.Commits.WriteAsync((partition, Batch((CompressionType)random.Next(5), records)));
            for (int n = 0; n < records.Length; n++)
                log[records[n].Item1] = new Seen(offsets[0] + n, records[n].Item1, records[n].Item2);
        }
    }

    private static byte[] Batch(CompressionType codec, params (string Key, string? Value)[] records)
    {
        var builder = new RecordBatchBuilder { Codec = codec };
        foreach ((string key, string? value) in records)
            builder.Append(1_790_000_000_000, Encoding.UTF8.GetBytes(key), value is null ? null : Encoding.UTF8.GetBytes(value));
        return builder.Build();
    }

    /// <summary>Reads to the end as a consumer does: it goes on behind the last batch that it got.</summary>
    private static async Task<List<Seen>> ReadAsync(CompactionWorld world, TopicPartition partition, long offset)
    {
        FetchPlanner planner = world.Streams.ColdPlanner();
        var seen = new List<Seen>();
        while (true)
        {
            PartitionRecords[] found = await planner.FetchAsync(
                new FetchQuery([new PartitionQuery(partition, offset, 4096)], 1, TimeSpan.Zero, 1 << 20, false), Stop);
            using RecordSet records = found[0].Records;
            Assert.Equal(ErrorCode.None, found[0].Error);
            if (offset == found[0].Ends.HighWatermark)
                return seen;
            long before = offset;
            foreach (RecordBatch batch in RecordBatches.Enumerate(records.Memory))
            {
                Assert.True(batch.Header.NextOffset > offset);
                offset = batch.Header.NextOffset;
                using RecordBatchReader reader = RecordBatchReader.Open(batch.Bytes.Span, 1 << 20);
                while (reader.TryRead(out Record record))
                {
                    string? value = record.HasValue ? Encoding.UTF8.GetString(record.Value) : null;
                    seen.Add(new Seen(record.Offset, Encoding.UTF8.GetString(record.Key), value));
                }
            }
            Assert.True(offset > before, $"nothing is found from {offset} on, and the log ends at {found[0].Ends.HighWatermark}");
        }
    }

    private sealed record Seen(long Offset, string Key, string? Value);
}
