using System.Diagnostics;
using Confluent.Kafka;

namespace Warp.Specs.Chaos;

/// <summary>
/// One idempotent producer (acks=all) that writes at a steady rate, round robin to every partition of a topic, from its making until
/// <see cref="StopAsync"/>. All that it does and is told goes into a history.
/// </summary>
public sealed class ProducerLoad : IAsyncDisposable
{
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(10);
    private static readonly string _padding = new('.', 100);

    private readonly string _topic;
    private readonly int _partitions;
    private readonly int _producer;
    private readonly History _history;
    private readonly IProducer<Null, string> _client;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _writing;
    private volatile string? _fatalError;
    private long _slowestTicks;

    /// <param name="bootstrap">Where to connect to.</param>
    /// <param name="topic">To write to; it exists.</param>
    /// <param name="partitions">How many it has.</param>
    /// <param name="history">Where everything is recorded.</param>
    /// <param name="producer">Which producer of the history this is.</param>
    /// <param name="recordsPerSecond">Over all partitions; at least 100.</param>
    /// <param name="clientId">Its <c>client.id</c>; null: the client's own.</param>
    public ProducerLoad(
        string bootstrap, string topic, int partitions, History history, int producer = 0, int recordsPerSecond = 2000, string? clientId = null)
    {
        (_topic, _partitions, _history, _producer) = (topic, partitions, history, producer);
        var config = new ProducerConfig
        {
            BootstrapServers = bootstrap,
            EnableIdempotence = true,
            Acks = Acks.All,
            // A node that was killed is back within a second or two: to try again late would only make the test longer.
            ReconnectBackoffMs = 50,
            ReconnectBackoffMaxMs = 250,
        };
        if (clientId is not null)
            config.ClientId = clientId;
        _client = new ProducerBuilder<Null, string>(config)
            .SetLogHandler((_, _) => { })
            .SetErrorHandler((_, error) => _fatalError ??= error.IsFatal ? error.Reason : null)
            .Build();
        _writing = Task.Run(() => WriteAsync((int)(recordsPerSecond * _tick.TotalSeconds)));
    }

    /// <summary>Why the client has given up altogether; null if it has not.</summary>
    public string? FatalError => _fatalError;

    /// <summary>The longest time from a value to its acknowledgement, of those that were acknowledged since this was last asked.</summary>
    public TimeSpan TakeSlowest() => TimeSpan.FromTicks(Interlocked.Exchange(ref _slowestTicks, 0));

    /// <summary>Writes no more, and waits until every value is acknowledged or has failed.</summary>
    /// <exception cref="TimeoutException">The last of them still has no answer.</exception>
    public async Task StopAsync(TimeSpan timeout)
    {
        await _stopping.CancelAsync();
        await _writing;
        int unanswered = await Task.Run(() => _client.Flush(timeout));
        if (unanswered > 0)
            throw new TimeoutException($"no answer to {unanswered} values after {timeout.TotalSeconds} s; fatal: {_fatalError ?? "no"}");
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _writing;
        _client.Dispose();
        _stopping.Dispose();
    }

    private async Task WriteAsync(int recordsPerTick)
    {
        using var timer = new PeriodicTimer(_tick);
        for (int partition = 0; !_stopping.IsCancellationRequested && _fatalError is null;)
        {
            for (int i = 0; i < recordsPerTick; i++, partition = (partition + 1) % _partitions)
                Write(_history.Next(_producer, partition));
            try
            {
                await timer.WaitForNextTickAsync(_stopping.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
        }
    }

    private void Write(HistoryValue value)
    {
        long writtenAt = Stopwatch.GetTimestamp();
        try
        {
            _client.Produce(new TopicPartition(_topic, value.Partition), new() { Value = $"{value} {_padding}" }, report =>
            {
                if (report.Error.IsError)
                {
                    _history.Fail(value, report.Error.ToString());
                    return;
                }
                // Reports come on one thread.
                _slowestTicks = Math.Max(_slowestTicks, Stopwatch.GetElapsedTime(writtenAt).Ticks);
                _history.Acknowledge(value, report.Offset);
            });
        }
        catch (ProduceException<Null, string> refused)
        {
            // The client's queue is full while the node is away, or the client has given up: either way it has not taken the value.
            _history.Fail(value, refused.Error.ToString());
        }
    }
}
