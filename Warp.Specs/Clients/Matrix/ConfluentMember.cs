using Confluent.Kafka;

namespace Warp.Specs.Clients.Matrix;

/// <summary>
/// A consumer of a group, polled by a thread of its own until it is disposed, which lets it leave the group. Thread-safe.
/// </summary>
internal sealed class ConfluentMember : IDisposable
{
    private static readonly TimeSpan _pollTimeout = TimeSpan.FromMilliseconds(50);

    private readonly Lock _lock = new();
    private readonly SortedSet<int> _assignment = [];
    private readonly List<ConsumedPosition> _consumed = [];
    private readonly IConsumer<byte[]?, byte[]?> _consumer;
    private readonly Thread _polling;
    private volatile Exception? _failure;
    private volatile bool _isClosing;

    /// <param name="build">Builds the consumer with the handlers that it is given.</param>
    /// <param name="topic">To subscribe.</param>
    /// <param name="isCooperative">Whether partitions come and go one by one.</param>
    public ConfluentMember(
        Func<Action<ConsumerBuilder<byte[]?, byte[]?>>, IConsumer<byte[]?, byte[]?>> build, string topic, bool isCooperative)
    {
        _consumer = build(builder => builder
            .SetPartitionsAssignedHandler((_, partitions) => Assigned(partitions, isCooperative))
            .SetPartitionsRevokedHandler((_, partitions) => Revoked(partitions))
            .SetPartitionsLostHandler((_, partitions) => Revoked(partitions)));
        _consumer.Subscribe(topic);
        _polling = new Thread(Poll) { IsBackground = true };
        _polling.Start();
    }

    public MemberAnswer State
    {
        get
        {
            if (_failure is not null)
                throw _failure;
            lock (_lock)
                return new([.. _assignment], [.. _consumed]);
        }
    }

    public void Commit() => _consumer.Commit();

    public void Dispose()
    {
        _isClosing = true;
        _polling.Join();
        _consumer.Close();
        _consumer.Dispose();
    }

    private void Poll()
    {
        try
        {
            while (!_isClosing)
            {
                if (_consumer.Consume(_pollTimeout) is not { } result)
                    continue;
                lock (_lock)
                    _consumed.Add(new(result.Partition, result.Offset));
            }
        }
        catch (ConsumeException failure)
        {
            _failure = failure;
        }
    }

    private void Assigned(List<TopicPartition> partitions, bool isCooperative)
    {
        lock (_lock)
        {
            if (!isCooperative)
                _assignment.Clear();
            _assignment.UnionWith(partitions.Select(each => each.Partition.Value));
        }
    }

    private void Revoked(List<TopicPartitionOffset> partitions)
    {
        lock (_lock)
            _assignment.ExceptWith(partitions.Select(each => each.Partition.Value));
    }
}
