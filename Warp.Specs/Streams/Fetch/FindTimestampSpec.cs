using Warp.Actors.Sequencing;
using Warp.Protocol.Compression;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Specs.Streams.Format;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Fetch;
using Xunit;

namespace Warp.Specs.Streams.Fetch;

/// <summary>From times to offsets, as ListOffsets asks.</summary>
public sealed class FindTimestampSpec : IAsyncLifetime
{
    private const long Latest = -3;

    private StreamsWorld _world = null!;
    private TopicPartition _partition;
    private ObjectCommits _commits = null!;

    public static TheoryData<CompressionType> EveryCodec => [.. Enum.GetValues<CompressionType>()];

    public async ValueTask InitializeAsync()
    {
        _world = await StreamsWorld.StartAsync();
        _partition = (await _world.OpenTopicAsync(1))[0];
        _commits = new ObjectCommits(_world);
    }

    public ValueTask DisposeAsync() => _world.DisposeAsync();

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public async Task The_first_record_of_a_time_or_later_is_found_inside_batches(CompressionType codec)
    {
        await WriteAsync(Batch(codec, 100, 110, 120), Batch(codec, 130, 125, 140));
        await WriteAsync(Batch(codec, 150, 150, 160));
        long[] records = [100, 110, 120, 130, 125, 140, 150, 150, 160];
        foreach (long time in (long[])[0, 100, 101, 120, 121, 131, 141, 150, 151, 160])
        {
            int first = Array.FindIndex(records, record => record >= time);
            Assert.Equal(new TimestampedOffset(first, records[first]), await FindAsync(time));
        }
        Assert.Null(await FindAsync(161));
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public async Task Of_the_records_with_the_latest_time_the_first_is_found(CompressionType codec)
    {
        await WriteAsync(Batch(codec, 5, 300, 100));
        await WriteAsync(Batch(codec, 7, 8), Batch(codec, 20, 500, 500, 1), Batch(codec, 500, 500));
        await WriteAsync(Batch(codec, 499), Batch(codec, 500));
        Assert.Equal(new TimestampedOffset(6, 500), await FindAsync(Latest));
    }

    [Fact]
    public async Task An_empty_log_has_no_record_of_any_time()
    {
        Assert.Null(await FindAsync(0));
        Assert.Null(await FindAsync(Latest));
        await WriteAsync(Batch(CompressionType.None, 5, 6));
        await DeleteBeforeAsync(2);
        Assert.Null(await FindAsync(0));
        Assert.Null(await FindAsync(Latest));
    }

    [Fact]
    public async Task A_partition_that_is_not_there_is_an_error()
    {
        (ErrorCode error, TimestampedOffset? found) =
            await _world.Planner.FindTimestampAsync(_partition with { Partition = 9 }, 0, CancellationToken.None);
        Assert.Equal((ErrorCode.UnknownTopicOrPartition, null), (error, found));
    }

    [Fact]
    public async Task With_LogAppendTime_a_batch_is_all_of_one_time()
    {
        byte[] first = Batch(CompressionType.Gzip, 1, 2, 3);
        byte[] second = Batch(CompressionType.Gzip, 900, 800, 700);
        RecordBatchHeader.SetLogAppendTime(first, 50);
        RecordBatchHeader.SetLogAppendTime(second, 60);
        await WriteAsync(first, second);
        Assert.Equal(new TimestampedOffset(0, 50), await FindAsync(50));
        Assert.Equal(new TimestampedOffset(3, 60), await FindAsync(51));
        Assert.Equal(new TimestampedOffset(3, 60), await FindAsync(Latest));
        await DeleteBeforeAsync(4);
        Assert.Equal(new TimestampedOffset(4, 60), await FindAsync(0));
        Assert.Equal(new TimestampedOffset(4, 60), await FindAsync(Latest));
    }

    [Fact]
    public async Task Records_below_the_log_start_are_not_found()
    {
        await WriteAsync(Batch(CompressionType.None, 100, 200, 300), Batch(CompressionType.None, 400));
        await DeleteBeforeAsync(1);
        Assert.Equal(new TimestampedOffset(1, 200), await FindAsync(0));
        Assert.Equal(new TimestampedOffset(3, 400), await FindAsync(Latest));
    }

    [Fact]
    public async Task A_time_that_only_deleted_records_of_an_object_reach_is_looked_for_behind_it()
    {
        await WriteAsync(Batch(CompressionType.None, 1000, 10, 20));
        await WriteAsync(Batch(CompressionType.None, 15, 30));
        await WriteAsync(Batch(CompressionType.None, 500, 500));
        await WriteAsync(Batch(CompressionType.None, 400));
        await DeleteBeforeAsync(1);
        Assert.Equal(new TimestampedOffset(1, 10), await FindAsync(5));
        Assert.Equal(new TimestampedOffset(4, 30), await FindAsync(25));
        Assert.Equal(new TimestampedOffset(5, 500), await FindAsync(400));
        Assert.Null(await FindAsync(501));
        Assert.Equal(new TimestampedOffset(5, 500), await FindAsync(Latest));
    }

    [Fact]
    public async Task A_max_timestamp_that_no_record_has_hides_nothing()
    {
        byte[] boastful = Batch(CompressionType.None, 10, 20);
        RecordBatchHeader.SetMaxTimestamp(boastful, 1000);
        await WriteAsync(boastful);
        await WriteAsync(Batch(CompressionType.None, 30), Batch(CompressionType.None, 40, 35));
        Assert.Equal(new TimestampedOffset(2, 30), await FindAsync(25));
        Assert.Equal(new TimestampedOffset(3, 40), await FindAsync(Latest));
        Assert.Null(await FindAsync(41));
    }

    [Fact]
    public async Task Any_time_is_found_as_by_looking_at_every_record()
    {
        Random random = TestSeed.Random();
        var times = new List<long>();
        for (int objects = 0; objects < 12; objects++)
        {
            byte[][] batches = new byte[random.Next(1, 6)][];
            for (int i = 0; i < batches.Length; i++)
            {
                long[] next = [.. Enumerable.Range(0, random.Next(1, 8)).Select(_ => (long)random.Next(50) + (20 * objects))];
                times.AddRange(next);
                batches[i] = Batch((CompressionType)random.Next(4), next);
                if (random.Next(5) == 0)
                    RecordBatchHeader.SetMaxTimestamp(batches[i], next.Max() + random.Next(300));
            }
            await WriteAsync(batches);
        }
        for (int start = 0; start < times.Count; start += random.Next(1, 20))
        {
            await DeleteBeforeAsync(start);
            for (long time = 0; time < 320; time += random.Next(1, 12))
            {
                int expected = times.FindIndex(start, found => found >= time);
                Assert.Equal(expected < 0 ? null : new TimestampedOffset(expected, times[expected]), await FindAsync(time));
            }
            int latest = times.FindIndex(start, found => found == times.Skip(start).Max());
            Assert.Equal(new TimestampedOffset(latest, times[latest]), await FindAsync(Latest));
        }
    }

    private static byte[] Batch(CompressionType codec, params ReadOnlySpan<long> times)
    {
        var builder = new RecordBatchBuilder { Codec = codec };
        foreach (long time in times)
            builder.Append(time, null, [1]);
        return builder.Build();
    }

    private Task WriteAsync(params byte[][] batches) => _commits.WriteAsync([.. batches.Select(batch => (_partition, batch))]);

    private async Task<TimestampedOffset?> FindAsync(long timestamp)
    {
        (ErrorCode error, TimestampedOffset? found) =
            await _world.ColdPlanner().FindTimestampAsync(_partition, timestamp, CancellationToken.None);
        Assert.Equal(ErrorCode.None, error);
        return found;
    }

    private async Task DeleteBeforeAsync(long offset)
    {
        DeleteRecordsReply reply = await _world.Region.SequencerOf(_partition).AskAsync<DeleteRecordsReply>(
            answer => new SequencerMessage.DeleteRecords(_partition, offset, answer), StreamsWorld.Patience, CancellationToken.None);
        Assert.Equal(new DeleteRecordsReply(ErrorCode.None, offset), reply);
    }
}
