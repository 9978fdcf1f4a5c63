using Warp.Protocol.Records;
using Xunit;
using Record = Warp.Protocol.Records.Record;

namespace Warp.Specs.Protocol.Records;

public sealed class ControlRecordSpec
{
    [Theory]
    [InlineData(ControlRecordType.Abort)]
    [InlineData(ControlRecordType.Commit)]
    public void A_marker_is_read_from_its_batch(ControlRecordType type)
    {
        var marker = new ControlRecord(type, CoordinatorEpoch: 17);
        byte[] batch = marker.BuildBatch(producerId: 99, producerEpoch: 4, timestamp: 1_000, baseOffset: 500);

        using RecordBatchReader reader = RecordBatchReader.Open(batch, 1_000);
        Assert.True(reader.TryRead(out Record record));
        Assert.True(ControlRecord.TryRead(record, out ControlRecord read));
        Assert.Equal(marker, read);
        Assert.Equal(500, record.Offset);

        RecordBatchHeader header = reader.Header;
        Assert.True(header.IsControl && header.IsTransactional);
        Assert.Equal((99L, (short)4, -1, 1), (header.ProducerId, header.ProducerEpoch, header.BaseSequence, header.RecordsCount));
        Assert.Equal((1_000L, 501L), (header.MaxTimestamp, header.NextOffset));
        Assert.Equal(Crc32C.Compute(batch.AsSpan(RecordBatchHeader.AttributesOffset)), header.Crc);
    }

    [Fact]
    public void The_layout_is_Kafkas()
    {
        byte[] batch = new ControlRecord(ControlRecordType.Commit, CoordinatorEpoch: 17).BuildBatch(99, 4, 1_000);
        using RecordBatchReader reader = RecordBatchReader.Open(batch, 1_000);
        Assert.True(reader.TryRead(out Record record));

        Assert.Equal([0, 0, 0, 1], record.Key.ToArray());
        Assert.Equal([0, 0, 0, 0, 0, 17], record.Value.ToArray());
    }

    [Theory]
    [InlineData(new byte[] { 0, 1, 0, 1 })]
    [InlineData(new byte[] { 0, 0, 0, 2 })]
    [InlineData(new byte[] { 0, 0, 0xFF, 0xFF })]
    public void Unknown_versions_and_types_are_not_markers(byte[] key) =>
        Assert.False(ControlRecord.TryRead(new Record { HasKey = true, Key = key }, out _));

    [Fact]
    public void A_cut_key_or_value_is_corrupt()
    {
        Assert.Throws<CorruptRecordException>(() => ControlRecord.TryRead(new Record { Key = new byte[3] }, out _));
        Assert.Throws<CorruptRecordException>(() => ControlRecord.TryRead(new Record { Key = new byte[4], Value = new byte[5] }, out _));
    }
}
