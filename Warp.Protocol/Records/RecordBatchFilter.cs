using System.Buffers;
using Warp.Protocol.Compression;

namespace Warp.Protocol.Records;

/// <summary>Whether a record stays.</summary>
public delegate bool RecordPredicate(in Record record);

/// <summary>
/// Writes a batch anew without some of its records, as log compaction does: offsets, timestamps, keys, values, headers, codec, producer
/// and sequence numbers stay what they are, and so does the range of offsets that the batch covers.
/// </summary>
public static class RecordBatchFilter
{
    /// <summary>Leaves out the records that do not stay.</summary>
    /// <param name="batch">A whole batch with its base offset; its CRC is not checked.</param>
    /// <param name="stays">Asked once for each record, in order.</param>
    /// <param name="deleteHorizonMs">
    /// When the tombstones of the batch may go (KIP-534), in ms since 1970, to be written into it; null leaves it as it is.
    /// </param>
    /// <param name="maxDecompressedBytes">What its records may take when decompressed.</param>
    /// <returns>The batch; at least one of its records must stay.</returns>
    /// <exception cref="CorruptRecordException">No batch, a cut one, or its records are damaged.</exception>
    /// <exception cref="DecompressionLimitException">It decompresses to more than allowed.</exception>
    public static byte[] Filter(ReadOnlySpan<byte> batch, RecordPredicate stays, long? deleteHorizonMs, int maxDecompressedBytes)
    {
        using RecordBatchReader reader = RecordBatchReader.Open(batch, maxDecompressedBytes);
        RecordBatchHeader header = reader.Header;
        long baseTimestamp = deleteHorizonMs ?? header.BaseTimestamp;
        var records = new ArrayBufferWriter<byte>(batch.Length);
        int count = 0;
        long maxTimestamp = RecordBatchHeader.NoTimestamp;
        Span<byte> prefix = stackalloc byte[RecordVarint.MaxBytes + 1];
        while (reader.TryRead(out Record record))
        {
            if (!stays(record))
                continue;
            count++;
            maxTimestamp = Math.Max(maxTimestamp, record.Timestamp);
            // LogAppendTime records show the batch's time, and their deltas mean nothing: they need not be moved.
            long delta = header.TimestampType == TimestampType.LogAppendTime
                ? record.TimestampDelta
                : header.BaseTimestamp + record.TimestampDelta - baseTimestamp;
            prefix[0] = 0; // The record's attributes: none are defined.
            int length = 1 + RecordVarint.Write(prefix[1..], delta);
            RecordVarint.Write(records, length + record.FromOffsetDelta.Length);
            records.Write(prefix[..length]);
            records.Write(record.FromOffsetDelta);
        }
        return Build(records, header with
        {
            Attributes = deleteHorizonMs is null ? header.Attributes : (short)(header.Attributes | RecordBatchHeader.DeleteHorizonBit),
            BaseTimestamp = baseTimestamp,
            MaxTimestamp = maxTimestamp,
            RecordsCount = count,
        });
    }

    /// <summary>A batch that holds the place of its offsets and has no records any more.</summary>
    /// <param name="header">The header of the batch as it was.</param>
    public static byte[] WithoutRecords(in RecordBatchHeader header)
    {
        var batch = new byte[RecordBatchHeader.Size];
        (header with { RecordsCount = 0, BatchLength = RecordBatchHeader.Size - RecordBatchHeader.LogOverhead }).Write(batch);
        RecordBatchHeader.SetCrc(batch);
        return batch;
    }

    private static byte[] Build(ArrayBufferWriter<byte> records, RecordBatchHeader header)
    {
        var batch = new ArrayBufferWriter<byte>(RecordBatchHeader.Size + records.WrittenCount);
        batch.Advance(RecordBatchHeader.Size);
        if (header.Codec == CompressionType.None)
            batch.Write(records.WrittenSpan);
        else
            Codecs.For(header.Codec).Compress(records.WrittenSpan, batch);
        byte[] bytes = batch.WrittenSpan.ToArray();
        (header with { BatchLength = bytes.Length - RecordBatchHeader.LogOverhead }).Write(bytes);
        RecordBatchHeader.SetCrc(bytes);
        return bytes;
    }
}
