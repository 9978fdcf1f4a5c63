using Warp.Load.Connections;
using Warp.Protocol.Compression;
using Warp.Protocol.Records;
using Xunit;

namespace Warp.Specs.Load.Connections;

public sealed class BatchTemplateSpec
{
    private static readonly BatchRules _rules = new() { MaxMessageBytes = 4 << 20 };

    [Theory]
    [InlineData(1, 1, CompressionType.None)]
    [InlineData(100, 1_000, CompressionType.None)]
    [InlineData(1_024, 65_536, CompressionType.None)]
    [InlineData(1_024, 65_536, CompressionType.Zstd)]
    [InlineData(1_024, 3_000_000, CompressionType.None)]
    public void A_stamped_batch_is_valid_and_says_what_was_stamped(int recordBytes, int batchBytes, CompressionType codec)
    {
        var template = BatchTemplate.Build(recordBytes, batchBytes, codec, keys: 0, seed: 1, producerId: 7, producerEpoch: 3);
        (long, int)[] stamps = [(1_700_000_000_000, 0), (1_700_000_000_001, 64), (1_800_000_000_000, int.MaxValue)];
        foreach ((long unixMs, int sequence) in stamps)
        {
            template.Stamp(unixMs, sequence);
            Assert.Equal(BatchDefect.None, RecordBatchValidator.Validate(template.Bytes, _rules, out RecordBatchHeader header));
            Assert.Equal(
                (unixMs, unixMs, sequence, 7L, (short)3),
                (header.BaseTimestamp, header.MaxTimestamp, header.BaseSequence, header.ProducerId, header.ProducerEpoch));
        }
    }

    [Fact]
    public void A_batch_has_as_many_records_of_the_size_as_fit()
    {
        var template = BatchTemplate.Build(recordBytes: 1_000, batchBytes: 16_384, CompressionType.None, keys: 5, seed: 1);
        using RecordBatchReader reader = RecordBatchReader.Open(template.Bytes, 1 << 20);
        var keys = new HashSet<string>();
        int records = 0;
        while (reader.TryRead(out Warp.Protocol.Records.Record record))
        {
            records++;
            Assert.Equal(1_000, record.Key.Length + record.Value.Length);
            keys.Add(Convert.ToHexString(record.Key));
        }
        Assert.Equal((16, 16), (records, template.Records));
        Assert.InRange(keys.Count, 2, 5);
        Assert.False(template.IsIdempotent);
    }

    [Fact]
    public void The_same_seed_makes_the_same_batch()
    {
        byte[] Build() => BatchTemplate.Build(100, 1_000, CompressionType.None, keys: 3, seed: 9).Bytes;
        Assert.Equal(Build(), Build());
    }

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(7)]
    [InlineData(4_096)]
    [InlineData(100_001)]
    public void A_checksum_is_carried_over_a_change_of_the_first_bytes(int bytesBehind)
    {
        var random = new Random(bytesBehind);
        var before = new byte[12 + bytesBehind];
        random.NextBytes(before);
        byte[] after = [.. before];
        random.NextBytes(after.AsSpan(0, 12));
        byte[] difference = [.. before.Take(12).Zip(after, static (one, other) => (byte)(one ^ other))];
        Assert.Equal(Crc32C.Compute(after), new CrcShift(bytesBehind).Update(Crc32C.Compute(before), difference));
    }
}
