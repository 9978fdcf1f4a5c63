using System.Collections.Concurrent;
using Confluent.Kafka;

namespace Warp.Specs.Clients.ConsumerGroups;

/// <summary>A consumer that belongs to a group, polling on a thread of its own. Thread-safe.</summary>
internal sealed class Member
{
    private readonly IConsumer<Null, string> _consumer;
    private readonly Action<TopicPartitionOffset> _seen;
    private readonly Lock _gate = new();
    private readonly HashSet<int> _assigned = [];
    private readonly Thread _thread;
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private volatile bool _stopping;
    private volatile bool _closing;
    private int _assignments;

    /// <summary>Starts to consume.</summary>
    /// <param name="bootstrap">The node.</param>
    /// <param name="group">The group.</param>
    /// <param name="topic">What it subscribes to.</param>
    /// <param name="seen">Called with each record, on the member's thread.</param>
    /// <param name="configure">Changes its configuration.</param>
    public Member(string bootstrap, string group, string topic, Action<TopicPartitionOffset> seen, Action<ConsumerConfig>? configure = null)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = bootstrap,
            GroupId = group,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            SessionTimeoutMs = 6000,
            HeartbeatIntervalMs = 500,
            AutoCommitIntervalMs = 200,
        };
        configure?.Invoke(config);
        _seen = seen;
        _consumer = new ConsumerBuilder<Null, string>(config)
            .SetLogHandler(static (_, _) => { })
            .SetErrorHandler(static (_, _) => { })
            .SetPartitionsAssignedHandler((_, partitions) => Change(partitions.Select(static p => p.Partition.Value), [], 1))
            .SetPartitionsRevokedHandler((_, partitions) => Change([], partitions.Select(static p => p.Partition.Value)))
            .SetPartitionsLostHandler((_, partitions) => Change([], partitions.Select(static p => p.Partition.Value)))
            .Build();
        _consumer.Subscribe(topic);
        _thread = new Thread(Run) { IsBackground = true, Name = "member" };
        _thread.Start();
    }

    /// <summary>What went wrong, if anything did.</summary>
    public ConcurrentQueue<string> Errors { get; } = new();

    /// <summary>The partitions that it has at this moment, in order.</summary>
    public int[] Assigned
    {
        get
        {
            lock (_gate)
                return [.. _assigned.Order()];
        }
    }

    /// <summary>How often it was assigned anything.</summary>
    public int AssignmentCount
    {
        get
        {
            lock (_gate)
                return _assignments;
        }
    }

    /// <summary>Commits and leaves the group.</summary>
    public Task CloseAsync()
    {
        _closing = true;
        return EndAsync();
    }

    /// <summary>Is gone without a word, as after a crash.</summary>
    public Task CrashAsync() => EndAsync();

    private Task EndAsync()
    {
        _stopping = true;
        return _ended.Task;
    }

    private void Run()
    {
        try
        {
            while (!_stopping)
            {
                try
                {
                    if (_consumer.Consume(TimeSpan.FromMilliseconds(50)) is { } record)
                        _seen(record.TopicPartitionOffset);
                }
                catch (ConsumeException error)
                {
                    Errors.Enqueue(error.Error.ToString());
                }
            }
            if (_closing)
                _consumer.Close();
            _consumer.Dispose();
            _ended.SetResult();
        }
        catch (Exception error)
        {
            _ended.SetException(error);
        }
    }

    private void Change(IEnumerable<int> added, IEnumerable<int> removed, int assignments = 0)
    {
        lock (_gate)
        {
            _assignments += assignments;
            _assigned.UnionWith(added);
            _assigned.ExceptWith(removed);
        }
    }
}
