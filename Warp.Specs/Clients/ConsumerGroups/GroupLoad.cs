using System.Collections.Concurrent;
using Confluent.Kafka;
using Confluent.Kafka.Admin;

namespace Warp.Specs.Clients.ConsumerGroups;

/// <summary>A topic under steady load, and which of its records a group has seen how often. Thread-safe.</summary>
internal sealed class GroupLoad : IAsyncDisposable
{
    public const string Topic = "load";
    public const int PartitionCount = 12;

    private readonly IProducer<Null, string> _producer;
    private readonly ConcurrentDictionary<(int Partition, long Offset), bool> _delivered = new();
    private readonly ConcurrentDictionary<(int Partition, long Offset), int> _seen = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _run;

    private GroupLoad(string bootstrap)
    {
        var config = new ProducerConfig { BootstrapServers = bootstrap, EnableIdempotence = true, LingerMs = 5 };
        _producer = new ProducerBuilder<Null, string>(config)
            .SetLogHandler(static (_, _) => { })
            .SetErrorHandler(static (_, _) => { })
            .Build();
        _run = Task.Run(ProduceAsync);
    }

    /// <summary>How many records are durable.</summary>
    public int DeliveredCount => _delivered.Count;

    /// <summary>Records that were delivered and have not been seen.</summary>
    public IReadOnlyList<(int Partition, long Offset)> Missed => [.. _delivered.Keys.Where(record => !_seen.ContainsKey(record)).Order()];

    /// <summary>Records that were seen more than once.</summary>
    public IEnumerable<(int Partition, long Offset)> Doubled =>
        _seen.Where(static entry => entry.Value > 1).Select(static entry => entry.Key).Order();

    /// <summary>Makes the topic and starts to write.</summary>
    public static async Task<GroupLoad> StartAsync(string bootstrap)
    {
        using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).Build();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = Topic, NumPartitions = PartitionCount, ReplicationFactor = 1 }]);
        return new GroupLoad(bootstrap);
    }

    /// <summary>Whether all of these have been seen.</summary>
    public bool HasSeen(IReadOnlyList<(int Partition, long Offset)> records) => records.All(_seen.ContainsKey);

    public void Seen(TopicPartitionOffset record) =>
        _seen.AddOrUpdate((record.Partition.Value, record.Offset.Value), 1, static (_, count) => count + 1);

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

    private async Task ProduceAsync()
    {
        for (int n = 0; !_stopping.IsCancellationRequested; n++)
        {
            try
            {
                _producer.Produce(new TopicPartition(Topic, n % PartitionCount), new Message<Null, string> { Value = $"{n}" }, report =>
                {
                    if (report.Error.Code == ErrorCode.NoError)
                        _delivered[(report.Partition.Value, report.Offset.Value)] = true;
                });
            }
            catch (ProduceException<Null, string> error) when (error.Error.Code == ErrorCode.Local_QueueFull)
            {
                // The node is away; the producer keeps what it has.
            }
            await Task.Delay(TimeSpan.FromMilliseconds(5));
        }
    }
}
