namespace Warp.Protocol.Wire;

/// <summary>
/// The bytes of a <c>records</c> field: null, one slice of a request, or pieces of several buffers, to which it may hold references.
/// Immutable; thread-safe but for <see cref="Dispose"/>, after which the bytes must not be touched.
/// </summary>
public sealed class RecordSet : IDisposable
{
    /// <summary>No record set, which the wire keeps apart from an empty one.</summary>
    public static readonly RecordSet Null = new([], 0, null, isNull: true);

    /// <summary>A record set without records.</summary>
    public static readonly RecordSet Empty = new([], 0, null, isNull: false);

    private readonly ReadOnlyMemory<byte>[]? _segments;
    private readonly ReadOnlyMemory<byte> _single;
    private readonly IBufferHolder? _holder;
    private PooledBuffer[]? _owners;

    /// <summary>Wraps bytes that somebody else keeps alive.</summary>
    public RecordSet(ReadOnlyMemory<byte> memory)
    {
        _single = memory;
        Length = memory.Length;
    }

    internal RecordSet(
        ReadOnlyMemory<byte>[] segments, int length, PooledBuffer[]? owners, IBufferHolder? holder = null, bool isNull = false)
    {
        _segments = segments;
        _owners = owners;
        _holder = holder;
        Length = length;
        IsNull = isNull;
    }

    public bool IsNull { get; }

    /// <summary>Bytes in all.</summary>
    public int Length { get; }

    /// <summary>The pieces in order.</summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Segments => _segments ?? [_single];

    /// <summary>The bytes as one piece: without a copy if they are one, as it is with everything read from a frame.</summary>
    public ReadOnlyMemory<byte> Memory => _segments switch
    {
        null => _single,
        [] => default,
        [var only] => only,
        _ => Join(_segments, Length),
    };

    /// <summary>Whether disposing gives buffers back.</summary>
    internal bool HoldsReferences => Volatile.Read(ref _owners) is not null;

    /// <summary>Releases the references to buffers, once.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _owners, null) is not { } owners)
            return;
        foreach (var owner in owners)
            owner.Release();
        _holder?.Leave();
    }

    private static byte[] Join(ReadOnlyMemory<byte>[] segments, int length)
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
