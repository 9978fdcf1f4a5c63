using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Streams.Produce;

/// <summary>
/// Keeps an idempotent producer's later batches from overtaking one that failed for good (the architecture's rule 7). The client will send
/// the failed batch again; until it comes, what follows it fails with the same retriable error, so that the client sends that again, too.
/// Used by one committer only.
/// </summary>
internal sealed class ProducerGate(TimeSpan memory)
{
    private readonly Dictionary<(TopicPartition, long), Failure> _failures = [];

    /// <summary>Notes that a batch failed for good.</summary>
    public void Failed(PendingBatch batch, ErrorCode error, TimeSpan now)
    {
        if (batch.ProducerId < 0)
            return;
        foreach ((var key, Failure old) in _failures)
        {
            if (now - old.At > memory)
                _failures.Remove(key);
        }
        // The first failure counts: the client goes on from there.
        _failures.TryAdd((batch.Partition, batch.ProducerId), new Failure(batch.ProducerEpoch, batch.BaseSequence, error, now));
    }

    /// <summary>Whether the batch may be committed; if not, with which error it fails.</summary>
    public bool Admits(PendingBatch batch, TimeSpan now, out ErrorCode error)
    {
        error = ErrorCode.None;
        if (batch.ProducerId < 0 || !_failures.TryGetValue((batch.Partition, batch.ProducerId), out Failure failure))
            return true;
        bool follows = batch.ProducerEpoch == failure.Epoch
            && batch.BaseSequence != failure.Sequence
            && ((batch.BaseSequence - failure.Sequence) & int.MaxValue) < 1 << 30;
        if (follows && now - failure.At <= memory)
        {
            error = failure.Error;
            return false;
        }
        _failures.Remove((batch.Partition, batch.ProducerId));
        return true;
    }

    private readonly record struct Failure(short Epoch, int Sequence, ErrorCode Error, TimeSpan At);
}
