using System.Collections.Concurrent;
using Confluent.Kafka;
using Warp.Specs.Chaos;

namespace Warp.Specs.Scenarios;

/// <summary>
/// A consumer that reads the values of a history from the beginning of a topic, and goes on as more are written, until disposed.
/// </summary>
public sealed class Tail : IDisposable
{
    private readonly IConsumer<Null, string> _consumer;
    private readonly ConcurrentQueue<ReadRecord> _records = new();
    private readonly ConcurrentQueue<Error> _errors = new();
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _reading;
    private int _disposed;

    public Tail(string bootstrap, string topic, int partitions)
    {
        var config = new ConsumerConfig { BootstrapServers = bootstrap, GroupId = "tail", EnableAutoCommit = false, CheckCrcs = true };
        _consumer = new ConsumerBuilder<Null, string>(config)
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, error) => _errors.Enqueue(error))
            .Build();
        _consumer.Assign(Enumerable.Range(0, partitions).Select(partition => new TopicPartitionOffset(topic, partition, Offset.Beginning)));
        _reading = Task.Run(Read);
    }

    /// <summary>How many have been read so far.</summary>
    public int Count => _records.Count;

    /// <summary>What has been read so far.</summary>
    public IReadOnlyCollection<ReadRecord> Records => _records;

    /// <summary>What the client has complained about.</summary>
    public IReadOnlyCollection<Error> Errors => _errors;

    public void Dispose()
    {
        if (Interlocked.Exchange(ref _disposed, 1) != 0)
            return;
        _stopping.Cancel();
        _reading.Wait();
        _consumer.Dispose();
        _stopping.Dispose();
    }

    private void Read()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                if (_consumer.Consume(TimeSpan.FromMilliseconds(100)) is { } result)
                    _records.Enqueue(new ReadRecord(result.Partition, result.Offset, HistoryValue.Parse(result.Message.Value)));
            }
            catch (ConsumeException failure)
            {
                _errors.Enqueue(failure.Error);
            }
        }
    }
}
