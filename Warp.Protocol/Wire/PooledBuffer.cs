namespace Warp.Protocol.Wire;

/// <summary>
/// A byte buffer from the <see cref="BufferPool"/> that goes back when its last reference is released. It lets record bytes be used by several
/// owners (a request, a flush, a cache, a socket) without a copy. Thread-safe.
/// </summary>
/// <remarks>The creator holds the first reference. Whoever stores a slice for later takes one of its own with <see cref="AddReference"/>.</remarks>
public sealed class PooledBuffer : IDisposable
{
    private readonly Action<int>? _returned;
    private readonly int _start;
    private readonly int _rentedBytes;
    private byte[]? _array;
    private int _references = 1;

    private PooledBuffer(ArraySegment<byte> bytes, int length, Action<int>? returned)
    {
        _array = bytes.Array;
        _start = bytes.Offset;
        _returned = returned;
        _rentedBytes = Length = length;
    }

    /// <summary>The number of bytes asked for; the pool's array may be longer.</summary>
    public int Length { get; private set; }

    /// <summary>The bytes. Valid only while a reference is held.</summary>
    /// <exception cref="ObjectDisposedException">The last reference has been released.</exception>
    public Memory<byte> Memory => new(Array, _start, Length);

    /// <summary>The pool's array, in which the bytes are: all of the memory that this buffer costs.</summary>
    /// <exception cref="ObjectDisposedException">The last reference has been released.</exception>
    public byte[] Array => _array ?? throw new ObjectDisposedException(nameof(PooledBuffer));

    /// <summary>Rents a buffer whose content is undefined.</summary>
    /// <param name="length">Bytes, 0 or more.</param>
    /// <param name="returned">Called with the length once the last reference is gone: for whoever bounds the bytes in use.</param>
    public static PooledBuffer Rent(int length, Action<int>? returned = null) => new(BufferPool.Shared.Rent(length), length, returned);

    /// <summary>Gives up the end of the buffer. For its creator only, before anybody else has it.</summary>
    /// <param name="length">Bytes that are left, at most <see cref="Length"/>.</param>
    public void Shrink(int length)
    {
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Length);
        Length = length;
    }

    /// <summary>Takes one more reference; each needs a <see cref="Release"/> of its own.</summary>
    /// <exception cref="ObjectDisposedException">The last reference has been released.</exception>
    public void AddReference()
    {
        int seen = Volatile.Read(ref _references);
        while (true)
        {
            ObjectDisposedException.ThrowIf(seen <= 0, this);
            int found = Interlocked.CompareExchange(ref _references, seen + 1, seen);
            if (found == seen)
                return;
            seen = found;
        }
    }

    /// <summary>Gives one reference back; the last one returns the array to the pool.</summary>
    /// <exception cref="ObjectDisposedException">More releases than references: a bug that would corrupt somebody's data.</exception>
    public void Release()
    {
        int left = Interlocked.Decrement(ref _references);
        ObjectDisposedException.ThrowIf(left < 0, this);
        if (left == 0 && Interlocked.Exchange(ref _array, null) is { } array)
        {
            BufferPool.Shared.Return(array);
            _returned?.Invoke(_rentedBytes);
        }
    }

    /// <summary>The same as <see cref="Release"/>, for <c>using</c>.</summary>
    public void Dispose() => Release();
}
