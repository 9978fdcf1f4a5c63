using System.Buffers;

namespace Warp.Protocol.Wire;

/// <summary>
/// The bytes of a <c>records</c> field: null, one slice of a request, or pieces of several buffers, to which it may hold references.
/// Immutable; thread-safe but for <see cref="Dispose"/>, after which the bytes must not be touched.
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

    /// <summary>The pieces in order.</summary>
    public ReadOnlySpan<ReadOnlyMemory<byte>> Segments => _segments is null
        ? new ReadOnlySpan<ReadOnlyMemory<byte>>(in _single)[.._segmentCount]
        : _segments.AsSpan(0, _segmentCount);

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
