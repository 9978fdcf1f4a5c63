using System.Buffers;

namespace Warp.Protocol.Wire;

/// <summary>
/// The bytes of a <c>records</c> field: null, one slice of a request, or pieces of several buffers, to which it may hold references.
/// Immutable; thread-safe but for <see cref="Dispose"/>, after which the bytes must not be touched. One with references to buffers belongs to
/// whoever made it until it is written to a frame, and to that frame from then on.
/// </summary>
public sealed class RecordSet : IDisposable
{
    /// <summary>No record set, which the wire keeps apart from an empty one.</summary>
    public static readonly RecordSet Null = new(default) { IsNull = true };

    /// <summary>A record set without records.</summary>
    public static readonly RecordSet Empty = new(default);

    private readonly ReadOnlyMemory<byte> _single;
    private readonly int _segmentCount;
    private readonly int _ownerCount;
    private readonly IBufferHolder? _holder;

    /// <summary>Null for a single slice. From the pool, as <see cref="_owners"/> are: an answer of small batches has thousands.</summary>
    private readonly ReadOnlyMemory<byte>[]? _segments;

    private PooledBuffer[]? _owners;
    private int _takenOver;

    /// <summary>Wraps bytes that somebody else keeps alive.</summary>
    public RecordSet(ReadOnlyMemory<byte> memory)
    {
        _single = memory;
        _segmentCount = memory.IsEmpty ? 0 : 1;
        Length = memory.Length;
    }

    /// <summary>Takes over arrays of the pool, and the references to the buffers.</summary>
    internal RecordSet(in PooledList<ReadOnlyMemory<byte>> segments, int length, in PooledList<PooledBuffer> owners, IBufferHolder? holder)
    {
        _segments = segments.Array;
        _segmentCount = segments.Count;
        _owners = owners.Array;
        _ownerCount = owners.Count;
        _holder = holder;
        Length = length;
    }

    public bool IsNull { get; private init; }

    /// <summary>Bytes in all.</summary>
    public int Length { get; }

    /// <summary>Whether a frame has it: that disposes it, once the bytes have left or never will.</summary>
    public bool IsTakenOver => Volatile.Read(ref _takenOver) != 0;

    /// <summary>The pieces in order.</summary>
    /// <exception cref="ObjectDisposedException">The buffers may hold something else by now.</exception>
    public ReadOnlySpan<ReadOnlyMemory<byte>> Segments
    {
        get
        {
            if (_segments is null)
                return new ReadOnlySpan<ReadOnlyMemory<byte>>(in _single)[.._segmentCount];
            ObjectDisposedException.ThrowIf(Volatile.Read(ref _owners) is null, this);
            return _segments.AsSpan(0, _segmentCount);
        }
    }

    /// <summary>The bytes as one piece: without a copy if they are one, as it is with everything read from a frame.</summary>
    public ReadOnlyMemory<byte> Memory => Segments switch
    {
        [] => default,
        [var only] => only,
        var several => Join(several, Length),
    };

    /// <summary>Releases the references to buffers, once.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _owners, null) is not { } owners)
            return;
        foreach (PooledBuffer owner in owners.AsSpan(0, _ownerCount))
            owner.Release();
        ArrayPool<PooledBuffer>.Shared.Return(owners, clearArray: true);
        ArrayPool<ReadOnlyMemory<byte>>.Shared.Return(_segments!, clearArray: true);
        _holder?.Leave();
    }

    /// <summary>Makes it a frame's own.</summary>
    /// <exception cref="InvalidOperationException">It has gone into another frame, with which its buffers go back.</exception>
    internal void TakeOver()
    {
        if (_segments is not null && Interlocked.Exchange(ref _takenOver, 1) != 0)
            throw new InvalidOperationException("These records are in another frame already; a message with records is written once.");
    }

    private static byte[] Join(ReadOnlySpan<ReadOnlyMemory<byte>> segments, int length)
    {
        var joined = new byte[length];
        int written = 0;
        foreach (var segment in segments)
        {
            segment.CopyTo(joined.AsMemory(written));
            written += segment.Length;
        }
        return joined;
    }
}
