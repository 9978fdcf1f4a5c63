namespace Warp.Protocol.Records;

/// <summary>How a <see cref="BatchDefect"/> is told to a client.</summary>
public static class BatchDefects
{
    private const short NoError = 0;
    private const short CorruptMessage = 2;
    private const short MessageTooLarge = 10;
    private const short InvalidTimestamp = 32;
    private const short UnsupportedCompressionType = 76;
    private const short InvalidRecord = 87;

    /// <summary>Kafka's error code for the defect and the text that goes with it.</summary>
    public static (short ErrorCode, string Text) Describe(BatchDefect defect) => defect switch
    {
        BatchDefect.None => (NoError, ""),
        BatchDefect.Empty => (InvalidRecord, "The partition's records are empty; exactly one record batch is needed."),
        BatchDefect.Truncated => (CorruptMessage, "The record batch is cut."),
        BatchDefect.OldMagic => (InvalidRecord, "Message formats before v2 are not accepted."),
        BatchDefect.UnknownMagic => (InvalidRecord, "The record batch has a format newer than v2."),
        BatchDefect.BadLength => (CorruptMessage, "The length in the record batch's header is impossible."),
        BatchDefect.MoreThanOneBatch => (InvalidRecord, "Only one record batch is accepted for a partition in one request."),
        BatchDefect.TooLarge => (MessageTooLarge, "The record batch is larger than the topic's max.message.bytes."),
        BatchDefect.BadCrc => (CorruptMessage, "The record batch does not have the checksum in its header."),
        BatchDefect.UnknownAttributes => (InvalidRecord, "The record batch sets attribute bits that a client may not set."),
        BatchDefect.ControlBit => (InvalidRecord, "A client may not write control records."),
        BatchDefect.LogAppendTimeBit => (InvalidTimestamp, "A client may not set the timestamp type LogAppendTime."),
        BatchDefect.UnknownCodec => (UnsupportedCompressionType, "The record batch names an unknown compression codec."),
        BatchDefect.ZstdTooOld => (UnsupportedCompressionType, "Compression with zstd needs Produce version 7 or later."),
        BatchDefect.BadBaseOffset => (InvalidRecord, "The base offset of a produced record batch must be 0."),
        BatchDefect.BadCount => (InvalidRecord, "The record count does not agree with the last offset delta or the batch's size."),
        BatchDefect.MissingProducerId => (InvalidRecord, "A transactional record batch needs a producer id."),
        BatchDefect.MissingProducerEpoch => (InvalidRecord, "A record batch with a producer id needs a producer epoch."),
        BatchDefect.MissingSequence => (InvalidRecord, "A record batch with a producer id needs a base sequence."),
        BatchDefect.TimestampOutOfRange => (InvalidTimestamp, "A timestamp of the batch is outside the range that the topic allows."),
        BatchDefect.CorruptRecords => (InvalidRecord, "The records inside the batch are malformed."),
        BatchDefect.BadOffsetDelta => (InvalidRecord, "The records inside the batch are not numbered from 0 without a gap."),
        BatchDefect.MissingKey => (InvalidRecord, "A compacted topic does not accept a record without a key."),
        BatchDefect.DecompressedTooLarge => (MessageTooLarge, "The records decompress to more than this broker accepts."),
        BatchDefect.CodecUnavailable => (UnsupportedCompressionType, "This broker lacks the library for the batch's compression codec."),
        _ => throw new ArgumentOutOfRangeException(nameof(defect), defect, "There is no such defect."),
    };
}
