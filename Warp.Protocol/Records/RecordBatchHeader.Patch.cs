using System.Buffers.Binary;

namespace Warp.Protocol.Records;

// What a broker changes in a batch that a client sent, in place. Each method takes the bytes from the start of the batch; bytes after
// its end are left alone.
public readonly partial record struct RecordBatchHeader
{
    /// <summary>Gives the batch its place in the log. The CRC does not cover it.</summary>
    public static void SetBaseOffset(Span<byte> batch, long baseOffset) =>
        BinaryPrimitives.WriteInt64BigEndian(batch[BaseOffsetOffset..], baseOffset);

    /// <summary>The CRC does not cover it.</summary>
    public static void SetPartitionLeaderEpoch(Span<byte> batch, int epoch) =>
        BinaryPrimitives.WriteInt32BigEndian(batch[PartitionLeaderEpochOffset..], epoch);

    /// <summary>Marks the batch as LogAppendTime with that time as max timestamp, and recomputes the CRC over the whole batch.</summary>
    /// <param name="batch">At least one whole batch.</param>
    /// <param name="timestamp">Milliseconds since 1970.</param>
    public static void SetLogAppendTime(Span<byte> batch, long timestamp)
    {
        Span<byte> attributes = batch[AttributesOffset..];
        short before = BinaryPrimitives.ReadInt16BigEndian(attributes);
        BinaryPrimitives.WriteInt16BigEndian(attributes, (short)(before | LogAppendTimeBit));
        SetMaxTimestamp(batch, timestamp);
    }

    /// <summary>Sets the max timestamp and recomputes the CRC over the whole batch.</summary>
    /// <param name="batch">At least one whole batch.</param>
    /// <param name="timestamp">Milliseconds since 1970.</param>
    public static void SetMaxTimestamp(Span<byte> batch, long timestamp)
    {
        BinaryPrimitives.WriteInt64BigEndian(batch[MaxTimestampOffset..], timestamp);
        int batchLength = BinaryPrimitives.ReadInt32BigEndian(batch[BatchLengthOffset..]);
        SetCrc(batch[..(LogOverhead + batchLength)]);
    }

    /// <summary>Computes and writes the CRC of exactly one batch.</summary>
    public static void SetCrc(Span<byte> batch) =>
        BinaryPrimitives.WriteUInt32BigEndian(batch[CrcOffset..], Crc32C.Compute(batch[AttributesOffset..]));
}
