using Warp.Protocol.Records;

namespace Warp.Streams.LogCompaction;

/// <summary>
/// Finds the records of a log that have a later one of the same key. If the keys are too many for the memory the log is read several
/// times, each time for a part of the keys. Not thread-safe.
/// </summary>
/// <remarks>
/// <code>
/// do
///     foreach batch of the log: scan.Add(batch)
/// while (scan.NextPass());
/// </code>
/// </remarks>
public sealed class KeyScan
{
    private readonly KeyTable _table;
    private readonly int _maxDecompressedBytes;
    private readonly Stack<KeyClass> _waiting = new();
    private KeyClass _class = new(0, 0);
    private long _ordinal;

    /// <param name="memoryBytes">What the table of keys may take, 24 bytes a key and some room.</param>
    /// <param name="maxDecompressedBytes">What the records of one batch may take.</param>
    public KeyScan(long memoryBytes, int maxDecompressedBytes)
    {
        // Leaving out half of the keys takes another half of the table for a moment.
        _table = new KeyTable((int)Math.Min(memoryBytes * 2 / 3 / KeyTable.SlotBytes, Array.MaxLength));
        _maxDecompressedBytes = maxDecompressedBytes;
    }

    /// <summary>The records that need not stay. Complete when <see cref="NextPass"/> has said false.</summary>
    public DeadRecords Dead { get; } = new();

    /// <summary>How often the log has been read, or is being read.</summary>
    public int Passes { get; private set; } = 1;

    /// <summary>Records of one reading of the log so far.</summary>
    public long RecordCount => _ordinal;

    /// <summary>Takes the next batch of the log.</summary>
    /// <exception cref="CorruptRecordException">It cannot be read.</exception>
    public void Add(ReadOnlySpan<byte> batch)
    {
        using RecordBatchReader reader = RecordBatchReader.Open(batch, _maxDecompressedBytes);
        if (reader.Header.IsControl)
        {
            _ordinal += reader.Header.RecordsCount;
            return;
        }
        while (reader.TryRead(out Record record))
            Add(record, _ordinal++);
    }

    /// <summary>Whether the log has to be read again, from its start.</summary>
    public bool NextPass()
    {
        if (!_waiting.TryPop(out _class))
            return false;
        _table.Clear();
        _ordinal = 0;
        Passes++;
        return true;
    }

    private void Add(in Record record, long ordinal)
    {
        if (!record.HasKey)
        {
            // From a time before the topic was compacted. As in Kafka, only what has a key can stay.
            Dead.Add(ordinal);
            return;
        }
        UInt128 hash = KeyTable.Hash(record.Key);
        while (_class.Has(hash))
        {
            if (!_table.IsFull)
            {
                if (_table.Put(hash, ordinal) is >= 0 and long previous)
                    Dead.Add(previous);
                return;
            }
            // What was found of the other half stays true; where it stood is found again in a pass of its own.
            (_class, KeyClass other) = _class.Split();
            _waiting.Push(other);
            KeyClass kept = _class;
            _table.Keep(kept.Has);
        }
    }

    /// <summary>Keys whose hash ends with certain bits.</summary>
    private readonly record struct KeyClass(UInt128 Mask, UInt128 Bits)
    {
        public bool Has(UInt128 hash) => (hash & Mask) == Bits;

        public (KeyClass, KeyClass) Split()
        {
            UInt128 mask = (Mask << 1) | 1;
            return (new KeyClass(mask, Bits), new KeyClass(mask, Bits | (Mask + 1)));
        }
    }
}
