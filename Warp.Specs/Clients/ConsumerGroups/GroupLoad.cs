using System.Collections.Concurrent;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Warp.Specs.Clients.ConsumerGroups;

/// <summary>A topic under steady load, and which of its records a group has seen how often. Thread-safe.</summary>
internal sealed class GroupLoad : IAsyncDisposable
{
    public const int PartitionCount = 12;

    private readonly IProducer<Null, string> _producer;
    private readonly ConcurrentDictionary<(int Partition, long Offset), bool> _delivered = new();
    private readonly ConcurrentDictionary<(int Partition, long Offset), int> _seen = new();
    private readonly long[] _ends = new long[PartitionCount];
    private readonly long[] _highestSeen = new long[PartitionCount];
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _run;

    private GroupLoad(string bootstrap, string topic)
    {
        Topic = topic;
        Array.Fill(_highestSeen, -1);
        var config = new ProducerConfig { BootstrapServers = bootstrap, EnableIdempotence = true, LingerMs = 5 };
        _producer = new ProducerBuilder<Null, string>(config)
            .SetLogHandler(static (_, _) => { })
            .SetErrorHandler(static (_, _) => { })
            .Build();
        _run = Task.Run(ProduceAsync);
    }

    public string Topic { get; }

    /// <summary>How many records are durable.</summary>
    public int DeliveredCount => _delivered.Count;

    /// <summary>Records that were delivered and have not been seen.</summary>
    public IReadOnlyList<(int Partition, long Offset)> Missed => [.. _delivered.Keys.Where(record => !_seen.ContainsKey(record)).Order()];

    /// <summary>Records that were seen more than once.</summary>
    public IReadOnlyList<(int Partition, long Offset)> Doubled =>
        [.. _seen.Where(static entry => entry.Value > 1).Select(static entry => entry.Key).Order()];

    /// <summary>The offset after the last durable record of each partition.</summary>
    public long[] Ends => [.. _ends.Select(static (_, i) => i).Select(i => Volatile.Read(ref _ends[i]))];

    /// <summary>Makes the topic and starts to write.</summary>
    public static async Task<GroupLoad> StartAsync(string bootstrap, string topic = "load")
    {
        using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).Build();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = PartitionCount, ReplicationFactor = 1 }]);
        return new GroupLoad(bootstrap, topic);
    }

    /// <summary>Whether a record at or beyond these offsets has been seen in each partition.</summary>
    public bool HasPassed(long[] ends) => ends.Select((end, i) => Volatile.Read(ref _highestSeen[i]) >= end).All(static passed => passed);

    public void Seen(TopicPartitionOffset record) => Seen(record.Partition.Value, record.Offset.Value);

    public void Seen(int partition, long offset)
    {
        _seen.AddOrUpdate((partition, offset), 1, static (_, count) => count + 1);
        InterlockedMax(ref _highestSeen[partition], offset);
    }

    /// <summary>Writes no more; all that was written is delivered.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync();
        await _run;
        _producer.Flush(TimeSpan.FromSeconds(60));
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _producer.Dispose();
        _stopping.Dispose();
    }

    private static void InterlockedMax(ref long place, long value)
    {
        for (long old = Volatile.Read(ref place); old < value;)
        {
            long found = Interlocked.CompareExchange(ref place, value, old);
            if (found == old)
                return;
            old = found;
        }
    }

    private async Task ProduceAsync()
    {
        for (int n = 0; !_stopping.IsCancellationRequested; n++)
        {
            try
            {
                _producer.Produce(new TopicPartition(Topic, n % PartitionCount), new Message<Null, string> { Value = $"{n}" }, Delivered);
            }
            catch (ProduceException<Null, string> error) when (error.Error.Code == ErrorCode.Local_QueueFull)
            {
                // The node is away; the producer keeps what it has.
            }
            await Task.Delay(TimeSpan.FromMilliseconds(5));
        }
    }

    private void Delivered(DeliveryReport<Null, string> report)
    {
        if (report.Error.Code != ErrorCode.NoError)
            return;
        _delivered[(report.Partition.Value, report.Offset.Value)] = true;
        InterlockedMax(ref _ends[report.Partition.Value], report.Offset.Value + 1);
    }
}
