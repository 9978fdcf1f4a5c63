using System.Security.Cryptography;

namespace Warp.Streams.LogCompaction;

/// <summary>
/// The latest record of each key, in a fixed amount of memory: a hash of 128 bits stands for the key, of whatever length that is. Open
/// addressing. Not thread-safe.
/// </summary>
internal sealed class KeyTable
{
    /// <summary>Bytes of one key.</summary>
    public const int SlotBytes = 24;

    private const int MinSlots = 16;

    private readonly Slot[] _slots;

    /// <param name="slots">How many keys fit, and a fifth more.</param>
    public KeyTable(int slots) => _slots = new Slot[Math.Max(slots, MinSlots)];

    /// <summary>Keys in the table.</summary>
    public int Count { get; private set; }

    public bool IsFull => Count >= _slots.Length - (_slots.Length / 5);

    /// <summary>What stands for a key. Two keys with the same hash are not to be expected in the life of a universe.</summary>
    public static UInt128 Hash(ReadOnlySpan<byte> key)
    {
        Span<byte> hash = stackalloc byte[MD5.HashSizeInBytes];
#pragma warning disable CA5351 // Not a matter of secrecy: it spreads well, and is quick.
        MD5.HashData(key, hash);
#pragma warning restore CA5351
        return new UInt128(BitConverter.ToUInt64(hash), BitConverter.ToUInt64(hash[8..]));
    }

    /// <summary>Notes the latest record of a key. The table must not be full.</summary>
    /// <returns>The one before it; −1 if there is none.</returns>
    public long Put(UInt128 hash, long ordinal)
    {
        ref Slot slot = ref Find(hash);
        long previous = slot.Next - 1;
        if (previous < 0)
            Count++;
        slot = new Slot(hash, ordinal + 1);
        return previous;
    }

    /// <summary>Forgets keys. Takes as much memory again as those that stay need.</summary>
    public void Keep(Func<UInt128, bool> stays)
    {
        var kept = new List<Slot>(Count / 2);
        foreach (ref readonly Slot slot in _slots.AsSpan())
        {
            if (slot.Next != 0 && stays(slot.Hash))
                kept.Add(slot);
        }
        Clear();
        foreach (Slot slot in kept)
            Put(slot.Hash, slot.Next - 1);
    }

    public void Clear()
    {
        Array.Clear(_slots);
        Count = 0;
    }

    private ref Slot Find(UInt128 hash)
    {
        int at = (int)((ulong)(hash >> 64) % (ulong)_slots.Length);
        while (_slots[at].Next != 0 && _slots[at].Hash != hash)
            at = at + 1 == _slots.Length ? 0 : at + 1;
        return ref _slots[at];
    }

    /// <summary><paramref name="Next"/> is the ordinal after the record's; 0 marks a slot that is free.</summary>
    private readonly record struct Slot(UInt128 Hash, long Next);
}
