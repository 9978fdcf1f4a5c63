using Warp.Actors.Kernel;

namespace Warp.Actors.Sequencing;

/// <summary>
/// Batches that arrived ahead of their predecessors and wait for them in memory, by producer. A producer that is moved to another node
/// sends through two nodes for a moment, and to librdkafka an out-of-order answer is fatal. Used by its sequencer only.
/// </summary>
internal sealed class HeldBatches
{
    /// <summary>The most batches that may wait; the ones past that are answered at once.</summary>
    private const int Capacity = 1024;

    private static readonly Comparer<int> s_bySequence = Comparer<int>.Create(
        static (one, other) => one == other ? 0 : ProducerState.IsAhead(one, other) ? 1 : -1);

    private readonly Dictionary<(TopicPartition, long), List<HeldBatch>> _byProducer = [];
    private int _count;

    public bool IsFull => _count >= Capacity;

    /// <summary>The batch, if it already waits.</summary>
    public HeldBatch? Find(ObjectCommit commit, int index) =>
        _byProducer.GetValueOrDefault(KeyOf(commit, index))?.Find(held => held.Commit.ObjectId == commit.ObjectId && held.Index == index);

    public HeldBatch Add(ObjectCommit commit, int index)
    {
        var held = new HeldBatch(commit, index);
        if (!_byProducer.TryGetValue(KeyOf(commit, index), out List<HeldBatch>? list))
            _byProducer.Add(KeyOf(commit, index), list = []);
        list.Add(held);
        _count++;
        return held;
    }

    public bool Any(TopicPartition partition, long producerId) => _byProducer.ContainsKey((partition, producerId));

    /// <summary>The waiting batches of a producer, in the order of their sequence numbers.</summary>
    public IReadOnlyList<HeldBatch> Of(TopicPartition partition, long producerId) =>
        _byProducer.TryGetValue((partition, producerId), out List<HeldBatch>? list)
            ? [.. list.OrderBy(static held => held.Batch.BaseSequence, s_bySequence)]
            : [];

    public void Remove(HeldBatch held)
    {
        (TopicPartition, long) key = KeyOf(held.Commit, held.Index);
        List<HeldBatch> list = _byProducer[key];
        list.Remove(held);
        if (list.Count == 0)
            _byProducer.Remove(key);
        _count--;
    }

    /// <summary>Fails all that wait, when the sequencer ends.</summary>
    public void FailAll(Exception error)
    {
        foreach (HeldBatch held in _byProducer.Values.SelectMany(static list => list))
            held.Answer.Fail(error);
        _byProducer.Clear();
        _count = 0;
    }

    private static (TopicPartition, long) KeyOf(ObjectCommit commit, int index) => (commit.Batches[index].Partition, commit.Batches[index].ProducerId);
}

/// <summary>One waiting batch.</summary>
/// <param name="Commit">The commit that it came with.</param>
/// <param name="Index">Its place there.</param>
internal sealed record HeldBatch(ObjectCommit Commit, int Index)
{
    public BatchToCommit Batch => Commit.Batches[Index];

    /// <summary>Whether it has waited long enough and is to be answered now.</summary>
    public bool IsOverdue { get; set; }

    public Reply<BatchAnswer> Answer { get; } = new();
}
