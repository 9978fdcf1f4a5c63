using System.Buffers.Binary;
using Warp.Protocol.Compression;

namespace Warp.Protocol.Records;

/// <summary>
/// The 61-byte header of a record batch, format v2 (magic 2, KIP-98), big-endian. The CRC covers everything from
/// <see cref="AttributesOffset"/> to the end of the batch, so the fields before it can be patched for free.
/// </summary>
public readonly partial record struct RecordBatchHeader
{
    public const int BaseOffsetOffset = 0;
    public const int BatchLengthOffset = 8;
    public const int PartitionLeaderEpochOffset = 12;
    public const int MagicOffset = 16;
    public const int CrcOffset = 17;
    public const int AttributesOffset = 21;
    public const int LastOffsetDeltaOffset = 23;
    public const int BaseTimestampOffset = 27;
    public const int MaxTimestampOffset = 35;
    public const int ProducerIdOffset = 43;
    public const int ProducerEpochOffset = 51;
    public const int BaseSequenceOffset = 53;
    public const int RecordsCountOffset = 57;

    /// <summary>Bytes of the header; the records follow.</summary>
    public const int Size = 61;

    /// <summary>Bytes of base offset and length, which <see cref="BatchLength"/> does not count.</summary>
    public const int LogOverhead = 12;

    /// <summary>The only format that is stored here.</summary>
    public const byte CurrentMagic = 2;

    public const long NoTimestamp = -1;
    public const long NoProducerId = -1;
    public const short NoProducerEpoch = -1;
    public const int NoSequence = -1;

    public const short CodecMask = 0x07;
    public const short LogAppendTimeBit = 0x08;
    public const short TransactionalBit = 0x10;
    public const short ControlBit = 0x20;
    public const short DeleteHorizonBit = 0x40;

    /// <summary>Offset of the first record (of the batch as it was produced; compaction may have removed it).</summary>
    public long BaseOffset { get; init; }

    /// <summary>Bytes after this field.</summary>
    public int BatchLength { get; init; }

    public int PartitionLeaderEpoch { get; init; }

    public byte Magic { get; init; }

    /// <summary>CRC-32C of the bytes from the attributes to the end.</summary>
    public uint Crc { get; init; }

    public short Attributes { get; init; }

    /// <summary>Offset of the last record minus <see cref="BaseOffset"/>; kept by compaction.</summary>
    public int LastOffsetDelta { get; init; }

    /// <summary>
    /// Milliseconds since 1970 to which the records' deltas are added: the first record's time, or the delete horizon when
    /// <see cref="DeleteHorizonBit"/> is set (KIP-534).
    /// </summary>
    public long BaseTimestamp { get; init; }

    /// <summary>Greatest timestamp of the records, in milliseconds since 1970; -1 when unknown (old sarama sends that).</summary>
    public long MaxTimestamp { get; init; }

    /// <summary>-1 without idempotence.</summary>
    public long ProducerId { get; init; }

    /// <summary>-1 without idempotence.</summary>
    public short ProducerEpoch { get; init; }

    /// <summary>Sequence number of the first record; -1 without idempotence and in control batches.</summary>
    public int BaseSequence { get; init; }

    /// <summary>Records in the batch; 0 is legal after compaction.</summary>
    public int RecordsCount { get; init; }

    /// <summary>Bytes of the whole batch, header included.</summary>
    public int SizeBytes => LogOverhead + BatchLength;

    public long LastOffset => BaseOffset + LastOffsetDelta;

    public long NextOffset => LastOffset + 1;

    /// <summary>A value above <see cref="CompressionType.Zstd"/> is a codec that nobody has defined.</summary>
    public CompressionType Codec => (CompressionType)(Attributes & CodecMask);

    public TimestampType TimestampType => (Attributes & LogAppendTimeBit) == 0 ? TimestampType.CreateTime : TimestampType.LogAppendTime;

    public bool IsTransactional => (Attributes & TransactionalBit) != 0;

    public bool IsControl => (Attributes & ControlBit) != 0;

    public bool HasDeleteHorizon => (Attributes & DeleteHorizonBit) != 0;

    public bool HasProducerId => ProducerId > NoProducerId;

    /// <summary>Sequence number of the last record, or -1 when the batch has none.</summary>
    public int LastSequence => BaseSequence < 0 ? NoSequence : AddToSequence(BaseSequence, LastOffsetDelta);

    /// <summary>Moves a sequence number on; after <see cref="int.MaxValue"/> comes 0.</summary>
    /// <param name="sequence">0 or more.</param>
    /// <param name="increment">0 or more.</param>
    public static int AddToSequence(int sequence, int increment) => (int)(((long)sequence + increment) & int.MaxValue);

    /// <summary>
    /// Reads the header at the start of <paramref name="bytes"/>. Neither the CRC nor the presence of the records is checked.
    /// </summary>
    /// <returns>False when there are fewer than 61 bytes, another magic, or a length that no batch can have.</returns>
    public static bool TryRead(ReadOnlySpan<byte> bytes, out RecordBatchHeader header)
    {
        header = default;
        if (bytes.Length < Size || bytes[MagicOffset] != CurrentMagic)
            return false;
        int batchLength = BinaryPrimitives.ReadInt32BigEndian(bytes[BatchLengthOffset..]);
        if (batchLength is < Size - LogOverhead or > int.MaxValue - LogOverhead)
            return false;
        header = new RecordBatchHeader
        {
            BaseOffset = BinaryPrimitives.ReadInt64BigEndian(bytes[BaseOffsetOffset..]),
            BatchLength = batchLength,
            PartitionLeaderEpoch = BinaryPrimitives.ReadInt32BigEndian(bytes[PartitionLeaderEpochOffset..]),
            Magic = CurrentMagic,
            Crc = BinaryPrimitives.ReadUInt32BigEndian(bytes[CrcOffset..]),
            Attributes = BinaryPrimitives.ReadInt16BigEndian(bytes[AttributesOffset..]),
            LastOffsetDelta = BinaryPrimitives.ReadInt32BigEndian(bytes[LastOffsetDeltaOffset..]),
            BaseTimestamp = BinaryPrimitives.ReadInt64BigEndian(bytes[BaseTimestampOffset..]),
            MaxTimestamp = BinaryPrimitives.ReadInt64BigEndian(bytes[MaxTimestampOffset..]),
            ProducerId = BinaryPrimitives.ReadInt64BigEndian(bytes[ProducerIdOffset..]),
            ProducerEpoch = BinaryPrimitives.ReadInt16BigEndian(bytes[ProducerEpochOffset..]),
            BaseSequence = BinaryPrimitives.ReadInt32BigEndian(bytes[BaseSequenceOffset..]),
            RecordsCount = BinaryPrimitives.ReadInt32BigEndian(bytes[RecordsCountOffset..]),
        };
        return true;
    }

    /// <summary>Writes every field, the CRC as it stands in this value.</summary>
    /// <param name="destination">At least <see cref="Size"/> bytes.</param>
    public void Write(Span<byte> destination)
    {
        BinaryPrimitives.WriteInt64BigEndian(destination[BaseOffsetOffset..], BaseOffset);
        BinaryPrimitives.WriteInt32BigEndian(destination[BatchLengthOffset..], BatchLength);
        BinaryPrimitives.WriteInt32BigEndian(destination[PartitionLeaderEpochOffset..], PartitionLeaderEpoch);
        destination[MagicOffset] = Magic;
        BinaryPrimitives.WriteUInt32BigEndian(destination[CrcOffset..], Crc);
        BinaryPrimitives.WriteInt16BigEndian(destination[AttributesOffset..], Attributes);
        BinaryPrimitives.WriteInt32BigEndian(destination[LastOffsetDeltaOffset..], LastOffsetDelta);
        BinaryPrimitives.WriteInt64BigEndian(destination[BaseTimestampOffset..], BaseTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(destination[MaxTimestampOffset..], MaxTimestamp);
        BinaryPrimitives.WriteInt64BigEndian(destination[ProducerIdOffset..], ProducerId);
        BinaryPrimitives.WriteInt16BigEndian(destination[ProducerEpochOffset..], ProducerEpoch);
        BinaryPrimitives.WriteInt32BigEndian(destination[BaseSequenceOffset..], BaseSequence);
        BinaryPrimitives.WriteInt32BigEndian(destination[RecordsCountOffset..], RecordsCount);
    }
}
