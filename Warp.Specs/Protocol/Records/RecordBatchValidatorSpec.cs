using System.Buffers.Binary;
using Warp.Protocol.Compression;
using Warp.Protocol.Records;
using Xunit;

namespace Warp.Specs.Protocol.Records;

public sealed class RecordBatchValidatorSpec
{
    private static readonly BatchRules Rules = new() { MaxMessageBytes = 10_000 };

    private static RecordBatchBuilder Idempotent(CompressionType codec = CompressionType.None) =>
        Fill(new RecordBatchBuilder { ProducerId = 5, ProducerEpoch = 0, BaseSequence = 0, Codec = codec });

    private static RecordBatchBuilder Fill(RecordBatchBuilder builder) =>
        builder.Append(1_000, "a"u8.ToArray(), "one"u8.ToArray()).Append(2_000, null, "two"u8.ToArray());

    [Theory]
    [InlineData(CompressionType.None)]
    [InlineData(CompressionType.Gzip)]
    [InlineData(CompressionType.Snappy)]
    [InlineData(CompressionType.Lz4)]
    [InlineData(CompressionType.Zstd)]
    public void A_good_batch_passes(CompressionType codec)
    {
        byte[] batch = Idempotent(codec).Build();

        Assert.Equal(BatchDefect.None, RecordBatchValidator.Validate(batch, Rules, out RecordBatchHeader header));
        Assert.Equal(codec, header.Codec);
        Assert.Equal(2, header.RecordsCount);
    }

    [Fact]
    public void A_plain_and_a_transactional_batch_pass()
    {
        Expect(BatchDefect.None, Fill(new RecordBatchBuilder()).Build());
        Expect(
            BatchDefect.None,
            Fill(new RecordBatchBuilder { ProducerId = 0, ProducerEpoch = 0, BaseSequence = 9, IsTransactional = true }).Build());
    }

    [Fact]
    public void No_bytes_are_no_batch() => Expect(BatchDefect.Empty, []);

    [Fact]
    public void Every_cut_of_a_batch_is_truncated()
    {
        byte[] batch = Idempotent().Build();
        for (int length = 1; length < batch.Length; length++)
            Expect(BatchDefect.Truncated, batch[..length]);
    }

    [Fact]
    public void Two_batches_are_one_too_many() => Expect(BatchDefect.MoreThanOneBatch, [.. Idempotent().Build(), .. Idempotent().Build()]);

    [Fact]
    public void Trailing_bytes_are_not_accepted() => Expect(BatchDefect.MoreThanOneBatch, [.. Idempotent().Build(), 0]);

    [Theory]
    [InlineData(0, BatchDefect.OldMagic)]
    [InlineData(1, BatchDefect.OldMagic)]
    [InlineData(3, BatchDefect.UnknownMagic)]
    public void Other_formats_are_refused(byte magic, BatchDefect defect) =>
        Expect(defect, Changed(batch => batch[RecordBatchHeader.MagicOffset] = magic));

    [Fact]
    public void A_short_message_of_the_old_format_is_refused_as_such() => Expect(BatchDefect.OldMagic, new byte[26]);

    [Theory]
    [InlineData(48)]
    [InlineData(-1)]
    [InlineData(int.MaxValue)]
    public void An_impossible_length_is_refused(int length) =>
        Expect(BatchDefect.BadLength, Changed(batch => SetInt32(batch, RecordBatchHeader.BatchLengthOffset, length)));

    [Fact]
    public void Every_flipped_bit_that_the_checksum_covers_is_found()
    {
        byte[] batch = Idempotent().Build();
        for (int bit = 8 * RecordBatchHeader.CrcOffset; bit < 8 * batch.Length; bit++)
        {
            byte[] flipped = [.. batch];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Expect(BatchDefect.BadCrc, flipped);
        }
    }

    [Fact]
    public void The_greatest_allowed_size_passes_and_one_more_does_not()
    {
        byte[] batch = Idempotent().Build();
        Assert.Equal(BatchDefect.None, RecordBatchValidator.Validate(batch, Rules with { MaxMessageBytes = batch.Length }, out _));
        Assert.Equal(BatchDefect.TooLarge, RecordBatchValidator.Validate(batch, Rules with { MaxMessageBytes = batch.Length - 1 }, out _));
    }

    [Fact]
    public void The_base_offset_must_be_zero() =>
        Expect(BatchDefect.BadBaseOffset, Changed(batch => RecordBatchHeader.SetBaseOffset(batch, 1)));

    [Theory]
    [InlineData(0, -1)]
    [InlineData(-1, -2)]
    [InlineData(1, 1)]
    [InlineData(2, 0)]
    [InlineData(int.MinValue, int.MaxValue)]
    [InlineData(int.MaxValue, int.MaxValue - 1)]
    public void The_count_must_agree_with_the_offsets_and_the_size(int count, int lastOffsetDelta) =>
        Expect(BatchDefect.BadCount, Changed(batch =>
        {
            SetInt32(batch, RecordBatchHeader.RecordsCountOffset, count);
            SetInt32(batch, RecordBatchHeader.LastOffsetDeltaOffset, lastOffsetDelta);
        }));

    [Fact]
    public void Control_batches_are_not_for_clients() =>
        Expect(BatchDefect.ControlBit, new ControlRecord(ControlRecordType.Commit, 0).BuildBatch(5, 0, 1_000));

    [Fact]
    public void The_timestamp_type_is_not_for_clients()
    {
        byte[] batch = Idempotent().Build();
        RecordBatchHeader.SetLogAppendTime(batch, 1_000);
        Expect(BatchDefect.LogAppendTimeBit, batch);
    }

    [Theory]
    [InlineData(0x0040)]
    [InlineData(0x0080)]
    [InlineData(0x4000)]
    [InlineData(0x8000)]
    public void Other_attribute_bits_are_refused(int bits) => Expect(BatchDefect.UnknownAttributes, WithAttributes(bits));

    [Theory]
    [InlineData(5)]
    [InlineData(6)]
    [InlineData(7)]
    public void An_unknown_codec_is_refused(int codec) => Expect(BatchDefect.UnknownCodec, WithAttributes(codec));

    [Fact]
    public void Zstd_is_refused_from_a_client_too_old_for_it() =>
        Assert.Equal(
            BatchDefect.ZstdTooOld,
            RecordBatchValidator.Validate(Idempotent(CompressionType.Zstd).Build(), Rules with { AllowZstd = false }, out _));

    [Fact]
    public void A_producer_id_needs_an_epoch_and_a_sequence()
    {
        Expect(BatchDefect.MissingSequence, Fill(new RecordBatchBuilder { ProducerId = 0, ProducerEpoch = 0 }).Build());
        Expect(BatchDefect.MissingProducerEpoch, Fill(new RecordBatchBuilder { ProducerId = 0, BaseSequence = 0 }).Build());
    }

    [Fact]
    public void A_transaction_needs_a_producer_id() =>
        Expect(BatchDefect.MissingProducerId, Fill(new RecordBatchBuilder { IsTransactional = true }).Build());

    [Theory]
    [InlineData(1_000, 2_000, BatchDefect.None)]
    [InlineData(1_001, 2_000, BatchDefect.TimestampOutOfRange)]
    [InlineData(1_000, 1_999, BatchDefect.TimestampOutOfRange)]
    public void Timestamps_must_be_in_the_topics_range(long earliest, long latest, BatchDefect defect)
    {
        BatchRules rules = Rules with { EarliestTimestamp = earliest, LatestTimestamp = latest };
        Assert.Equal(defect, RecordBatchValidator.Validate(Idempotent().Build(), rules, out _));
    }

    [Fact]
    public void A_batch_without_timestamps_is_in_every_range()
    {
        byte[] batch = new RecordBatchBuilder().Append(RecordBatchHeader.NoTimestamp, null, [1]).Build();
        BatchRules rules = Rules with { EarliestTimestamp = 1_000, LatestTimestamp = 2_000 };
        Assert.Equal(BatchDefect.None, RecordBatchValidator.Validate(batch, rules, out _));
    }

    [Theory]
    [InlineData(CompressionType.None)]
    [InlineData(CompressionType.Zstd)]
    public void A_compacted_topic_needs_keys_and_the_records_without_one_are_named(CompressionType codec)
    {
        BatchRules compacted = Rules with { RequireKeys = true };
        byte[] keyless = Idempotent(codec).Append(3_000, [1], null).Append(4_000, null, null).Build();
        byte[] keyed = new RecordBatchBuilder { Codec = codec }.Append(1, [], null).Append(2, [1], null).Build();

        Assert.Equal(BatchDefect.MissingKey, RecordBatchValidator.Validate(keyless, compacted, out _));
        Assert.Equal([1, 3], RecordBatchValidator.FindRecordsWithoutKey(keyless, 1_000));
        Assert.Equal(BatchDefect.None, RecordBatchValidator.Validate(keyed, compacted, out _));
        Assert.Empty(RecordBatchValidator.FindRecordsWithoutKey(keyed, 1_000));
    }

    [Fact]
    public void Records_that_are_walked_must_be_well_formed_and_numbered()
    {
        BatchRules compacted = Rules with { RequireKeys = true };
        // The first record's length is the first byte of the records, its offset delta the fourth.
        byte[] malformed = Changed(batch => batch[RecordBatchHeader.Size] += 2);
        byte[] misnumbered = Changed(batch => batch[RecordBatchHeader.Size + 3] = 2);

        Assert.Equal(BatchDefect.CorruptRecords, RecordBatchValidator.Validate(malformed, compacted, out _));
        Assert.Equal(BatchDefect.BadOffsetDelta, RecordBatchValidator.Validate(misnumbered, compacted, out _));
        Expect(BatchDefect.None, malformed);
    }

    [Fact]
    public void Records_that_are_walked_may_not_decompress_to_more_than_allowed()
    {
        byte[] bomb = new RecordBatchBuilder { Codec = CompressionType.Zstd }.Append(1, [1], new byte[100_000]).Build();
        BatchRules rules = Rules with { RequireKeys = true, MaxDecompressedBytes = 50_000 };
        Assert.Equal(BatchDefect.DecompressedTooLarge, RecordBatchValidator.Validate(bomb, rules, out _));
    }

    [Fact]
    public void Every_defect_has_a_text_and_only_a_good_batch_has_no_error_code()
    {
        foreach (BatchDefect defect in Enum.GetValues<BatchDefect>())
        {
            (short errorCode, string text) = BatchDefects.Describe(defect);
            Assert.Equal(defect == BatchDefect.None, errorCode == 0);
            Assert.Equal(defect == BatchDefect.None, text.Length == 0);
        }
    }

    [Theory]
    [InlineData(BatchDefect.BadCrc, 2)]
    [InlineData(BatchDefect.TooLarge, 10)]
    [InlineData(BatchDefect.LogAppendTimeBit, 32)]
    [InlineData(BatchDefect.TimestampOutOfRange, 32)]
    [InlineData(BatchDefect.ZstdTooOld, 76)]
    [InlineData(BatchDefect.UnknownCodec, 76)]
    [InlineData(BatchDefect.OldMagic, 87)]
    [InlineData(BatchDefect.MoreThanOneBatch, 87)]
    [InlineData(BatchDefect.MissingKey, 87)]
    public void The_error_codes_are_Kafkas(BatchDefect defect, short errorCode) =>
        Assert.Equal(errorCode, BatchDefects.Describe(defect).ErrorCode);

    private static void Expect(BatchDefect defect, byte[] records) =>
        Assert.Equal(defect, RecordBatchValidator.Validate(records, Rules, out _));

    private static byte[] WithAttributes(int bits) =>
        Changed(batch => BinaryPrimitives.WriteInt16BigEndian(batch.AsSpan(RecordBatchHeader.AttributesOffset), (short)bits));

    private static byte[] Changed(Action<byte[]> change)
    {
        byte[] batch = Idempotent().Build();
        change(batch);
        RecordBatchHeader.SetCrc(batch);
        return batch;
    }

    private static void SetInt32(byte[] batch, int offset, int value) => BinaryPrimitives.WriteInt32BigEndian(batch.AsSpan(offset), value);
}
