using System.Runtime.InteropServices;

namespace Warp.Protocol.Wire;

/// <summary>
/// Collects pieces of buffers into a <see cref="RecordSet"/>, taking a reference to each buffer. Small pieces are copied together, since
/// a system call for some KiB costs more than the copy. Pieces that follow each other in a buffer become one. Not thread-safe.
/// </summary>
/// <param name="holder">Says which buffers may be held; null for all of them.</param>
public sealed class RecordSetBuilder(IBufferHolder? holder = null) : IDisposable
{
    /// <summary>Pieces below this many bytes are copied.</summary>
    public const int CopyBelowBytes = 4 << 10;

    /// <summary>The first room for copies: enough for the headers of 1 MiB of records in batches of 16 KiB.</summary>
    private const int CopyBufferBytes = 4 << 10;

    /// <summary>The room for copies doubles up to this: many copies are then few pieces.</summary>
    private const int LargestCopyBufferBytes = 256 << 10;

    private PooledList<ReadOnlyMemory<byte>> _segments;
    private PooledList<PooledBuffer> _owners;

    /// <summary>The buffer of the last slice, to which there is a reference already.</summary>
    private PooledBuffer? _held;

    private PooledBuffer? _copies;
    private int _copyBufferBytes = CopyBufferBytes;
    private int _copied;
    private int _copiedStart;

    /// <summary>Bytes so far.</summary>
    public int Length { get; private set; }

    /// <summary>
    /// Adds a slice of <paramref name="owner"/>, and sees to it that there is a reference to it unless the slice is copied: because it is
    /// small, or the holder says so.
    /// </summary>
    public void Append(ReadOnlyMemory<byte> slice, PooledBuffer owner)
    {
        if (TryContinue(slice, owner))
            return;
        if (slice.Length < CopyBelowBytes || (owner != _held && holder?.MayHold(owner) == false))
        {
            AppendCopy(slice.Span);
            return;
        }
        EndCopies();
        if (owner != _held)
        {
            owner.AddReference();
            _owners.Add(owner);
            _held = owner;
        }
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
        var built = new RecordSet(_segments, Length, _owners, holder);
        _segments = default;
        _owners = default;
        Clear();
        return built;
    }

    /// <summary>Releases what was not built.</summary>
    public void Dispose()
    {
        foreach (PooledBuffer owner in _owners.Span)
            owner.Release();
        _owners.Return();
        _segments.Return();
        Clear();
    }

    /// <summary>Makes the last piece longer, if it is a slice that ends where this one begins.</summary>
    private bool TryContinue(ReadOnlyMemory<byte> slice, PooledBuffer owner)
    {
        if (owner != _held || _copied != _copiedStart
            || !MemoryMarshal.TryGetArray(_segments.Last, out ArraySegment<byte> last)
            || !MemoryMarshal.TryGetArray(slice, out ArraySegment<byte> next)
            || last.Array != next.Array || last.Offset + last.Count != next.Offset)
        {
            return false;
        }
        _segments.Last = new ReadOnlyMemory<byte>(last.Array, last.Offset, last.Count + next.Count);
        Length = checked(Length + next.Count);
        return true;
    }

    private void EndCopies()
    {
        if (_copied > _copiedStart)
            _segments.Add(_copies!.Memory[_copiedStart.._copied]);
        _copiedStart = _copied;
    }

    private void Clear()
    {
        _held = null;
        _copies = null;
        _copied = _copiedStart = 0;
        _copyBufferBytes = CopyBufferBytes;
        Length = 0;
    }
}
