using System.Text;
using Warp.Protocol.Compression;
using Warp.Protocol.Records;
using Xunit;
using Record = Warp.Protocol.Records.Record;

namespace Warp.Specs.Protocol.Records;

public sealed class RecordBatchReaderSpec(ITestOutputHelper output)
{
    private const int Limit = 1 << 20;

    public static TheoryData<CompressionType> EveryCodec => [.. Enum.GetValues<CompressionType>()];

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void What_was_built_is_read(CompressionType codec)
    {
        byte[] batch = Sample(codec, baseOffset: 1_000);

        using RecordBatchReader reader = RecordBatchReader.Open(batch, Limit);

        Assert.True(reader.TryRead(out Record full));
        Assert.Equal((0, 1_000L, 0L, 5_000L), (full.OffsetDelta, full.Offset, full.TimestampDelta, full.Timestamp));
        Assert.Equal("key"u8, full.Key);
        Assert.Equal("value"u8, full.Value);
        Assert.Equal(["trace=id", "empty=", "null", "trace=again"], Describe(full.Headers));

        Assert.True(reader.TryRead(out Record tombstone));
        Assert.Equal((1, 1_001L), (tombstone.OffsetDelta, tombstone.Offset));
        Assert.Equal((-1_000L, 4_000L), (tombstone.TimestampDelta, tombstone.Timestamp));
        Assert.True(tombstone.HasKey);
        Assert.False(tombstone.HasValue);
        Assert.Equal(0, tombstone.Headers.Count);

        Assert.True(reader.TryRead(out Record keyless));
        Assert.False(keyless.HasKey);
        Assert.True(keyless.HasValue);
        Assert.Equal(0, keyless.Value.Length);
        Assert.Equal(long.MaxValue, keyless.Timestamp);

        Assert.False(reader.TryRead(out _));
        Assert.False(reader.TryRead(out _));
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void The_max_timestamp_is_that_of_the_latest_record(CompressionType codec)
    {
        byte[] batch = new RecordBatchBuilder { Codec = codec }.Append(5, null, null).Append(9, null, null).Append(-1, null, null).Build();
        Assert.Equal(9, RecordBatchReader.ComputeMaxTimestamp(batch, Limit));
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void A_batch_that_compaction_emptied_has_no_records(CompressionType codec)
    {
        var bytes = new byte[RecordBatchHeader.Size];
        new RecordBatchHeader { Magic = 2, BatchLength = 49, Attributes = (short)codec, LastOffsetDelta = 9 }.Write(bytes);

        using RecordBatchReader reader = RecordBatchReader.Open(bytes, Limit);

        Assert.False(reader.TryRead(out _));
        Assert.Equal(-1, RecordBatchReader.ComputeMaxTimestamp(bytes, Limit));
    }

    [Fact]
    public void A_record_count_that_lies_is_found()
    {
        byte[] batch = Sample(CompressionType.None);
        foreach (byte count in (byte[])[2, 4])
        {
            batch[RecordBatchHeader.RecordsCountOffset + 3] = count;
            Assert.Throws<CorruptRecordException>(() => ReadAll(batch));
        }
    }

    [Fact]
    public void A_batch_that_decompresses_to_too_much_is_not_read()
    {
        byte[] batch = new RecordBatchBuilder { Codec = CompressionType.Lz4 }.Append(1, null, new byte[100_000]).Build();
        Assert.Throws<DecompressionLimitException>(() => RecordBatchReader.Open(batch, 99_999).Dispose());
    }

    [Theory]
    [InlineData(new byte[] { 0x80 })] // a varint that does not end
    [InlineData(new byte[] { 0x80, 0x80, 0x80, 0x80, 0x80, 0 })] // one of six bytes
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF, 0x7F })] // one of 35 bits
    [InlineData(new byte[] { 1 })] // a length of -1
    [InlineData(new byte[] { 2, 0 })] // a record of its attributes alone
    [InlineData(new byte[] { 12, 0, 0, 0, 3, 1, 0 })] // a key of -2 bytes
    [InlineData(new byte[] { 12, 0, 0, 0, 4, 1, 0 })] // a key longer than the record
    [InlineData(new byte[] { 12, 0, 0, 0, 1, 1, 1 })] // -1 headers
    [InlineData(new byte[] { 12, 0, 0, 0, 1, 1, 2 })] // a header that is not there
    [InlineData(new byte[] { 16, 0, 0, 0, 1, 1, 2, 1, 1 })] // a header without a key
    [InlineData(new byte[] { 14, 0, 0, 0, 1, 1, 0, 0 })] // a byte too many in the record
    [InlineData(new byte[] { 12, 0, 0, 0, 1, 1, 0, 0 })] // a byte too many in the batch
    public void A_malformed_record_is_refused(byte[] records) => Assert.Throws<CorruptRecordException>(() => ReadAll(Wrap(records)));

    [Fact]
    public void The_smallest_record_is_read() => ReadAll(Wrap([12, 0, 0, 0, 1, 1, 0]));

    [Fact]
    public void Mutated_batches_are_read_or_refused_but_nothing_else()
    {
        Random random = SeededRandom.Create(output);
        byte[][] samples = [.. Enum.GetValues<CompressionType>().Select(codec => Sample(codec))];
        int refused = 0;
        for (int i = 0; i < 20_000; i++)
        {
            byte[] mutated = [.. samples[i % samples.Length]];
            for (int changes = random.Next(1, 4); changes > 0; changes--)
                mutated[random.Next(mutated.Length)] = (byte)random.Next(256);
            if (random.Next(4) == 0)
                mutated = mutated[..random.Next(mutated.Length)];
            try
            {
                ReadAll(mutated);
            }
            catch (CorruptRecordException)
            {
                refused++;
            }
        }
        Assert.InRange(refused, 5_000, 20_000);
    }

    private static byte[] Sample(CompressionType codec, long baseOffset = 0) =>
        new RecordBatchBuilder { Codec = codec, BaseOffset = baseOffset }
            .Append(
                5_000, "key"u8.ToArray(), "value"u8.ToArray(),
                new("trace", "id"u8.ToArray()), new("empty", []), new("null", null), new("trace", "again"u8.ToArray()))
            .Append(4_000, [0], null)
            .Append(long.MaxValue, null, [])
            .Build();

    private static byte[] Wrap(byte[] records)
    {
        byte[] batch = [.. new byte[RecordBatchHeader.Size], .. records];
        new RecordBatchHeader { Magic = 2, BatchLength = batch.Length - 12, RecordsCount = 1 }.Write(batch);
        return batch;
    }

    private static void ReadAll(byte[] batch)
    {
        using RecordBatchReader reader = RecordBatchReader.Open(batch, Limit);
        while (reader.TryRead(out Record record))
            Describe(record.Headers);
    }

    private static List<string> Describe(RecordHeaders headers)
    {
        var texts = new List<string>();
        foreach (RecordHeader header in headers)
            texts.Add(header.HasValue ? $"{header.KeyText}={Encoding.UTF8.GetString(header.Value)}" : header.KeyText);
        return texts;
    }
}
