namespace Warp.Streams.LogCompaction;

/// <summary>
/// Which records of a log have a later record of the same key. Records are counted as they are read, from 0 on: a log that has been
/// compacted many times has few records over a wide range of offsets. One bit a record. Not thread-safe.
/// </summary>
public sealed class DeadRecords
{
    private ulong[] _bits = new ulong[1024];

    /// <summary>How many there are.</summary>
    public long Count { get; private set; }

    public bool this[long ordinal] => ordinal >> 6 < _bits.Length && (_bits[ordinal >> 6] & (1UL << (int)(ordinal & 63))) != 0;

    public void Add(long ordinal)
    {
        long word = ordinal >> 6;
        if (word >= _bits.Length)
            Array.Resize(ref _bits, (int)Math.Max(word + 1, Math.Min(2L * _bits.Length, Array.MaxLength)));
        ulong bit = 1UL << (int)(ordinal & 63);
        if ((_bits[word] & bit) != 0)
            return;
        _bits[word] |= bit;
        Count++;
    }
}
