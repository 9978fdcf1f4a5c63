namespace Warp.Protocol.Wire;

/// <summary>
/// Collects pieces of buffers into a <see cref="RecordSet"/>, taking a reference to each buffer. Small pieces are copied together: a
/// system call that gathers many tiny segments costs more than the copy. Not thread-safe.
/// </summary>
/// <param name="holder">Says which buffers may be held; null for all of them.</param>
public sealed class RecordSetBuilder(IBufferHolder? holder = null) : IDisposable
{
    /// <summary>Pieces below this many bytes are copied.</summary>
    public const int CopyBelowBytes = 512;

    /// <summary>Room for eight of the largest copies of small pieces.</summary>
    private const int CopyBufferBytes = 8 * CopyBelowBytes;

    /// <summary>The room for copies doubles up to this: many copies are then few pieces.</summary>
    private const int LargestCopyBufferBytes = 256 << 10;

    private readonly List<ReadOnlyMemory<byte>> _segments = [];
    private readonly List<PooledBuffer> _owners = [];
    private PooledBuffer? _copies;
    private int _copyBufferBytes = CopyBufferBytes;
    private int _copied;
    private int _copiedStart;

    /// <summary>Bytes so far.</summary>
    public int Length { get; private set; }

    /// <summary>
    /// Adds a slice of <paramref name="owner"/>, and takes a reference to it unless the slice is copied: because it is small, or the holder
    /// says so.
    /// </summary>
    public void Append(ReadOnlyMemory<byte> slice, PooledBuffer owner)
    {
        if (slice.Length < CopyBelowBytes || holder?.MayHold(owner) == false)
        {
            AppendCopy(slice.Span);
            return;
        }
        EndCopies();
        owner.AddReference();
        _owners.Add(owner);
        _segments.Add(slice);
        Length = checked(Length + slice.Length);
    }

    /// <summary>Adds a copy of the bytes.</summary>
    public void AppendCopy(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return;
        if (_copies is null || bytes.Length > _copies.Length - _copied)
        {
            EndCopies();
            _copies = PooledBuffer.Rent(Math.Max(bytes.Length, _copyBufferBytes));
            _copyBufferBytes = Math.Min(2 * _copyBufferBytes, LargestCopyBufferBytes);
            _owners.Add(_copies);
            _copied = _copiedStart = 0;
        }
        bytes.CopyTo(_copies.Memory.Span[_copied..]);
        _copied += bytes.Length;
        Length = checked(Length + bytes.Length);
    }

    /// <summary>The record set, which now owns the references; the builder is empty again.</summary>
    public RecordSet Build()
    {
        if (Length == 0)
            return RecordSet.Empty;
        EndCopies();
        holder?.Enter();
        var built = new RecordSet([.. _segments], Length, [.. _owners], holder);
        _owners.Clear();
        Clear();
        return built;
    }

    /// <summary>Releases what was not built.</summary>
    public void Dispose()
    {
        foreach (var owner in _owners)
            owner.Release();
        _owners.Clear();
        Clear();
    }

    private void EndCopies()
    {
        if (_copied > _copiedStart)
            _segments.Add(_copies!.Memory[_copiedStart.._copied]);
        _copiedStart = _copied;
    }

    private void Clear()
    {
        _segments.Clear();
        _copies = null;
        _copied = _copiedStart = 0;
        _copyBufferBytes = CopyBufferBytes;
        Length = 0;
    }
}
