using System.Buffers.Text;
using System.Text.Json;
using Microsoft.Win32.SafeHandles;
using Warp.Protocol.Compression;
using Warp.Protocol.Records;
using Warp.Streams.Format;

namespace Warp.Node.Cli;

/// <summary>Writes the extents of an object, batch by batch; holds the batches against their checksums and the footer.</summary>
internal sealed class BatchInspector(SafeFileHandle file, ObjectFooter footer, InspectionProblems problems)
{
    private readonly byte[] _buffer = new byte[64 << 10];

    private bool HasAbsoluteOffsets => footer.Flags.HasFlag(ObjectFlags.AbsoluteOffsets);

    /// <summary>Writes one extent as a JSON object.</summary>
    public async Task WriteExtentAsync(Utf8JsonWriter json, FooterExtent extent, CancellationToken cancellationToken)
    {
        json.WriteStartObject();
        json.WriteString("topicId", KafkaText(extent.TopicId));
        json.WriteNumber("partition", extent.Partition);
        json.WriteNumber("position", extent.Position);
        json.WriteNumber("lengthBytes", extent.Length);
        json.WriteNumber("batchCount", extent.BatchCount);
        json.WriteNumber("recordCount", extent.RecordCount);
        json.WriteNumber("baseOffset", extent.BaseOffset);
        json.WriteNumber("offsetCount", extent.OffsetCount);
        json.WriteNumber("maxTimestampMs", extent.MaxTimestamp);
        json.WriteNumber("indexSpans", footer.IndexOf(extent).Length);
        json.WriteStartArray("batches");
        await WriteBatchesAsync(json, extent, cancellationToken);
        json.WriteEndArray();
        json.WriteEndObject();
    }

    private async Task WriteBatchesAsync(Utf8JsonWriter json, FooterExtent extent, CancellationToken cancellationToken)
    {
        int batches = 0;
        long records = 0;
        long maxTimestamp = long.MinValue;
        long nextOffset = extent.BaseOffset;
        for (long position = extent.Position; position < extent.End;)
        {
            long left = extent.End - position;
            int length = await ReadAsync(position, (int)Math.Min(RecordBatchHeader.Size, left), cancellationToken);
            if (!RecordBatchHeader.TryRead(_buffer.AsSpan(0, length), out RecordBatchHeader header) || header.SizeBytes > left)
            {
                problems.Add($"at position {position} of {Name(extent)} there is no whole record batch; {left} bytes were skipped");
                return;
            }
            uint crc = await ComputeCrcAsync(position, header.SizeBytes, cancellationToken);
            WriteBatch(json, position, header, crc);
            Check(extent, position, header, crc, nextOffset);
            batches++;
            nextOffset = Math.Max(nextOffset, header.NextOffset);
            records += header.RecordsCount;
            maxTimestamp = Math.Max(maxTimestamp, header.MaxTimestamp);
            position += header.SizeBytes;
            // What was written goes out: an object may have millions of batches.
            if (json.BytesPending >= _buffer.Length)
                await json.FlushAsync(cancellationToken);
        }
        Compare(extent, "batches", extent.BatchCount, batches);
        Compare(extent, "records", extent.RecordCount, records);
        Compare(extent, "as max timestamp", extent.MaxTimestamp, maxTimestamp);
        if (HasAbsoluteOffsets)
            Compare(extent, "offsets", extent.OffsetCount, nextOffset - extent.BaseOffset);
    }

    private static void WriteBatch(Utf8JsonWriter json, long position, in RecordBatchHeader header, uint crc)
    {
        json.WriteStartObject();
        json.WriteNumber("position", position);
        json.WriteNumber("lengthBytes", header.SizeBytes);
        json.WriteNumber("baseOffset", header.BaseOffset);
        json.WriteNumber("lastOffsetDelta", header.LastOffsetDelta);
        json.WriteNumber("recordCount", header.RecordsCount);
        json.WriteString("codec", IsKnown(header.Codec) ? header.Codec.ToString().ToLowerInvariant() : $"unknown ({(int)header.Codec})");
        json.WriteString("timestampType", header.TimestampType.ToString());
        json.WriteNumber("baseTimestampMs", header.BaseTimestamp);
        json.WriteNumber("maxTimestampMs", header.MaxTimestamp);
        json.WriteNumber("producerId", header.ProducerId);
        json.WriteNumber("producerEpoch", header.ProducerEpoch);
        json.WriteNumber("baseSequence", header.BaseSequence);
        json.WriteBoolean("isTransactional", header.IsTransactional);
        json.WriteBoolean("isControl", header.IsControl);
        json.WriteString("crc32c", header.Crc.ToString("x8"));
        json.WriteBoolean("crcIsRight", header.Crc == crc);
        json.WriteEndObject();
    }

    private void Check(in FooterExtent extent, long position, in RecordBatchHeader header, uint crc, long nextOffset)
    {
        string batch = $"the batch at position {position} of {Name(extent)}";
        if (header.Crc != crc)
            problems.Add($"{batch} has the CRC-32C {crc:x8}, its header says {header.Crc:x8}");
        if (!HasAbsoluteOffsets && header.BaseOffset != 0)
            problems.Add($"{batch} has the base offset {header.BaseOffset} where 0 is expected");
        if (HasAbsoluteOffsets && header.BaseOffset < nextOffset)
            problems.Add($"{batch} has the base offset {header.BaseOffset} where at least {nextOffset} is expected");
        if (!IsKnown(header.Codec))
            problems.Add($"{batch} names the unknown codec {(int)header.Codec}");
    }

    private static bool IsKnown(CompressionType codec) => codec <= CompressionType.Zstd;

    private void Compare(in FooterExtent extent, string what, long expected, long actual)
    {
        if (actual != expected)
            problems.Add($"{Name(extent)} has {actual} {what}, the footer says {expected}");
    }

    private static string Name(in FooterExtent extent) => $"partition {extent.Partition} of topic {KafkaText(extent.TopicId)}";

    /// <summary>A topic id as Kafka's tools print it.</summary>
    private static string KafkaText(Guid topicId) => Base64Url.EncodeToString(topicId.ToByteArray(bigEndian: true));

    private async Task<uint> ComputeCrcAsync(long batch, int size, CancellationToken cancellationToken)
    {
        uint crc = 0;
        for (int position = RecordBatchHeader.AttributesOffset; position < size;)
        {
            int length = await ReadAsync(batch + position, Math.Min(_buffer.Length, size - position), cancellationToken);
            crc = Crc32C.Append(crc, _buffer.AsSpan(0, length));
            position += length;
        }
        return crc;
    }

    /// <summary>Reads into the buffer's start, exactly as many bytes as wanted.</summary>
    private async Task<int> ReadAsync(long position, int length, CancellationToken cancellationToken)
    {
        for (int count = 0; count < length;)
        {
            int read = await RandomAccess.ReadAsync(file, _buffer.AsMemory(count, length - count), position + count, cancellationToken);
            if (read == 0)
                throw new InvalidDataException("the file became shorter while it was read");
            count += read;
        }
        return length;
    }
}
