namespace Warp.Protocol.Records;

/// <summary>Why a produced batch is refused; <see cref="BatchDefects"/> has Kafka's error code and a text for each.</summary>
public enum BatchDefect
{
    None,
    Empty,
    Truncated,
    OldMagic,
    UnknownMagic,
    BadLength,
    MoreThanOneBatch,
    TooLarge,
    BadCrc,
    UnknownAttributes,
    ControlBit,
    LogAppendTimeBit,
    UnknownCodec,
    ZstdTooOld,
    BadBaseOffset,
    BadCount,
    MissingProducerId,
    MissingProducerEpoch,
    MissingSequence,
    TimestampOutOfRange,
    CorruptRecords,
    BadOffsetDelta,
    MissingKey,
    DecompressedTooLarge,
    CodecUnavailable,
}
