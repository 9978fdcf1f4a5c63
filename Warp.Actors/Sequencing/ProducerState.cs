using System.Runtime.CompilerServices;

namespace Warp.Actors.Sequencing;

/// <summary>How a batch stands to what its producer wrote before (KIP-98).</summary>
public enum SequenceVerdict
{
    /// <summary>It is the next one.</summary>
    InOrder,

    /// <summary>It is one of the last five, seen again.</summary>
    Duplicate,

    /// <summary>Batches before it have not arrived.</summary>
    Ahead,

    /// <summary>It is older than the last five, or overlaps one of them.</summary>
    OutOfOrder,

    /// <summary>A newer instance of the producer has written.</summary>
    StaleEpoch,
}

/// <summary>
/// What a partition knows of one idempotent producer: its epoch and its last five batches, the most that a client has in flight. A value:
/// copying it makes a draft that can be thrown away.
/// </summary>
public struct ProducerState
{
    /// <summary>Kafka's bound of batches in flight for an idempotent producer.</summary>
    public const int RememberedBatches = 5;

    private BatchTraces _batches;
    private byte _count;

    public short Epoch { get; private set; }

    /// <summary>When it last wrote, in ms of the database's clock; what expiry goes by.</summary>
    public long LastWriteMs { get; private set; }

    /// <summary>How many of its last batches are remembered, 0 for a producer never seen.</summary>
    public readonly int Count => _count;

    /// <summary>The remembered batches, oldest first.</summary>
    public readonly BatchTrace this[int index] => _batches[index];

    /// <summary>The last of the sequence numbers that start at <paramref name="first"/>; numbers wrap from 2³¹−1 to 0.</summary>
    public static int LastSequence(int first, int count) => (int)(((long)first + count - 1) & int.MaxValue);

    /// <summary>Whether one sequence number comes after another: on the ring of numbers, the half in front of a number is ahead of it.</summary>
    public static bool IsAhead(int first, int of) => first != of && ((first - of) & int.MaxValue) < 1 << 30;

    /// <summary>Judges a batch.</summary>
    /// <param name="epoch">The producer epoch in the batch.</param>
    /// <param name="first">Its first sequence number.</param>
    /// <param name="count">How many sequence numbers it takes.</param>
    /// <param name="originalOffset">The base offset that the batch got the first time, when it is a duplicate.</param>
    public readonly SequenceVerdict Judge(short epoch, int first, int count, out long originalOffset)
    {
        originalOffset = -1;
        if (_count == 0)
            return first == 0 ? SequenceVerdict.InOrder : SequenceVerdict.Ahead;
        if (epoch < Epoch)
            return SequenceVerdict.StaleEpoch;
        if (epoch > Epoch)
            return first == 0 ? SequenceVerdict.InOrder : SequenceVerdict.Ahead;

        int last = LastSequence(first, count);
        for (int i = _count - 1; i >= 0; i--)
        {
            if (_batches[i].FirstSequence == first && _batches[i].LastSequence == last)
            {
                originalOffset = _batches[i].BaseOffset;
                return SequenceVerdict.Duplicate;
            }
        }
        int expected = (int)((_batches[_count - 1].LastSequence + 1L) & int.MaxValue);
        if (first == expected)
            return SequenceVerdict.InOrder;
        return IsAhead(first, expected) ? SequenceVerdict.Ahead : SequenceVerdict.OutOfOrder;
    }

    /// <summary>Notes an accepted batch.</summary>
    public void Append(short epoch, int first, int last, long baseOffset, long nowMs)
    {
        if (_count > 0 && epoch != Epoch)
            _count = 0;
        Epoch = epoch;
        LastWriteMs = nowMs;
        if (_count == RememberedBatches)
        {
            for (int i = 1; i < RememberedBatches; i++)
                _batches[i - 1] = _batches[i];
            _count--;
        }
        _batches[_count++] = new BatchTrace(first, last, baseOffset);
    }

    [InlineArray(RememberedBatches)]
    private struct BatchTraces
    {
        private BatchTrace _first;
    }
}

/// <summary>A batch that an idempotent producer wrote: its sequence numbers, and where it went.</summary>
public readonly record struct BatchTrace(int FirstSequence, int LastSequence, long BaseOffset);
