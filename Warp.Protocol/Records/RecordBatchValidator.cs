using Warp.Protocol.Compression;

namespace Warp.Protocol.Records;

/// <summary>
/// The broker's checks on what a producer sent for one partition (Produce v3 and later). Pure. Works on the header and the CRC; records
/// are looked at only when the rules need it.
/// </summary>
public static class RecordBatchValidator
{
    // Length, attributes, timestamp delta, offset delta, key length, value length, header count: one byte each.
    private const int SmallestRecordBytes = 7;

    private const int ClientAttributes =
        RecordBatchHeader.CodecMask | RecordBatchHeader.LogAppendTimeBit
        | RecordBatchHeader.TransactionalBit | RecordBatchHeader.ControlBit;

    /// <summary>Checks that <paramref name="records"/> is exactly one batch that may be appended.</summary>
    /// <param name="records">The record bytes of one partition in the request.</param>
    /// <param name="rules">What the topic and the request's version allow.</param>
    /// <param name="header">The batch's header; the default value when the framing is already wrong.</param>
    /// <returns>The first defect, or <see cref="BatchDefect.None"/>.</returns>
    public static BatchDefect Validate(ReadOnlySpan<byte> records, in BatchRules rules, out RecordBatchHeader header)
    {
        BatchDefect defect = CheckFraming(records, rules, out header);
        if (defect == BatchDefect.None)
            defect = CheckAttributes(header, rules);
        if (defect == BatchDefect.None)
            defect = CheckNumbers(header, rules);
        if (defect == BatchDefect.None && rules.RequireKeys)
            defect = CheckRecords(records, rules);
        return defect;
    }

    /// <summary>
    /// The positions (from 0) of the records without a key, for the record errors of a Produce answer that refuses with
    /// <see cref="BatchDefect.MissingKey"/>.
    /// </summary>
    /// <inheritdoc cref="RecordBatchReader.Open" path="/exception"/>
    public static IReadOnlyList<int> FindRecordsWithoutKey(ReadOnlySpan<byte> batch, int maxDecompressedBytes)
    {
        var found = new List<int>();
        using RecordBatchReader reader = RecordBatchReader.Open(batch, maxDecompressedBytes);
        for (int index = 0; reader.TryRead(out Record record); index++)
        {
            if (!record.HasKey)
                found.Add(index);
        }
        return found;
    }

    private static BatchDefect CheckFraming(ReadOnlySpan<byte> records, in BatchRules rules, out RecordBatchHeader header)
    {
        header = default;
        if (records.IsEmpty)
            return BatchDefect.Empty;
        if (records.Length <= RecordBatchHeader.MagicOffset)
            return BatchDefect.Truncated;
        // The magic is at the same place in every format, and the old ones may be shorter than a header of this one.
        byte magic = records[RecordBatchHeader.MagicOffset];
        if (magic != RecordBatchHeader.CurrentMagic)
            return magic < RecordBatchHeader.CurrentMagic ? BatchDefect.OldMagic : BatchDefect.UnknownMagic;
        if (records.Length < RecordBatchHeader.Size)
            return BatchDefect.Truncated;
        if (!RecordBatchHeader.TryRead(records, out RecordBatchHeader found))
            return BatchDefect.BadLength;
        if (found.SizeBytes > records.Length)
            return BatchDefect.Truncated;
        if (found.SizeBytes < records.Length)
            return BatchDefect.MoreThanOneBatch;
        if (found.SizeBytes > rules.MaxMessageBytes)
            return BatchDefect.TooLarge;
        if (Crc32C.Compute(records[RecordBatchHeader.AttributesOffset..]) != found.Crc)
            return BatchDefect.BadCrc;
        header = found;
        return BatchDefect.None;
    }

    private static BatchDefect CheckAttributes(in RecordBatchHeader header, in BatchRules rules)
    {
        if ((header.Attributes & ~ClientAttributes) != 0)
            return BatchDefect.UnknownAttributes;
        if (header.IsControl)
            return BatchDefect.ControlBit;
        if (header.TimestampType == TimestampType.LogAppendTime)
            return BatchDefect.LogAppendTimeBit;
        if (header.Codec > CompressionType.Zstd)
            return BatchDefect.UnknownCodec;
        return header.Codec == CompressionType.Zstd && !rules.AllowZstd ? BatchDefect.ZstdTooOld : BatchDefect.None;
    }

    private static BatchDefect CheckNumbers(in RecordBatchHeader header, in BatchRules rules)
    {
        if (header.BaseOffset != 0)
            return BatchDefect.BadBaseOffset;
        if (header.RecordsCount <= 0 || header.RecordsCount - 1 != header.LastOffsetDelta)
            return BatchDefect.BadCount;
        // Offsets are given out by this count: nobody may take two thousand million of them with an empty batch.
        int recordBytes = header.SizeBytes - RecordBatchHeader.Size;
        if (header.Codec == CompressionType.None && header.RecordsCount > recordBytes / SmallestRecordBytes)
            return BatchDefect.BadCount;
        if (header.IsTransactional && !header.HasProducerId)
            return BatchDefect.MissingProducerId;
        if (header.HasProducerId && header.ProducerEpoch < 0)
            return BatchDefect.MissingProducerEpoch;
        if (header.HasProducerId && header.BaseSequence < 0)
            return BatchDefect.MissingSequence;
        return IsAllowed(header.BaseTimestamp, rules) && IsAllowed(header.MaxTimestamp, rules)
            ? BatchDefect.None
            : BatchDefect.TimestampOutOfRange;
    }

    private static bool IsAllowed(long timestamp, in BatchRules rules) =>
        timestamp == RecordBatchHeader.NoTimestamp || (timestamp >= rules.EarliestTimestamp && timestamp <= rules.LatestTimestamp);

    private static BatchDefect CheckRecords(ReadOnlySpan<byte> records, in BatchRules rules)
    {
        try
        {
            using RecordBatchReader reader = RecordBatchReader.Open(records, rules.MaxDecompressedBytes);
            bool keysMissing = false;
            for (int index = 0; reader.TryRead(out Record record); index++)
            {
                if (record.OffsetDelta != index)
                    return BatchDefect.BadOffsetDelta;
                keysMissing |= !record.HasKey;
            }
            return keysMissing ? BatchDefect.MissingKey : BatchDefect.None;
        }
        catch (DecompressionLimitException)
        {
            return BatchDefect.DecompressedTooLarge;
        }
        catch (CodecUnavailableException)
        {
            return BatchDefect.CodecUnavailable;
        }
        catch (CorruptRecordException)
        {
            return BatchDefect.CorruptRecords;
        }
    }
}
