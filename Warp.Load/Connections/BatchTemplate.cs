using System.Buffers.Binary;
using System.Security.Cryptography;
using Warp.Protocol.Compression;
using Warp.Protocol.Records;

namespace Warp.Load.Connections;

/// <summary>
/// A record batch that is built once and sent again and again: before each sending its time is set, and its sequence number where there is
/// a producer id, with the CRC. That costs some tens of nanoseconds, however long the batch is. Not thread-safe.
/// </summary>
public sealed class BatchTemplate
{
    /// <summary>What may change lies between the attributes and the records' count.</summary>
    private const int FirstChange = RecordBatchHeader.AttributesOffset;

    private const int EndOfChange = RecordBatchHeader.RecordsCountOffset;

    private readonly CrcShift _crc;

    private BatchTemplate(byte[] bytes, int records, bool isIdempotent)
    {
        Bytes = bytes;
        Records = records;
        IsIdempotent = isIdempotent;
        _crc = new CrcShift(bytes.Length - EndOfChange);
    }

    /// <summary>The whole batch, as it is to be sent next.</summary>
    public byte[] Bytes { get; }

    /// <summary>Records in it.</summary>
    public int Records { get; }

    /// <summary>Whether it has a producer id, and so a sequence number.</summary>
    public bool IsIdempotent { get; }

    /// <summary>Builds a batch of records that compress to about a half, as text does.</summary>
    /// <param name="recordBytes">Key and value of one record, 1 or more.</param>
    /// <param name="batchBytes">Keys and values of all records; at least one record is in it whatever this says.</param>
    /// <param name="codec">The compression.</param>
    /// <param name="keys">How many different keys the records have; 0 for none.</param>
    /// <param name="seed">The same seed, the same bytes.</param>
    /// <param name="producerId">Of an idempotent producer, or -1.</param>
    /// <param name="producerEpoch">Of an idempotent producer, or -1.</param>
    public static BatchTemplate Build(
        int recordBytes, int batchBytes, CompressionType codec, int keys, int seed, long producerId = -1, short producerEpoch = -1)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(recordBytes, 1);
        var random = new Random(seed);
        int count = Math.Max(1, batchBytes / recordBytes);
        var builder = new RecordBatchBuilder
        {
            Codec = codec,
            ProducerId = producerId,
            ProducerEpoch = producerEpoch,
            BaseSequence = producerId < 0 ? RecordBatchHeader.NoSequence : 0,
        };
        for (int i = 0; i < count; i++)
        {
            byte[]? key = keys > 0 ? Key(random.Next(keys), recordBytes) : null;
            byte[] value = new byte[recordBytes - (key?.Length ?? 0)];
            // 16 different bytes: four bits of content in each eight.
            for (int at = 0; at < value.Length; at++)
                value[at] = (byte)('a' + random.Next(16));
            builder.Append(0, key, value);
        }
        return new BatchTemplate(builder.Build(), count, producerId >= 0);
    }

    /// <summary>Sets what changes from sending to sending. All records get the same time.</summary>
    /// <param name="unixMs">The time, in milliseconds since 1970.</param>
    /// <param name="sequence">The sequence number of the first record, or -1.</param>
    public void Stamp(long unixMs, int sequence)
    {
        Span<byte> changing = Bytes.AsSpan(FirstChange..EndOfChange);
        Span<byte> difference = stackalloc byte[EndOfChange - FirstChange];
        changing.CopyTo(difference);
        BinaryPrimitives.WriteInt64BigEndian(Bytes.AsSpan(RecordBatchHeader.BaseTimestampOffset), unixMs);
        BinaryPrimitives.WriteInt64BigEndian(Bytes.AsSpan(RecordBatchHeader.MaxTimestampOffset), unixMs);
        BinaryPrimitives.WriteInt32BigEndian(Bytes.AsSpan(RecordBatchHeader.BaseSequenceOffset), sequence);
        for (int i = 0; i < difference.Length; i++)
            difference[i] ^= changing[i];
        Span<byte> crc = Bytes.AsSpan(RecordBatchHeader.CrcOffset);
        BinaryPrimitives.WriteUInt32BigEndian(crc, _crc.Update(BinaryPrimitives.ReadUInt32BigEndian(crc), difference));
    }

    /// <summary>A key of up to 16 bytes: its number, spread so that keys do not come in an order.</summary>
    private static byte[] Key(int number, int recordBytes)
    {
        Span<byte> bytes = stackalloc byte[4];
        BinaryPrimitives.WriteInt32BigEndian(bytes, number);
        return SHA256.HashData(bytes)[..Math.Min(16, recordBytes)];
    }
}
