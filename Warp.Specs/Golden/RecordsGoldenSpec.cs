using System.Text;
using Warp.Protocol.Compression;
using Warp.Protocol.Records;
using Xunit;
using Record = Warp.Protocol.Records.Record;

namespace Warp.Specs.Golden;

/// <summary>
/// Batches that real producers made: librdkafka 2.0.2, fetched back from its mock cluster, and the encoder of kafka-python 2.0.2. Twelve
/// records each: timestamps a second apart, record 3 without key, record 5 without value, headers on the even ones.
/// </summary>
public sealed class RecordsGoldenSpec
{
    private const long FirstTimestamp = 1_700_000_000_000;

    [Theory]
    [InlineData("librdkafka-none", CompressionType.None)]
    [InlineData("librdkafka-gzip", CompressionType.Gzip)]
    [InlineData("librdkafka-snappy", CompressionType.Snappy)]
    [InlineData("librdkafka-lz4", CompressionType.Lz4)]
    [InlineData("librdkafka-zstd", CompressionType.Zstd)]
    [InlineData("kafka-python-none", CompressionType.None)]
    [InlineData("kafka-python-gzip", CompressionType.Gzip)]
    [InlineData("kafka-python-snappy", CompressionType.Snappy)]
    [InlineData("kafka-python-lz4", CompressionType.Lz4)]
    public void A_batch_of_a_real_producer_passes_and_is_read(string name, CompressionType codec)
    {
        byte[] batch = Load(name);
        var rules = new BatchRules { MaxMessageBytes = 10_000 };

        Assert.Equal(BatchDefect.None, RecordBatchValidator.Validate(batch, rules, out RecordBatchHeader header));
        Assert.Equal((codec, 12, 11), (header.Codec, header.RecordsCount, header.LastOffsetDelta));
        Assert.Equal((FirstTimestamp, FirstTimestamp + 11_000), (header.BaseTimestamp, header.MaxTimestamp));
        Assert.Equal(header.MaxTimestamp, RecordBatchReader.ComputeMaxTimestamp(batch, 10_000));

        using RecordBatchReader reader = RecordBatchReader.Open(batch, 10_000);
        for (int i = 0; i < 12; i++)
        {
            Assert.True(reader.TryRead(out Record record));
            Assert.Equal((i, FirstTimestamp + (1_000 * i)), (record.OffsetDelta, record.Timestamp));
            Assert.Equal(i == 3 ? null : $"key-{i}", record.HasKey ? Encoding.UTF8.GetString(record.Key) : null);
            Assert.Equal(i == 5 ? null : Value(i), record.HasValue ? Encoding.UTF8.GetString(record.Value) : null);
            Assert.Equal(ExpectedHeaders(name, i), Headers(record));
        }
        Assert.False(reader.TryRead(out _));
    }

    private static string Value(int index) => $"value-{index}-" + string.Concat(Enumerable.Repeat("warp ", 20));

    // kafka-python cannot send a header without a value.
    private static string ExpectedHeaders(string name, int index) =>
        index % 2 == 1 ? "" : $"trace=id-{index};empty=;" + (name.StartsWith("librdkafka", StringComparison.Ordinal) ? "null;" : "");

    private static string Headers(in Record record)
    {
        var text = new StringBuilder();
        foreach (RecordHeader header in record.Headers)
            text.Append(header.KeyText).Append(header.HasValue ? "=" : "").Append(Encoding.UTF8.GetString(header.Value)).Append(';');
        return text.ToString();
    }

    private static byte[] Load(string name)
    {
        using Stream stream = typeof(RecordsGoldenSpec).Assembly.GetManifestResourceStream($"Warp.Specs.Golden.Records.{name}.bin")
            ?? throw new InvalidOperationException($"There is no golden batch {name}.");
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}
