using System.Numerics;
using System.Runtime.InteropServices;

namespace Warp.Protocol.Wire;

/// <summary>
/// Byte arrays that are used again and again. A flush gives back hundreds of buffers in one moment, which the next ones take up: the
/// framework's pools keep few of a size and leave the rest to the collector. The bytes that lie idle are bounded, and what lay idle all the
/// time from one <see cref="Trim"/> to the next is let go. Thread-safe.
/// </summary>
/// <remarks>Large ones stay where they are and are used from the start of a page on: a disk can take such bytes without a copy.</remarks>
public sealed class BufferPool
{
    /// <summary>The smallest size.</summary>
    private const int SmallestBytes = 1 << SmallestPower;

    private const int SmallestPower = 10;

    /// <summary>The largest size. Larger arrays are made and dropped: there are few.</summary>
    private const int LargestBytes = 1 << LargestPower;

    private const int LargestPower = 24;

    /// <summary>Of the system; where pages are larger, these do no harm.</summary>
    public const int PageBytes = 4096;

    /// <summary>Sizes between one power of two and the next, so that an array is at most a quarter longer than what was asked for.</summary>
    private const int StepsPower = 2;

    /// <summary>Arrays of this size and more begin at a page.</summary>
    private const int AlignedBytes = 256 << 10;

    private readonly Shelf[] _shelves = new Shelf[1 + ((LargestPower - SmallestPower) << StepsPower)];
    private readonly long _maxIdleBytes;
    private long _idleBytes;

    /// <param name="maxIdleBytes">So much is kept for later, at most.</param>
    public BufferPool(long maxIdleBytes)
    {
        _maxIdleBytes = maxIdleBytes;
        for (int i = 0; i < _shelves.Length; i++)
            _shelves[i] = new Shelf();
    }

    /// <summary>The process's: it keeps a sixteenth of the memory at most, 32 to 256 MiB.</summary>
    public static BufferPool Shared { get; } =
        new(Math.Clamp(GC.GetGCMemoryInfo().TotalAvailableMemoryBytes / 16, 32L << 20, 256L << 20));

    /// <summary>Bytes of the arrays that are kept for later.</summary>
    public long IdleBytes => Interlocked.Read(ref _idleBytes);

    /// <summary>How long the array is in which so many bytes can be had.</summary>
    public static int CostOf(int length)
    {
        int size = length > LargestBytes ? length : SizeFor(length, out _);
        return size < AlignedBytes ? size : size + PageBytes;
    }

    /// <summary>At least so many bytes of an array, with undefined content.</summary>
    public ArraySegment<byte> Rent(int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        if (length > LargestBytes)
            return Usable(Make(length), length);
        int size = SizeFor(length, out int shelf);
        if (_shelves[shelf].Take() is not { } array)
            return Usable(Make(size), size);
        Interlocked.Add(ref _idleBytes, -array.Length);
        return Usable(array, size);
    }

    /// <summary>Takes back the array of what <see cref="Rent"/> gave; nobody may use it any more.</summary>
    public void Return(byte[] array)
    {
        int usable = array.Length < AlignedBytes ? array.Length : array.Length - PageBytes;
        if (usable > LargestBytes)
            return;
        if (SizeFor(usable, out int shelf) != usable)
            throw new ArgumentException("The array is not this pool's.", nameof(array));
        if (Interlocked.Add(ref _idleBytes, array.Length) > _maxIdleBytes)
            Interlocked.Add(ref _idleBytes, -array.Length);
        else
            _shelves[shelf].Put(array);
    }

    /// <summary>Lets go of what has not been used since the last call. To be called every now and then.</summary>
    public void Trim()
    {
        foreach (Shelf shelf in _shelves)
            Interlocked.Add(ref _idleBytes, -shelf.DropUnused());
    }

    private static byte[] Make(int size) => GC.AllocateUninitializedArray<byte>(CostOf(size), pinned: size >= AlignedBytes);

    private static ArraySegment<byte> Usable(byte[] array, int size)
    {
        int start = size < AlignedBytes ? 0 : (int)(-Marshal.UnsafeAddrOfPinnedArrayElement(array, 0) & (PageBytes - 1));
        return new ArraySegment<byte>(array, start, size);
    }

    private static int SizeFor(int length, out int shelf)
    {
        shelf = 0;
        if (length <= SmallestBytes)
            return SmallestBytes;
        int power = BitOperations.Log2((uint)length - 1);
        int stepPower = power - StepsPower;
        int step = (length - 1 - (1 << power)) >> stepPower;
        shelf = 1 + ((power - SmallestPower) << StepsPower) + step;
        return (1 << power) + ((step + 1) << stepPower);
    }

    /// <summary>The idle arrays of one size; the last one that came is the first one that goes, as it may still be in the processor's cache.</summary>
    private sealed class Shelf
    {
        private readonly Lock _gate = new();
        private readonly Stack<byte[]> _arrays = new();
        private int _unused;

        public byte[]? Take()
        {
            lock (_gate)
            {
                if (!_arrays.TryPop(out byte[]? array))
                    return null;
                _unused = Math.Min(_unused, _arrays.Count);
                return array;
            }
        }

        public void Put(byte[] array)
        {
            lock (_gate)
                _arrays.Push(array);
        }

        /// <summary>Drops as many arrays as there have been all the time; returns their bytes.</summary>
        public long DropUnused()
        {
            lock (_gate)
            {
                long dropped = 0;
                for (; _unused > 0 && _arrays.TryPop(out byte[]? array); _unused--)
                    dropped += array.Length;
                _unused = _arrays.Count;
                return dropped;
            }
        }
    }
}
