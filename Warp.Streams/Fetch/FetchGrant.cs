using Warp.Protocol.Wire;
using Warp.Streams.Format;

namespace Warp.Streams.Fetch;

/// <summary>
/// What one fetch may keep in memory until its answer is sent: records of <see cref="Bytes"/>, some as slices of chunks and some copied.
/// A slice holds all of its chunk, and a partition's part of a chunk may be small, so chunks are held up to twice the size of the records
/// and a few more for as long as there is memory; what lies beyond is copied. Thread-safe.
/// </summary>
/// <remarks>Its memory is given back when the fetch has disposed it and every record set built under it has been disposed.</remarks>
public sealed class FetchGrant : IBufferHolder, IDisposable
{
    /// <summary>
    /// Chunks that may be held beyond the grant, while there is memory for them: an answer of all partitions begins in the middle of an object and
    /// ends in the middle of another. Those are 8 MiB each, or a little more, where flushes wrote them.
    /// </summary>
    private const int MoreBytes = 5 * ObjectFormat.ChunkSize;

    /// <summary>How many times the size of the records chunks may be held.</summary>
    private const int HeldTimes = 2;

    private readonly FetchMemory _memory;
    private readonly HashSet<PooledBuffer> _held = [];
    private long _heldBytes;
    private long _moreBytes;
    private int _users = 1;

    internal FetchGrant(FetchMemory memory, int bytes)
    {
        _memory = memory;
        Bytes = bytes;
    }

    /// <summary>How many bytes of records the answer may have, except that one batch may always be in it.</summary>
    public int Bytes { get; }

    /// <summary>For the copies, and for the chunks that are held.</summary>
    internal long ChargedBytes => (HeldTimes * (long)Bytes) + Bytes + Interlocked.Read(ref _moreBytes);

    /// <inheritdoc/>
    public bool MayHold(PooledBuffer buffer)
    {
        lock (_held)
        {
            if (_held.Contains(buffer))
                return true;
            long more = Math.Max(0, _heldBytes + buffer.Length - (HeldTimes * (long)Bytes));
            if (more > MoreBytes || !_memory.TryTakeMore(more - _moreBytes))
                return false;
            _moreBytes = more;
            _heldBytes += buffer.Length;
            return _held.Add(buffer);
        }
    }

    /// <inheritdoc/>
    public void Enter() => Interlocked.Increment(ref _users);

    /// <inheritdoc/>
    public void Leave()
    {
        if (Interlocked.Decrement(ref _users) == 0)
            _memory.Return(ChargedBytes);
    }

    /// <summary>The fetch has built what it will build.</summary>
    public void Dispose() => Leave();
}
