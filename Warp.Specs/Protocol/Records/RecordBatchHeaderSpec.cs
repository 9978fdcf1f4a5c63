using System.Buffers.Binary;
using Warp.Protocol.Compression;
using Warp.Protocol.Records;
using Xunit;
using Record = Warp.Protocol.Records.Record;

namespace Warp.Specs.Protocol.Records;

public sealed class RecordBatchHeaderSpec
{
    private static readonly byte[] Batch = new RecordBatchBuilder { ProducerId = 7, ProducerEpoch = 2, BaseSequence = 40 }
        .Append(1_000, [1], [2])
        .Append(3_000, null, [3])
        .Append(2_000, [4], null)
        .Build();

    [Fact]
    public void What_was_written_is_read()
    {
        var header = new RecordBatchHeader
        {
            BaseOffset = long.MaxValue - 1,
            BatchLength = 0x01020304,
            PartitionLeaderEpoch = 5,
            Magic = 2,
            Crc = 0xFEDCBA98,
            Attributes = 0x5C,
            LastOffsetDelta = 9,
            BaseTimestamp = 1_700_000_000_000,
            MaxTimestamp = 1_700_000_000_009,
            ProducerId = 77,
            ProducerEpoch = 3,
            BaseSequence = 12,
            RecordsCount = 4,
        };
        var bytes = new byte[RecordBatchHeader.Size];
        header.Write(bytes);

        Assert.True(RecordBatchHeader.TryRead(bytes, out RecordBatchHeader read));
        Assert.Equal(header, read);
        Assert.Equal(CompressionType.Zstd, read.Codec);
        Assert.Equal(TimestampType.LogAppendTime, read.TimestampType);
        Assert.True(read.IsTransactional);
        Assert.False(read.IsControl);
        Assert.True(read.HasDeleteHorizon);
    }

    [Fact]
    public void The_fields_are_where_the_format_has_them()
    {
        Assert.True(RecordBatchHeader.TryRead(Batch, out RecordBatchHeader header));

        Assert.Equal(Batch.Length, header.SizeBytes);
        Assert.Equal(Batch.Length - 12, BinaryPrimitives.ReadInt32BigEndian(Batch.AsSpan(8)));
        Assert.Equal(2, Batch[16]);
        Assert.Equal(Crc32C.Compute(Batch.AsSpan(21)), BinaryPrimitives.ReadUInt32BigEndian(Batch.AsSpan(17)));
        Assert.Equal(2, BinaryPrimitives.ReadInt32BigEndian(Batch.AsSpan(23)));
        Assert.Equal(1_000, BinaryPrimitives.ReadInt64BigEndian(Batch.AsSpan(27)));
        Assert.Equal(3_000, BinaryPrimitives.ReadInt64BigEndian(Batch.AsSpan(35)));
        Assert.Equal(7, BinaryPrimitives.ReadInt64BigEndian(Batch.AsSpan(43)));
        Assert.Equal(2, BinaryPrimitives.ReadInt16BigEndian(Batch.AsSpan(51)));
        Assert.Equal(40, BinaryPrimitives.ReadInt32BigEndian(Batch.AsSpan(53)));
        Assert.Equal(3, BinaryPrimitives.ReadInt32BigEndian(Batch.AsSpan(57)));
    }

    [Fact]
    public void A_cut_header_another_magic_and_an_impossible_length_are_not_read()
    {
        Assert.False(RecordBatchHeader.TryRead(Batch.AsSpan(0, 60), out _));
        Assert.False(RecordBatchHeader.TryRead(With(16, 1), out _));
        Assert.False(RecordBatchHeader.TryRead(With(8, 0xFF), out _));
        Assert.False(RecordBatchHeader.TryRead(With(8, 0x7F, 0xFF, 0xFF, 0xFF), out _));
        Assert.False(RecordBatchHeader.TryRead(With(8, 0, 0, 0, 48), out _));
        Assert.True(RecordBatchHeader.TryRead(With(8, 0, 0, 0, 49), out _));
    }

    [Theory]
    [InlineData(0, 0, 0)]
    [InlineData(40, 2, 42)]
    [InlineData(int.MaxValue - 1, 1, int.MaxValue)]
    [InlineData(int.MaxValue, 1, 0)]
    [InlineData(int.MaxValue - 1, 4, 2)]
    [InlineData(int.MaxValue, int.MaxValue, int.MaxValue - 1)]
    [InlineData(-1, 4, -1)]
    public void The_last_sequence_wraps_from_the_greatest_int_to_zero(int baseSequence, int lastOffsetDelta, int lastSequence)
    {
        var header = new RecordBatchHeader { BaseSequence = baseSequence, LastOffsetDelta = lastOffsetDelta };
        Assert.Equal(lastSequence, header.LastSequence);
    }

    [Fact]
    public void Offset_and_epoch_change_without_the_checksum()
    {
        byte[] patched = [.. Batch];
        RecordBatchHeader.SetBaseOffset(patched, 123_456_789_012);
        RecordBatchHeader.SetPartitionLeaderEpoch(patched, 0);

        RecordBatchHeader header = ReadChecked(patched);
        Assert.Equal(123_456_789_012, header.BaseOffset);
        Assert.Equal(123_456_789_014, header.LastOffset);
        Assert.Equal(0, header.PartitionLeaderEpoch);
        Assert.Equal(Batch[17..], patched[17..]);
    }

    [Fact]
    public void Log_append_time_changes_the_checksum_and_the_time_of_every_record()
    {
        byte[] patched = [.. Batch, 9, 9];
        RecordBatchHeader.SetLogAppendTime(patched, 5_000);

        RecordBatchHeader header = ReadChecked(patched[..^2]);
        Assert.Equal(TimestampType.LogAppendTime, header.TimestampType);
        Assert.Equal(5_000, header.MaxTimestamp);
        Assert.Equal(1_000, header.BaseTimestamp);
        Assert.Equal(9, patched[^1]);
        using RecordBatchReader reader = RecordBatchReader.Open(patched, 1_000);
        while (reader.TryRead(out Record record))
            Assert.Equal(5_000, record.Timestamp);
    }

    [Fact]
    public void A_missing_max_timestamp_is_found_in_the_records_and_written()
    {
        byte[] patched = [.. Batch];
        RecordBatchHeader.SetMaxTimestamp(patched, RecordBatchHeader.NoTimestamp);
        Assert.Equal(-1, ReadChecked(patched).MaxTimestamp);

        RecordBatchHeader.SetMaxTimestamp(patched, RecordBatchReader.ComputeMaxTimestamp(patched, 1_000));

        Assert.Equal(Batch, patched);
    }

    private static RecordBatchHeader ReadChecked(byte[] batch)
    {
        Assert.True(RecordBatchHeader.TryRead(batch, out RecordBatchHeader header));
        Assert.Equal(Crc32C.Compute(batch.AsSpan(RecordBatchHeader.AttributesOffset)), header.Crc);
        return header;
    }

    private static byte[] With(int offset, params byte[] bytes)
    {
        byte[] copy = [.. Batch];
        bytes.CopyTo(copy, offset);
        return copy;
    }
}
