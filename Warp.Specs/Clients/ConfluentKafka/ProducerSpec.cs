using System.Text;
using Confluent.Kafka;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Clients.ConfluentKafka;

public sealed class ProducerSpec(NodeFixture fixture) : IClassFixture<NodeFixture>
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(CompressionType.None)]
    [InlineData(CompressionType.Gzip)]
    [InlineData(CompressionType.Snappy)]
    [InlineData(CompressionType.Lz4)]
    [InlineData(CompressionType.Zstd)]
    public async Task Keys_values_headers_and_times_come_back_as_they_were(CompressionType codec)
    {
        const int Count = 500;
        string topic = $"everything-{codec}";
        await fixture.CreateAsync(topic);
        using (var producer = fixture.Producer(config => (config.CompressionType, config.LingerMs) = (codec, 20)))
        {
            var deliveries = Enumerable.Range(0, Count).Select(n => producer.ProduceAsync(topic, Record(n), Cancellation)).ToList();
            var delivered = await Task.WhenAll(deliveries);
            Assert.Equal(Enumerable.Range(0, Count), delivered.Select(static delivery => (int)delivery.Offset.Value));
            Assert.All(delivered, static delivery => Assert.Equal(PersistenceStatus.Persisted, delivery.Status));
        }
        var read = fixture.Read(topic, Count);
        for (int n = 0; n < Count; n++)
        {
            var (wanted, found) = (Record(n), read[n].Message);
            Assert.Equal(n, read[n].Offset.Value);
            Assert.Equal(wanted.Key, found.Key);
            Assert.Equal(wanted.Value, found.Value);
            Assert.Equal(wanted.Timestamp, found.Timestamp);
            Assert.Equal(wanted.Headers.Select(static h => (h.Key, Text(h))), found.Headers.Select(static h => (h.Key, Text(h))));
        }
    }

    [Theory]
    [InlineData(Acks.None)]
    [InlineData(Acks.Leader)]
    [InlineData(Acks.All)]
    public async Task Every_kind_of_acknowledgement_is_served(Acks acks)
    {
        string topic = $"acks-{acks}";
        await fixture.CreateAsync(topic);
        using var producer = fixture.Producer(config => config.Acks = acks);
        for (int n = 0; n < 10; n++)
        {
            var delivered = await producer.ProduceAsync(topic, Value($"{n}"), Cancellation);
            Assert.Equal(acks == Acks.None ? Offset.Unset : new Offset(n), delivered.Offset);
        }
        Assert.Equal(Enumerable.Range(0, 10).Select(static n => $"{n}"), fixture.Read(topic, 10).Select(Text));
    }

    [Fact]
    public async Task A_topic_can_have_the_time_of_the_append()
    {
        await fixture.CreateAsync("append-time", 1, ("message.timestamp.type", "LogAppendTime"));
        var before = DateTime.UtcNow;
        using (var producer = fixture.Producer(static config => (config.CompressionType, config.LingerMs) = (CompressionType.Lz4, 20)))
        {
            var old = new Timestamp(DateTime.UtcNow.AddDays(-2));
            var delivered = await Task.WhenAll(Enumerable.Range(0, 3).Select(n => producer.ProduceAsync(
                "append-time", new() { Value = [(byte)n], Timestamp = old }, Cancellation)));
            Assert.All(delivered, delivery => Assert.Equal(TimestampType.LogAppendTime, delivery.Timestamp.Type));
        }
        foreach (var record in fixture.Read("append-time", 3))
        {
            Assert.Equal(TimestampType.LogAppendTime, record.Message.Timestamp.Type);
            Assert.InRange(record.Message.Timestamp.UtcDateTime, before.AddSeconds(-1), DateTime.UtcNow.AddSeconds(1));
        }
    }

    [Fact]
    public async Task Times_that_the_topic_does_not_allow_are_refused()
    {
        await fixture.CreateAsync(
            "narrow-time", 1, ("message.timestamp.before.max.ms", "60000"), ("message.timestamp.after.max.ms", "60000"));
        using var producer = fixture.Producer();
        foreach (int minutes in (int[])[-5, 5])
        {
            var refused = await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(() => producer.ProduceAsync(
                "narrow-time", new() { Value = [1], Timestamp = new Timestamp(DateTime.UtcNow.AddMinutes(minutes)) }, Cancellation));
            Assert.Equal(ErrorCode.InvalidTimestamp, refused.Error.Code);
        }
        Assert.Equal(0, (await producer.ProduceAsync("narrow-time", Value("now"), Cancellation)).Offset.Value);
    }

    [Fact]
    public async Task Large_empty_and_missing_values_are_kept_apart()
    {
        await fixture.CreateAsync("sizes");
        var large = new byte[900_000];
        new Random(1).NextBytes(large);
        byte[]?[] values = [large, [], null, [0], large];
        using (var producer = fixture.Producer())
        {
            foreach (byte[]? value in values)
                await producer.ProduceAsync("sizes", new() { Key = value?.Length > 1 ? null : value, Value = value }, Cancellation);
        }
        var read = fixture.Read("sizes", values.Length);
        Assert.Equal(values, read.Select(static record => record.Message.Value));
        Assert.Equal(values.Select(static value => value?.Length > 1 ? null : value), read.Select(static record => record.Message.Key));
    }

    [Fact]
    public async Task A_record_that_is_too_large_is_refused_by_name()
    {
        await fixture.CreateAsync("small", 1, ("max.message.bytes", "100000"));
        using var producer = fixture.Producer(static config => config.MessageMaxBytes = 5_000_000);
        foreach (var (topic, size) in new[] { ("small", 200_000), ("small", 2_000_000) })
        {
            var refused = await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(
                () => producer.ProduceAsync(topic, new() { Value = new byte[size] }, Cancellation));
            Assert.Equal(ErrorCode.MsgSizeTooLarge, refused.Error.Code);
        }
        Assert.Equal(0, (await producer.ProduceAsync("small", Value("fits"), Cancellation)).Offset.Value);
    }

    [Fact]
    public async Task An_idempotent_producer_with_five_in_flight_keeps_its_order()
    {
        const int Count = 3000;
        const int Partitions = 3;
        await fixture.CreateAsync("idempotent", Partitions);
        using (var producer = fixture.Producer(static config =>
            (config.EnableIdempotence, config.MaxInFlight, config.Acks, config.BatchNumMessages) = (true, 5, Acks.All, 20)))
        {
            var deliveries = Enumerable.Range(0, Count).Select(
                n => producer.ProduceAsync(new TopicPartition("idempotent", n % Partitions), Value($"{n}"), Cancellation)).ToList();
            var delivered = await Task.WhenAll(deliveries);
            foreach (var partition in delivered.GroupBy(static delivery => delivery.Partition.Value))
                Assert.Equal(Enumerable.Range(0, Count / Partitions), partition.Select(static delivery => (int)delivery.Offset.Value));
        }
        for (int partition = 0; partition < Partitions; partition++)
        {
            Assert.Equal(
                Enumerable.Range(0, Count).Where(n => n % Partitions == partition).Select(static n => $"{n}"),
                fixture.Read("idempotent", Count / Partitions, partition).Select(Text));
        }
    }

    [Fact]
    public async Task A_compacted_topic_wants_keys()
    {
        await fixture.CreateAsync("compacted", 1, ("cleanup.policy", "compact"));
        using var producer = fixture.Producer(static config => config.CompressionType = CompressionType.Zstd);
        var refused = await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(
            () => producer.ProduceAsync("compacted", Value("no key"), Cancellation));
        Assert.Equal(ErrorCode.InvalidRecord, refused.Error.Code);
        await producer.ProduceAsync("compacted", new() { Key = [1], Value = [2] }, Cancellation);
        await producer.ProduceAsync("compacted", new() { Key = [1], Value = null }, Cancellation);
        Assert.Equal([[2], null], fixture.Read("compacted", 2).Select(static record => record.Message.Value));
    }

    [Fact]
    public async Task A_topic_comes_into_being_by_being_written_to_unless_that_is_switched_off()
    {
        using var producer = fixture.Producer();
        Assert.Equal(0, (await producer.ProduceAsync("by-itself", Value("first"), Cancellation)).Offset.Value);
        Assert.Equal(["first"], fixture.Read("by-itself", 1).Select(Text));

        await using var strict = await WarpProcess.StartAsync("warp.topic.auto-create=false");
        var impatient = new ProducerConfig { BootstrapServers = strict.Bootstrap, TopicMetadataPropagationMaxMs = 500 };
        using var refused = new ProducerBuilder<Null, string>(impatient).SetLogHandler(static (_, _) => { }).Build();
        var error = await Assert.ThrowsAsync<ProduceException<Null, string>>(
            () => refused.ProduceAsync("nowhere", new() { Value = "x" }, Cancellation));
        Assert.Contains(error.Error.Code, (ErrorCode[])[ErrorCode.UnknownTopicOrPart, ErrorCode.Local_UnknownTopic]);
    }

    [Fact]
    public async Task A_partition_that_is_not_there_is_an_error()
    {
        await fixture.CreateAsync("one-only");
        using var producer = fixture.Producer();
        var refused = await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(
            () => producer.ProduceAsync(new TopicPartition("one-only", 7), Value("x"), Cancellation));
        Assert.Equal(ErrorCode.Local_UnknownPartition, refused.Error.Code);
    }

    [Fact]
    public void Transactions_are_refused_at_once()
    {
        using var producer = fixture.Producer(static config => config.TransactionalId = "transactions-come-later");
        Assert.ThrowsAny<KafkaException>(() => producer.InitTransactions(TimeSpan.FromSeconds(10)));
    }

    private static Message<byte[]?, byte[]?> Record(int n)
    {
        var headers = new Headers { { "number", BitConverter.GetBytes(n) }, { "twice", [1] }, { "twice", [2] }, { "none", null } };
        var time = new DateTime(2026, 1, 2, 3, 4, 5, 678, DateTimeKind.Utc).AddMilliseconds(n);
        return new Message<byte[]?, byte[]?>
        {
            Key = n % 3 == 0 ? null : Encoding.UTF8.GetBytes($"key {n % 10}"),
            Value = Encoding.UTF8.GetBytes($"the value with the number {n}"),
            Headers = headers,
            Timestamp = new Timestamp(time, TimestampType.CreateTime),
        };
    }

    private static Message<byte[]?, byte[]?> Value(string text) => new() { Value = Encoding.UTF8.GetBytes(text) };

    private static string Text(ConsumeResult<byte[]?, byte[]?> record) => Encoding.UTF8.GetString(record.Message.Value!);

    private static string Text(IHeader header) => header.GetValueBytes() is { } bytes ? Convert.ToHexString(bytes) : "null";
}
