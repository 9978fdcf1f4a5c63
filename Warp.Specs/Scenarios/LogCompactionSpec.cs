using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>A compacted topic on a real node: what a consumer that comes late finds in it.</summary>
public sealed class LogCompactionSpec(ITestOutputHelper output)
{
    private const string Topic = "balances";
    private const int Partitions = 4;
    private const int Keys = 10_000;
    private static readonly int s_updates = TestRun.IsLong ? 1_000_000 : 100_000;
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    [Fact]
    public async Task A_late_consumer_sees_the_last_value_of_every_key_and_deleted_keys_vanish()
    {
        var random = new Random(TestRun.TakeSeed());
        await using WarpProcess node = await WarpProcess.StartAsync("warp.log-compaction.interval=500ms", "warp.log-compaction.min-dirty-bytes=0");
        using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = node.Bootstrap }).Build();
        await admin.CreateTopicsAsync(
        [
            new TopicSpecification
            {
                Name = Topic,
                NumPartitions = Partitions,
                ReplicationFactor = 1,
                Configs = new() { ["cleanup.policy"] = "compact", ["delete.retention.ms"] = "1000", ["min.cleanable.dirty.ratio"] = "0.01" },
            },
        ]);
        var last = new Dictionary<string, (int Partition, long Offset, string? Value)>();
        var config = new ProducerConfig { BootstrapServers = node.Bootstrap, LingerMs = 20, CompressionType = CompressionType.Zstd };
        using (IProducer<string, string?> producer = new ProducerBuilder<string, string?>(config).SetValueSerializer(Serializers.Utf8!).Build())
        {
            // Every key once more at the end, a tenth of them with a tombstone.
            for (int i = 0; i < s_updates; i++)
                Produce(producer, $"key-{random.Next(Keys)}", $"{i}");
            for (int key = 0; key < Keys; key++)
                Produce(producer, $"key-{key}", key % 10 == 0 ? null : $"last of {key}");
            producer.Flush(s_patience);
        }
        Assert.Equal(Keys, last.Count);
        var living = last.Where(static entry => entry.Value.Value is not null).ToDictionary();

        int before = Read(node).Count;
        await Wait.UntilAsync(() => Read(node).Count == living.Count, s_patience, "all but the last records to go, and the tombstones");
        output.WriteLine($"{s_updates + Keys} records produced, {before} read at first, {living.Count} keys left");
        Assert.Equal(living, LastOf(Read(node)));
        // Where a consumer has committed an offset, it finds the same record as before.
        using IConsumer<string, string?> consumer = Consumer(node);
        foreach ((string key, (int partition, long offset, string? value)) in living.OrderBy(_ => random.Next()).Take(20))
        {
            consumer.Assign(new TopicPartitionOffset(Topic, partition, offset));
            ConsumeResult<string, string?>? found = consumer.Consume(s_patience);
            Assert.Equal((key, value, offset), (found.Message.Key, found.Message.Value, found.Offset.Value));
        }

        void Produce(IProducer<string, string?> producer, string key, string? value)
        {
            while (true)
            {
                try
                {
                    producer.Produce(Topic, new Message<string, string?> { Key = key, Value = value }, report =>
                    {
                        lock (last)
                        {
                            if (!last.TryGetValue(key, out var known) || known.Offset < report.Offset.Value)
                                last[key] = (report.Partition.Value, report.Offset.Value, value);
                        }
                    });
                    return;
                }
                catch (ProduceException<string, string?> full) when (full.Error.Code == ErrorCode.Local_QueueFull)
                {
                    producer.Flush(TimeSpan.FromMilliseconds(100));
                }
            }
        }
    }

    private static Dictionary<string, (int Partition, long Offset, string? Value)> LastOf(
        IEnumerable<ConsumeResult<string, string?>> read)
    {
        var last = new Dictionary<string, (int, long, string?)>();
        foreach (ConsumeResult<string, string?> record in read)
            last[record.Message.Key] = (record.Partition.Value, record.Offset.Value, record.Message.Value);
        return last;
    }

    /// <summary>Reads the topic from its start to its end, as a consumer that has never been there.</summary>
    private static List<ConsumeResult<string, string?>> Read(WarpProcess node)
    {
        using IConsumer<string, string?> consumer = Consumer(node);
        consumer.Assign(Enumerable.Range(0, Partitions).Select(static i => new TopicPartitionOffset(Topic, i, Offset.Beginning)));
        var read = new List<ConsumeResult<string, string?>>();
        for (int ended = 0; ended < Partitions;)
        {
            ConsumeResult<string, string?> result = consumer.Consume(s_patience) ?? throw new TimeoutException("The end of the topic is not reached.");
            if (result.IsPartitionEOF)
                ended++;
            else
                read.Add(result);
        }
        return read;
    }

    private static IConsumer<string, string?> Consumer(WarpProcess node) => new ConsumerBuilder<string, string?>(new ConsumerConfig
    {
        BootstrapServers = node.Bootstrap, GroupId = "none", EnableAutoCommit = false, EnablePartitionEof = true, CheckCrcs = true,
    }).SetValueDeserializer(NullableUtf8.Instance).Build();

    private sealed class NullableUtf8 : IDeserializer<string?>
    {
        public static readonly NullableUtf8 Instance = new();

        public string? Deserialize(ReadOnlySpan<byte> data, bool isNull, SerializationContext context) =>
            isNull ? null : System.Text.Encoding.UTF8.GetString(data);
    }
}
