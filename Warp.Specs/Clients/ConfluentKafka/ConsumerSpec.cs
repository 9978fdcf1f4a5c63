using System.Diagnostics;
using System.Text;
using Confluent.Kafka;
using Xunit;

namespace Warp.Specs.Clients.ConfluentKafka;

public sealed class ConsumerSpec(NodeFixture fixture, ITestOutputHelper output) : IClassFixture<NodeFixture>
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);
    private static readonly DateTime _epoch = new(2026, 1, 1, 0, 0, 0, DateTimeKind.Utc);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_consumer_begins_where_it_is_told_and_can_go_anywhere()
    {
        await WriteAsync("seek", 100);
        using var consumer = fixture.Consumer(static config => config.EnablePartitionEof = true);
        consumer.Assign(new TopicPartitionOffset("seek", 0, 40));
        Assert.Equal(40, NodeFixture.Next(consumer).Offset.Value);
        foreach (long offset in (long[])[0, 99, 50])
        {
            consumer.Seek(new TopicPartitionOffset("seek", 0, offset));
            Assert.Equal($"{offset}", Text(NodeFixture.Next(consumer)));
        }
        consumer.Seek(new TopicPartitionOffset("seek", 0, Offset.End));
        var end = NodeFixture.Next(consumer);
        Assert.True(end.IsPartitionEOF);
        Assert.Equal(100, end.Offset.Value);
    }

    [Fact]
    public async Task The_ends_of_a_partition_are_known()
    {
        await WriteAsync("ends", 25);
        using var consumer = fixture.Consumer();
        var partition = new TopicPartition("ends", 0);
        AssertEnds(consumer.QueryWatermarkOffsets(partition, _patience), 0, 25);
        using (var admin = fixture.Admin())
            await admin.DeleteRecordsAsync([new TopicPartitionOffset(partition, 10)]);
        AssertEnds(consumer.QueryWatermarkOffsets(partition, _patience), 10, 25);
        consumer.Assign(new TopicPartitionOffset(partition, Offset.Beginning));
        Assert.Equal(10, NodeFixture.Next(consumer).Offset.Value);
        AssertEnds(consumer.GetWatermarkOffsets(partition), 10, 25);

        static void AssertEnds(WatermarkOffsets ends, long low, long high) => Assert.Equal((low, high), (ends.Low.Value, ends.High.Value));
    }

    [Theory]
    [InlineData(CompressionType.None)]
    [InlineData(CompressionType.Zstd)]
    public async Task An_offset_is_found_for_a_time(CompressionType codec)
    {
        string topic = $"times-{codec}";
        await WriteAsync(topic, 100, codec);
        using var consumer = fixture.Consumer();
        long OffsetFor(double seconds) => consumer.OffsetsForTimes(
            [new TopicPartitionTimestamp(topic, 0, new Timestamp(_epoch.AddSeconds(seconds)))], _patience)[0].Offset.Value;
        Assert.Equal(0, OffsetFor(-1000));
        Assert.Equal(0, OffsetFor(0));
        Assert.Equal(43, OffsetFor(42.5));
        Assert.Equal(99, OffsetFor(99));
        Assert.Equal(Offset.End.Value, OffsetFor(99.5));

        // Records below the log start are not found any more, whatever their times.
        using (var admin = fixture.Admin())
            await admin.DeleteRecordsAsync([new TopicPartitionOffset(topic, 0, 60)]);
        Assert.Equal(60, OffsetFor(42.5));
    }

    [Fact]
    public async Task An_offset_is_found_behind_records_that_are_deleted_though_they_are_the_latest()
    {
        await fixture.CreateAsync("times-falling");
        using (var producer = fixture.Producer(static config => config.LingerMs = 100))
        {
            // One batch whose first record has the latest time of all, then another.
            double[] falling = [1000, 1, 2];
            await Task.WhenAll(falling.Select(seconds => producer.ProduceAsync("times-falling", At(seconds), Cancellation)));
            await producer.ProduceAsync("times-falling", At(500), Cancellation);
        }
        using (var admin = fixture.Admin())
            await admin.DeleteRecordsAsync([new TopicPartitionOffset("times-falling", 0, 1)]);
        using var consumer = fixture.Consumer();
        var found = consumer.OffsetsForTimes([new TopicPartitionTimestamp("times-falling", 0, At(400).Timestamp)], _patience);
        Assert.Equal(3, found[0].Offset.Value);
    }

    [Fact]
    public async Task Several_partitions_are_read_while_they_are_written()
    {
        const int Partitions = 5;
        const int Count = 1000;
        await fixture.CreateAsync("live", Partitions);
        using var consumer = fixture.Consumer();
        consumer.Assign(Enumerable.Range(0, Partitions).Select(static n => new TopicPartitionOffset("live", n, Offset.Beginning)));
        using var producer = fixture.Producer();
        var writing = Task.Run(
            async () =>
            {
                for (int n = 0; n < Count; n += 100)
                {
                    await Task.WhenAll(Enumerable.Range(n, 100).Select(
                        i => producer.ProduceAsync(new TopicPartition("live", i % Partitions), Value($"{i}"), Cancellation)));
                }
            },
            Cancellation);
        var read = Enumerable.Range(0, Count).Select(_ => NodeFixture.Next(consumer)).ToList();
        await writing;
        foreach (var partition in read.GroupBy(static record => record.Partition.Value))
        {
            var written = Enumerable.Range(0, Count).Where(n => n % Partitions == partition.Key).Select(static n => $"{n}");
            Assert.Equal(written, partition.Select(Text));
            Assert.Equal(Enumerable.Range(0, Count / Partitions), partition.Select(static record => (int)record.Offset.Value));
        }
    }

    /// <summary>The polls would take 20 s: what comes sooner has woken them.</summary>
    [Fact]
    public async Task A_long_poll_wakes_when_a_record_comes()
    {
        const int PollMs = 20_000;
        await fixture.CreateAsync("poll", 2);
        using var consumer = fixture.Consumer(static config => (config.FetchWaitMaxMs, config.SocketTimeoutMs) = (PollMs, 60_000));
        consumer.Assign([new TopicPartitionOffset("poll", 0, Offset.Beginning), new TopicPartitionOffset("poll", 1, Offset.Beginning)]);
        Assert.Null(consumer.Consume(TimeSpan.FromSeconds(1)));
        using var producer = fixture.Producer();
        // The client may have asked for one of the partitions before it knew the offset of the other. Then it asks for both from now on.
        for (int partition = 0; partition < 2; partition++)
            await producer.ProduceAsync(new TopicPartition("poll", partition), Value("warm"), Cancellation);
        for (int partition = 0; partition < 2; partition++)
            NodeFixture.Next(consumer);
        var latencies = new List<double>();
        for (int n = 0; n < 10; n++)
        {
            long sent = Stopwatch.GetTimestamp();
            await producer.ProduceAsync(new TopicPartition("poll", n % 2), Value($"{n}"), Cancellation);
            Assert.Equal($"{n}", Text(NodeFixture.Next(consumer)));
            latencies.Add(Stopwatch.GetElapsedTime(sent).TotalMilliseconds);
        }
        output.WriteLine($"end to end, ms: {string.Join(", ", latencies.Select(static ms => ms.ToString("F0")))}");
        Assert.InRange(latencies.Max(), 0, PollMs / 2);
    }

    [Fact]
    public async Task A_record_larger_than_a_fetch_may_be_is_read_all_the_same()
    {
        TopicPartition[] partitions = [new("larger-than-fetch", 0), new("larger-than-fetch", 1)];
        await fixture.CreateAsync("larger-than-fetch", 2);
        using (var producer = fixture.Producer())
        {
            for (int n = 0; n < 6; n++)
                await producer.ProduceAsync(partitions[n % 2], new() { Value = new byte[300_000 + n] }, Cancellation);
        }
        using var consumer = fixture.Consumer(static config =>
            (config.MaxPartitionFetchBytes, config.FetchMaxBytes, config.MessageMaxBytes) = (1000, 1000, 1000));
        consumer.Assign(partitions.Select(static partition => new TopicPartitionOffset(partition, Offset.Beginning)));
        Assert.Equal(
            Enumerable.Range(0, 6).Select(static n => 300_000 + n),
            Enumerable.Range(0, 6).Select(_ => NodeFixture.Next(consumer).Message.Value!.Length).Order());
    }

    [Fact]
    public async Task An_offset_that_is_not_there_resets_the_consumer_as_it_wishes()
    {
        await WriteAsync("reset", 5);
        foreach (long nowhere in (long[])[1000, 6])
        {
            using var patient = fixture.Consumer(static config => config.AutoOffsetReset = AutoOffsetReset.Earliest);
            patient.Assign(new TopicPartitionOffset("reset", 0, nowhere));
            Assert.Equal(0, NodeFixture.Next(patient).Offset.Value);
        }
        using var strict = fixture.Consumer(static config => config.AutoOffsetReset = AutoOffsetReset.Error);
        strict.Assign(new TopicPartitionOffset("reset", 0, 1000));
        var failure = Assert.Throws<ConsumeException>(() => NodeFixture.Next(strict));
        Assert.Equal(ErrorCode.Local_AutoOffsetReset, failure.Error.Code);
    }

    [Fact]
    public async Task A_partition_can_be_paused()
    {
        await WriteAsync("pause", 10);
        using var consumer = fixture.Consumer();
        var partition = new TopicPartition("pause", 0);
        consumer.Assign(new TopicPartitionOffset(partition, Offset.Beginning));
        Assert.Equal(0, NodeFixture.Next(consumer).Offset.Value);
        consumer.Pause([partition]);
        Assert.Null(consumer.Consume(TimeSpan.FromMilliseconds(500)));
        consumer.Resume([partition]);
        Assert.Equal(1, NodeFixture.Next(consumer).Offset.Value);
    }

    [Theory]
    [InlineData(IsolationLevel.ReadCommitted)]
    [InlineData(IsolationLevel.ReadUncommitted)]
    public async Task Both_isolation_levels_read_what_is_not_in_a_transaction(IsolationLevel level)
    {
        string topic = $"isolation-{level}";
        await WriteAsync(topic, 10);
        using var consumer = fixture.Consumer(config => config.IsolationLevel = level);
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
        for (int n = 0; n < 10; n++)
            Assert.Equal($"{n}", Text(NodeFixture.Next(consumer)));
    }

    /// <summary>Makes a topic with numbers in it, a second apart, in a few batches.</summary>
    private async Task WriteAsync(string topic, int count, CompressionType codec = CompressionType.None)
    {
        await fixture.CreateAsync(topic);
        using var producer = fixture.Producer(
            config => (config.CompressionType, config.LingerMs, config.BatchNumMessages) = (codec, 50, 30));
        await Task.WhenAll(Enumerable.Range(0, count).Select(n => producer.ProduceAsync(topic, At(n), Cancellation)));
    }

    private static Message<byte[]?, byte[]?> At(double seconds) => new()
    {
        Value = Encoding.UTF8.GetBytes($"{seconds}"),
        Timestamp = new Timestamp(_epoch.AddSeconds(seconds), TimestampType.CreateTime),
    };

    private static Message<byte[]?, byte[]?> Value(string text) => new() { Value = Encoding.UTF8.GetBytes(text) };

    private static string Text(ConsumeResult<byte[]?, byte[]?> record) => Encoding.UTF8.GetString(record.Message.Value!);
}
