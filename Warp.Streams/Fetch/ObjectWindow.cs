using Warp.Actors.Sequencing;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Streams.Cache;
using Warp.Streams.Format;
using Warp.Streams.Objects;

namespace Warp.Streams.Fetch;

/// <summary>Reads one object forwards, chunk by chunk, holding one chunk at a time. Not thread-safe.</summary>
internal sealed class ObjectWindow : IDisposable
{
    private readonly ChunkCache _chunks;
    private readonly string _key;
    private readonly ObjectId _id;
    private readonly long _sizeBytes;
    private readonly byte[] _scratch = new byte[RecordBatchHeader.Size];
    private ChunkLease? _lease;
    private int _chunkNumber = -1;

    public ObjectWindow(ChunkCache chunks, ObjectKeys keys, in ReadableExtent extent)
    {
        _chunks = chunks;
        _id = extent.Extent.ObjectId;
        _key = keys.Object(extent.Level, _id);
        _sizeBytes = extent.ObjectSizeBytes;
    }

    /// <summary>The header of the batch at a position. The bytes are those of the object: its base offset is not the log's.</summary>
    /// <exception cref="CorruptObjectException">There is no batch, or it does not fit into what is left of the run.</exception>
    public async ValueTask<RecordBatchHeader> ReadHeaderAsync(long position, long runEnd, CancellationToken cancellationToken)
    {
        if (runEnd - position < RecordBatchHeader.Size || runEnd > _sizeBytes)
            throw new CorruptObjectException($"Object {_key} has no room for a batch at {position}.");
        ReadOnlyMemory<byte> bytes = await SliceAsync(position, RecordBatchHeader.Size, cancellationToken);
        if (bytes.Length < RecordBatchHeader.Size)
        {
            // The header straddles two chunks.
            bytes.CopyTo(_scratch);
            ReadOnlyMemory<byte> rest = await SliceAsync(position + bytes.Length, RecordBatchHeader.Size - bytes.Length, cancellationToken);
            rest.CopyTo(_scratch.AsMemory(bytes.Length));
            bytes = _scratch;
        }
        if (!RecordBatchHeader.TryRead(bytes.Span, out RecordBatchHeader header) || position + header.SizeBytes > runEnd)
            throw new CorruptObjectException($"Object {_key} has no record batch at {position}.");
        return header;
    }

    /// <summary>Adds a batch as it lies in the object.</summary>
    public ValueTask AppendBatchAsync(
        RecordSetBuilder builder, long position, RecordBatchHeader header, CancellationToken cancellationToken) =>
        AppendAsync(builder, position, position + header.SizeBytes, cancellationToken);

    /// <summary>
    /// Adds a batch with its offset in the log. Of its bytes only the header is copied, because the offset in it changes.
    /// </summary>
    public async ValueTask AppendBatchAsync(
        RecordSetBuilder builder, long position, RecordBatchHeader header, long baseOffset, CancellationToken cancellationToken)
    {
        int copied = 0;
        while (copied < RecordBatchHeader.Size)
        {
            ReadOnlyMemory<byte> part = await SliceAsync(position + copied, RecordBatchHeader.Size - copied, cancellationToken);
            part.CopyTo(_scratch.AsMemory(copied));
            copied += part.Length;
        }
        RecordBatchHeader.SetBaseOffset(_scratch, baseOffset);
        // Clients send -1. Only routing has epochs here, and a batch must never carry a higher one than Metadata does.
        RecordBatchHeader.SetPartitionLeaderEpoch(_scratch, 0);
        builder.AppendCopy(_scratch);
        await AppendAsync(builder, position + RecordBatchHeader.Size, position + header.SizeBytes, cancellationToken);
    }

    /// <summary>A copy of a batch with its offset in the log, for those who look into it.</summary>
    public async ValueTask<byte[]> CopyBatchAsync(
        long position, RecordBatchHeader header, long baseOffset, CancellationToken cancellationToken)
    {
        var batch = new byte[header.SizeBytes];
        for (int copied = 0; copied < batch.Length;)
        {
            ReadOnlyMemory<byte> part = await SliceAsync(position + copied, batch.Length - copied, cancellationToken);
            part.CopyTo(batch.AsMemory(copied));
            copied += part.Length;
        }
        RecordBatchHeader.SetBaseOffset(batch, baseOffset);
        return batch;
    }

    public void Dispose()
    {
        _lease?.Dispose();
        _lease = null;
        _chunkNumber = -1;
    }

    private async ValueTask AppendAsync(RecordSetBuilder builder, long position, long end, CancellationToken cancellationToken)
    {
        while (position < end)
        {
            ReadOnlyMemory<byte> part = await SliceAsync(position, (int)(end - position), cancellationToken);
            builder.Append(part, _lease!.Value.Buffer);
            position += part.Length;
        }
    }

    /// <summary>The bytes at a position that lie in one chunk: at least one, at most as many as asked for.</summary>
    private async ValueTask<ReadOnlyMemory<byte>> SliceAsync(long position, int length, CancellationToken cancellationToken)
    {
        int number = (int)(position / ObjectFormat.ChunkSize);
        if (number != _chunkNumber)
        {
            // Not held while waiting: whoever waits for the store should not keep memory from others.
            Dispose();
            _lease = await _chunks.GetAsync(_id, _key, number, _sizeBytes, cancellationToken);
            _chunkNumber = number;
        }
        int offset = (int)(position % ObjectFormat.ChunkSize);
        ReadOnlyMemory<byte> chunk = _lease!.Value.Memory;
        return chunk.Slice(offset, Math.Min(length, chunk.Length - offset));
    }
}
