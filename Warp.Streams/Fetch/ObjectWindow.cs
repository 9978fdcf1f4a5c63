using Warp.Actors.Sequencing;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Streams.Cache;
using Warp.Streams.Format;
using Warp.Streams.Objects;

namespace Warp.Streams.Fetch;

/// <summary>
/// Reads objects forwards, one after the other, chunk by chunk, holding one chunk at a time. What lies in the chunk at hand is read
/// without a wait. Not thread-safe.
/// </summary>
internal sealed class ObjectWindow(ChunkCache chunks, ObjectKeys keys) : IDisposable
{
    private readonly byte[] _scratch = new byte[RecordBatchHeader.Size];
    private ReadableExtent _extent;
    private string? _key;
    private ChunkLease? _lease;
    private ReadOnlyMemory<byte> _chunk;

    /// <summary>Where the chunk at hand begins in the object; when there is none, its length is 0.</summary>
    private long _chunkPosition;

    /// <summary>The key of the object, made when somebody needs it.</summary>
    public string Key => _key ??= keys.Object(_extent.Level, Id);

    private ObjectId Id => _extent.Extent.ObjectId;

    /// <summary>Opens the object in which an extent lies, instead of the one before.</summary>
    public void Open(in ReadableExtent extent)
    {
        if (extent.Extent.ObjectId != Id)
        {
            Dispose();
            _key = null;
        }
        _extent = extent;
    }

    /// <summary>The header of the batch at a position. The bytes are those of the object: its base offset is not the log's.</summary>
    /// <exception cref="CorruptObjectException">There is no batch, or it does not fit into what is left of the run.</exception>
    public ValueTask<RecordBatchHeader> ReadHeaderAsync(long position, long runEnd, CancellationToken cancellationToken)
    {
        if (runEnd - position < RecordBatchHeader.Size || runEnd > _extent.ObjectSizeBytes)
            throw new CorruptObjectException($"Object {Key} has no room for a batch at {position}.");
        return IsAtHand(position, RecordBatchHeader.Size)
            ? ValueTask.FromResult(Parse(Slice(position, RecordBatchHeader.Size).Span, position, runEnd))
            : ReadHeaderSlowAsync(position, runEnd, cancellationToken);
    }

    /// <summary>Adds a batch as it lies in the object.</summary>
    public ValueTask AppendBatchAsync(RecordSetBuilder builder, long position, int size, CancellationToken cancellationToken) =>
        AppendAsync(builder, position, position + size, cancellationToken);

    /// <summary>
    /// Adds a batch with its offset in the log. Of its bytes only the header is copied, because the offset in it changes.
    /// </summary>
    public ValueTask AppendBatchAsync(
        RecordSetBuilder builder, long position, int size, long baseOffset, CancellationToken cancellationToken)
    {
        if (!IsAtHand(position, size))
            return AppendBatchSlowAsync(builder, position, size, baseOffset, cancellationToken);
        Slice(position, RecordBatchHeader.Size).CopyTo(_scratch);
        AppendHeader(builder, baseOffset);
        return AppendAsync(builder, position + RecordBatchHeader.Size, position + size, cancellationToken);
    }

    /// <summary>A copy of a batch with its offset in the log, for those who look into it.</summary>
    public async ValueTask<byte[]> CopyBatchAsync(
        long position, RecordBatchHeader header, long baseOffset, CancellationToken cancellationToken)
    {
        var batch = new byte[header.SizeBytes];
        await CopyAsync(position, batch, cancellationToken);
        RecordBatchHeader.SetBaseOffset(batch, baseOffset);
        return batch;
    }

    public void Dispose()
    {
        _lease?.Dispose();
        _lease = null;
        _chunk = default;
    }

    private async ValueTask<RecordBatchHeader> ReadHeaderSlowAsync(long position, long runEnd, CancellationToken cancellationToken)
    {
        // It may straddle two chunks.
        await CopyAsync(position, _scratch, cancellationToken);
        return Parse(_scratch, position, runEnd);
    }

    private RecordBatchHeader Parse(ReadOnlySpan<byte> bytes, long position, long runEnd) =>
        RecordBatchHeader.TryRead(bytes, out RecordBatchHeader header) && position + header.SizeBytes <= runEnd
            ? header
            : throw new CorruptObjectException($"Object {Key} has no record batch at {position}.");

    private async ValueTask AppendBatchSlowAsync(
        RecordSetBuilder builder, long position, int size, long baseOffset, CancellationToken cancellationToken)
    {
        await CopyAsync(position, _scratch, cancellationToken);
        AppendHeader(builder, baseOffset);
        await AppendAsync(builder, position + RecordBatchHeader.Size, position + size, cancellationToken);
    }

    private void AppendHeader(RecordSetBuilder builder, long baseOffset)
    {
        RecordBatchHeader.SetBaseOffset(_scratch, baseOffset);
        // Clients send -1. Only routing has epochs here, and a batch must never carry a higher one than Metadata does.
        RecordBatchHeader.SetPartitionLeaderEpoch(_scratch, 0);
        builder.AppendCopy(_scratch);
    }

    private ValueTask AppendAsync(RecordSetBuilder builder, long position, long end, CancellationToken cancellationToken)
    {
        if (!IsAtHand(position, end - position))
            return AppendSlowAsync(builder, position, end, cancellationToken);
        builder.Append(Slice(position, end - position), _lease!.Value.Buffer);
        return ValueTask.CompletedTask;
    }

    private async ValueTask AppendSlowAsync(RecordSetBuilder builder, long position, long end, CancellationToken cancellationToken)
    {
        while (position < end)
        {
            await MoveToAsync(position, cancellationToken);
            ReadOnlyMemory<byte> part = Slice(position, end - position);
            builder.Append(part, _lease!.Value.Buffer);
            position += part.Length;
        }
    }

    private async ValueTask CopyAsync(long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        while (!destination.IsEmpty)
        {
            await MoveToAsync(position, cancellationToken);
            ReadOnlyMemory<byte> part = Slice(position, destination.Length);
            part.CopyTo(destination);
            destination = destination[part.Length..];
            position += part.Length;
        }
    }

    private bool IsAtHand(long position, long length) => position >= _chunkPosition && position + length <= _chunkPosition + _chunk.Length;

    /// <summary>The bytes at a position that lie in the chunk at hand: at least one, at most as many as asked for.</summary>
    private ReadOnlyMemory<byte> Slice(long position, long length)
    {
        int from = (int)(position - _chunkPosition);
        return _chunk.Slice(from, (int)Math.Min(length, _chunk.Length - from));
    }

    /// <summary>Has the chunk with a position at hand.</summary>
    private ValueTask MoveToAsync(long position, CancellationToken cancellationToken)
    {
        if (IsAtHand(position, 1))
            return ValueTask.CompletedTask;
        // Not held while waiting: whoever waits for the store should not keep memory from others.
        Dispose();
        int number = (int)(position / ObjectFormat.ChunkSize);
        if (!chunks.TryLease(Id, number, out ChunkLease lease))
            return ReadChunkAsync(number, cancellationToken);
        Take(number, lease);
        return ValueTask.CompletedTask;
    }

    private async ValueTask ReadChunkAsync(int number, CancellationToken cancellationToken) =>
        Take(number, await chunks.GetAsync(Id, Key, number, _extent.ObjectSizeBytes, cancellationToken));

    private void Take(int number, ChunkLease lease)
    {
        _lease = lease;
        _chunk = lease.Memory;
        _chunkPosition = (long)number * ObjectFormat.ChunkSize;
    }
}
