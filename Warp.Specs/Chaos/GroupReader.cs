using System.Collections.Concurrent;
using System.Diagnostics;
using Confluent.Kafka;

namespace Warp.Specs.Chaos;

/// <summary>
/// A consumer group that reads a history and commits what it has read, and somebody who looks all the time at what is committed. Collects what
/// must not be: offsets that go back, and errors that clients were told of.
/// </summary>
public sealed class GroupReader : IAsyncDisposable
{
    private static readonly TimeSpan s_poll = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan s_betweenCommits = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(5);

    private readonly string _bootstrap;
    private readonly string _topic;
    private readonly string _group;
    private readonly int _partitions;
    private readonly CancellationTokenSource _stopping = new();
    private readonly ConcurrentDictionary<HistoryValue, bool> _seen = new();
    private readonly ConcurrentQueue<string> _defects = new();
    private readonly ConcurrentQueue<string> _errors = new();
    private readonly Lock _gate = new();
    private readonly long[] _promised;
    private readonly Task[] _tasks;
    private int _looks;
    private int _commits;

    /// <param name="bootstrap">Where to connect to.</param>
    /// <param name="topic">To read.</param>
    /// <param name="partitions">How many it has.</param>
    /// <param name="members">How many consumers.</param>
    public GroupReader(string bootstrap, string topic, int partitions, int members)
    {
        (_bootstrap, _topic, _group, _partitions) = (bootstrap, topic, $"{topic}-readers", partitions);
        _promised = new long[partitions];
        _tasks = [.. Enumerable.Range(0, members).Select(member => Task.Run(() => Read(member))), Task.Run(Look)];
    }

    /// <summary>Offsets that went back, a line each.</summary>
    public IReadOnlyCollection<string> Defects => _defects;

    /// <summary>Values that a member has read.</summary>
    public IReadOnlyDictionary<HistoryValue, bool> Seen => _seen;

    /// <summary>How often it was looked at what is committed, and how often something was.</summary>
    public (int Looks, int Commits) Counts => (Volatile.Read(ref _looks), Volatile.Read(ref _commits));

    /// <summary>The errors that members have met since this was last asked.</summary>
    public IReadOnlyList<string> TakeErrors()
    {
        var taken = new List<string>();
        while (_errors.TryDequeue(out string? error))
            taken.Add(error);
        return taken;
    }

    public async ValueTask DisposeAsync()
    {
        if (!_stopping.IsCancellationRequested)
            await _stopping.CancelAsync();
        await Task.WhenAll(_tasks);
    }

    private IConsumer<Ignore, string> Client(string id) => new ConsumerBuilder<Ignore, string>(new ConsumerConfig
        {
            BootstrapServers = _bootstrap,
            GroupId = _group,
            ClientId = id,
            EnableAutoCommit = false,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            SessionTimeoutMs = 15_000,
            HeartbeatIntervalMs = 1000,
            ReconnectBackoffMs = 50,
            ReconnectBackoffMaxMs = 250,
        })
        .SetLogHandler(static (_, _) => { })
        .SetErrorHandler((_, error) =>
        {
            // That a connection has ended is no error that anybody has to do something about.
            if (error.Code is not (ErrorCode.Local_Transport or ErrorCode.Local_AllBrokersDown or ErrorCode.Local_Resolve))
                _errors.Enqueue($"{id}: {error}");
        })
        .Build();

    private void Read(int member)
    {
        using IConsumer<Ignore, string> consumer = Client($"reader-{member}");
        consumer.Subscribe(_topic);
        var read = new Dictionary<int, long>();
        long committedAt = Stopwatch.GetTimestamp();
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                if (consumer.Consume(s_poll) is { } result)
                {
                    _seen[HistoryValue.Parse(result.Message.Value)] = true;
                    read[result.Partition] = result.Offset + 1;
                }
                if (read.Count > 0 && Stopwatch.GetElapsedTime(committedAt) > s_betweenCommits)
                {
                    committedAt = Stopwatch.GetTimestamp();
                    HashSet<int> assigned = [.. consumer.Assignment.Select(static partition => partition.Partition.Value)];
                    TopicPartitionOffset[] offsets =
                    [
                        .. read.Where(entry => assigned.Contains(entry.Key)).Select(entry => new TopicPartitionOffset(_topic, entry.Key, entry.Value)),
                    ];
                    read.Clear();
                    if (offsets.Length > 0)
                        Commit(consumer, offsets);
                }
            }
            catch (KafkaException error)
            {
                _errors.Enqueue($"reader-{member}: {error.Error}");
            }
        }
    }

    private void Commit(IConsumer<Ignore, string> consumer, TopicPartitionOffset[] offsets)
    {
        consumer.Commit(offsets);
        Interlocked.Increment(ref _commits);
        lock (_gate)
        {
            foreach (TopicPartitionOffset offset in offsets)
                _promised[offset.Partition] = Math.Max(_promised[offset.Partition], offset.Offset);
        }
    }

    private void Look()
    {
        using IConsumer<Ignore, string> consumer = Client("looker");
        TopicPartition[] all = [.. Enumerable.Range(0, _partitions).Select(partition => new TopicPartition(_topic, partition))];
        while (!_stopping.IsCancellationRequested)
        {
            long[] before;
            lock (_gate)
                before = [.. _promised];
            try
            {
                foreach (TopicPartitionOffset found in consumer.Committed(all, s_patience))
                {
                    long offset = found.Offset.IsSpecial ? 0 : found.Offset.Value;
                    if (offset < before[found.Partition])
                        _defects.Enqueue($"partition {found.Partition.Value} had {before[found.Partition]} committed, and now {offset}");
                    lock (_gate)
                        _promised[found.Partition] = Math.Max(_promised[found.Partition], offset);
                }
                Interlocked.Increment(ref _looks);
            }
            catch (KafkaException)
            {
                // It asks again: errors are the members' to count.
            }
            Task.Delay(s_poll).Wait();
        }
    }
}
