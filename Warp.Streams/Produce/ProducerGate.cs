using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Streams.Produce;

/// <summary>
/// Keeps an idempotent producer's later batches from overtaking one that failed for good (the architecture's rule 7). The client will send
/// the failed batch again; until it comes, what follows it fails with the same retriable error, so that the client sends that again, too. It may
/// come by way of another node, which only the sequencer sees (<see cref="Seen"/>).
/// Pure: times come from the caller, as spans since any fixed moment. Not thread-safe.
/// </summary>
/// <param name="memory">How long a failed batch is waited for.</param>
public sealed class ProducerGate(TimeSpan memory)
{
    private readonly Dictionary<(TopicPartition, long), Failure> _failures = [];
    private TimeSpan _prunedAt;

    /// <summary>Whether nothing is waited for, so that it admits every batch.</summary>
    public bool IsOpen => _failures.Count == 0;

    /// <summary>Notes that a batch failed for good.</summary>
    public void Failed(PendingBatch batch, ErrorCode error, TimeSpan now)
    {
        if (batch.ProducerId < 0)
            return;
        Prune(now);
        (TopicPartition, long) key = (batch.Partition, batch.ProducerId);
        // The first failure of an epoch counts: the client goes on from there.
        bool any = _failures.TryGetValue(key, out Failure failure);
        if (!any || now - failure.At > memory || batch.ProducerEpoch > failure.Epoch)
            _failures[key] = new Failure(batch.ProducerEpoch, batch.BaseSequence, error, now);
    }

    /// <summary>Whether the batch may be committed; if not, with which error it fails.</summary>
    public bool Admits(PendingBatch batch, TimeSpan now, out ErrorCode error)
    {
        error = ErrorCode.None;
        (TopicPartition, long) key = (batch.Partition, batch.ProducerId);
        if (batch.ProducerId < 0 || !_failures.TryGetValue(key, out Failure failure))
            return true;
        bool sameEpoch = batch.ProducerEpoch == failure.Epoch;
        bool cameAgain = sameEpoch && batch.BaseSequence == failure.Sequence;
        if (cameAgain || batch.ProducerEpoch > failure.Epoch || now - failure.At > memory)
        {
            _failures.Remove(key);
            return true;
        }
        // On the ring of sequence numbers, the half behind the failed one follows it. What is older, or of an older epoch, is a
        // repetition that the sequencer knows how to answer; the failed batch is still to come.
        bool follows = sameEpoch && ((batch.BaseSequence - failure.Sequence) & int.MaxValue) < 1 << 30;
        if (follows)
            error = failure.Error;
        return !follows;
    }

    /// <summary>Notes what the sequencer has of a producer: if that is the failed batch or what follows it, nothing is waited for any more.</summary>
    public void Seen(TopicPartition partition, long producerId, short epoch, int lastSequence)
    {
        if (!_failures.TryGetValue((partition, producerId), out Failure failure))
            return;
        bool isThere = epoch == failure.Epoch && lastSequence >= 0 && ((lastSequence - failure.Sequence) & int.MaxValue) < 1 << 30;
        if (isThere || epoch > failure.Epoch)
            _failures.Remove((partition, producerId));
    }

    /// <summary>Forgets what nobody came back for; now and then only, so that a failure costs little even among thousands.</summary>
    private void Prune(TimeSpan now)
    {
        if (now - _prunedAt <= memory)
            return;
        _prunedAt = now;
        foreach ((var key, Failure failure) in _failures)
        {
            if (now - failure.At > memory)
                _failures.Remove(key);
        }
    }

    private readonly record struct Failure(short Epoch, int Sequence, ErrorCode Error, TimeSpan At);
}
