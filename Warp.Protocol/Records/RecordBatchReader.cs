using Warp.Protocol.Compression;
using Warp.Protocol.Wire;

namespace Warp.Protocol.Records;

/// <summary>
/// Reads the records of one batch, front to back and in place; a compressed batch is decompressed into a pooled buffer first.
/// Dispose it: its records are gone then.
/// </summary>
/// <remarks>
/// The bytes are not trusted: whatever does not follow the format is a <see cref="CorruptRecordException"/>. The CRC is not checked;
/// <see cref="RecordBatchValidator"/> does that once, at produce.
/// </remarks>
public ref struct RecordBatchReader : IDisposable
{
    private readonly PooledBuffer? _decompressed;
    private RecordCursor _cursor;
    private int _left;

    private RecordBatchReader(RecordBatchHeader header, ReadOnlySpan<byte> records, PooledBuffer? decompressed)
    {
        Header = header;
        _decompressed = decompressed;
        _cursor = new RecordCursor(records);
        _left = header.RecordsCount;
    }

    public RecordBatchHeader Header { get; }

    /// <summary>Starts at the first record of the batch at the start of <paramref name="batch"/>.</summary>
    /// <param name="batch">A whole batch; bytes after its end are ignored. Must stay as it is while the reader is used.</param>
    /// <param name="maxDecompressedBytes">What its records may take when decompressed.</param>
    /// <exception cref="CorruptRecordException">No batch, a cut one, or its compressed block is damaged.</exception>
    /// <exception cref="DecompressionLimitException">It decompresses to more than allowed.</exception>
    /// <exception cref="CodecUnavailableException">The codec's native library is missing.</exception>
    public static RecordBatchReader Open(ReadOnlySpan<byte> batch, int maxDecompressedBytes)
    {
        if (!RecordBatchHeader.TryRead(batch, out RecordBatchHeader header) || header.SizeBytes > batch.Length)
            throw new CorruptRecordException("The bytes are not a whole record batch of format v2.");
        if (header.RecordsCount < 0)
            throw new CorruptRecordException($"A record batch cannot hold {header.RecordsCount} records.");

        ReadOnlySpan<byte> records = batch[RecordBatchHeader.Size..header.SizeBytes];
        // An empty batch that compaction left behind keeps its codec bits but has no compressed block.
        if (header.Codec == CompressionType.None || header.RecordsCount == 0)
            return new RecordBatchReader(header, records, decompressed: null);
        if (header.Codec > CompressionType.Zstd)
            throw new CorruptRecordException($"The record batch names the unknown codec {(int)header.Codec}.");
        PooledBuffer decompressed = Codecs.For(header.Codec).Decompress(records, maxDecompressedBytes);
        return new RecordBatchReader(header, decompressed.Memory.Span, decompressed);
    }

    /// <summary>Reads the next record, its headers checked as well.</summary>
    /// <returns>False after the last record.</returns>
    /// <exception cref="CorruptRecordException">The record is malformed, or bytes are left after the last one.</exception>
    public bool TryRead(out Record record)
    {
        if (_left == 0)
        {
            if (!_cursor.AtEnd)
                throw new CorruptRecordException("Bytes are left after the last record of a batch.");
            record = default;
            return false;
        }
        _left--;
        record = Parse(new RecordCursor(_cursor.ReadBytes(_cursor.ReadVarint())));
        return true;
    }

    /// <summary>
    /// The greatest timestamp of the records, in milliseconds since 1970, for batches that came without one in their header.
    /// </summary>
    /// <returns>-1 when no record has a timestamp.</returns>
    /// <inheritdoc cref="Open" path="/param"/>
    /// <inheritdoc cref="Open" path="/exception"/>
    public static long ComputeMaxTimestamp(ReadOnlySpan<byte> batch, int maxDecompressedBytes)
    {
        using RecordBatchReader reader = Open(batch, maxDecompressedBytes);
        long max = RecordBatchHeader.NoTimestamp;
        while (reader.TryRead(out Record record))
            max = Math.Max(max, record.Timestamp);
        return max;
    }

    public void Dispose() => _decompressed?.Release();

    private readonly Record Parse(RecordCursor body)
    {
        body.ReadByte(); // The record's attributes: no bit of them means anything yet.
        long timestampDelta = body.ReadVarlong();
        ReadOnlySpan<byte> fromOffsetDelta = body.Rest;
        int offsetDelta = body.ReadVarint();
        ReadOnlySpan<byte> key = body.ReadNullableBytes(out bool hasKey);
        ReadOnlySpan<byte> value = body.ReadNullableBytes(out bool hasValue);
        int headerCount = body.ReadVarint();
        if (headerCount < 0)
            throw new CorruptRecordException($"A record cannot have {headerCount} headers.");
        var headers = new RecordHeaders(headerCount, body.Rest);
        foreach (RecordHeader _ in headers)
        {
        }

        return new Record
        {
            OffsetDelta = offsetDelta,
            Offset = Header.BaseOffset + offsetDelta,
            TimestampDelta = timestampDelta,
            Timestamp = Header.TimestampType == TimestampType.LogAppendTime
                ? Header.MaxTimestamp
                : Header.BaseTimestamp + timestampDelta,
            HasKey = hasKey,
            Key = key,
            HasValue = hasValue,
            Value = value,
            Headers = headers,
            FromOffsetDelta = fromOffsetDelta,
        };
    }
}
