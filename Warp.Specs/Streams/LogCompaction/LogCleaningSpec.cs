using System.Text;
using Warp.Protocol.Compression;
using Warp.Protocol.Records;
using Warp.Specs.Hosting;
using Warp.Streams.LogCompaction;
using Xunit;
using Record = Warp.Protocol.Records.Record;

namespace Warp.Specs.Streams.LogCompaction;

public sealed class LogCleaningSpec
{
    private const int MaxDecompressed = 1 << 20;
    private const long Now = 1_790_000_000_000;
    private const long DeleteRetention = 60_000;

    public static TheoryData<CompressionType> AllCodecs => [.. Enum.GetValues<CompressionType>()];

    [Theory]
    [MemberData(nameof(AllCodecs))]
    public void The_last_record_of_each_key_stays_as_it_was_sent(CompressionType codec)
    {
        byte[][] log =
        [
            Batch(0, codec, ("a", "1"), ("b", "1"), ("a", "2")),
            Batch(3, codec, ("c", "1"), ("b", "2")),
            Batch(5, codec, ("d", "1"), ("a", "3")),
        ];

        List<Kept> kept = Clean(log, out BatchCleaner cleaner);

        Assert.Equal([(3, "c", "1"), (4, "b", "2"), (5, "d", "1"), (6, "a", "3")], kept.Select(static one => (one.Offset, one.Key, one.Value)));
        Assert.Equal([Now + 3, Now + 4, Now + 5, Now + 6], kept.Select(static one => one.Timestamp));
        Assert.All(kept, one => Assert.Equal(($"h{one.Offset}", codec), (one.Header, one.Codec)));
        Assert.Equal((4, 3), (cleaner.KeptCount, cleaner.RemovedCount));
    }

    [Fact]
    public void A_batch_of_which_all_stays_is_not_touched()
    {
        byte[][] log = [Batch(0, CompressionType.Zstd, ("a", "1"), ("b", "1")), Batch(2, CompressionType.None, ("c", "1"))];
        DeadRecords dead = Scan(log, 1 << 20).Dead;
        var cleaner = new BatchCleaner(dead, Now, DeleteRetention, MaxDecompressed);
        Assert.All(log, batch => Assert.True(cleaner.Clean(batch).Equals((ReadOnlyMemory<byte>)batch)));
    }

    [Fact]
    public void A_batch_keeps_its_offsets_producer_and_sequence_and_may_stay_without_records()
    {
        byte[] first = Batch(10, CompressionType.Gzip, ("a", "1"), ("b", "1"), ("c", "1"));
        byte[][] log = [first, Batch(13, CompressionType.None, ("a", "2"), ("b", "2"), ("c", "2"))];
        DeadRecords dead = Scan(log, 1 << 20).Dead;
        var nothing = new BatchCleaner(dead, Now, DeleteRetention, MaxDecompressed).Clean(first);

        Assert.True(nothing.IsEmpty);
        Assert.True(RecordBatchHeader.TryRead(first, out RecordBatchHeader before));
        ReadOnlyMemory<byte> empty = RecordBatchFilter.WithoutRecords(before);
        Assert.True(RecordBatchHeader.TryRead(empty.Span, out RecordBatchHeader after));
        Assert.Equal(RecordBatchHeader.Size, empty.Length);
        Assert.Equal(before with { RecordsCount = 0, BatchLength = after.BatchLength, Crc = after.Crc }, after);
        Assert.Equal(after.Crc, Crc32C.Compute(empty.Span[RecordBatchHeader.AttributesOffset..]));
        Assert.Empty(Read(empty));
    }

    [Fact]
    public void A_tombstone_gets_a_horizon_when_it_is_first_cleaned_and_goes_when_that_has_passed()
    {
        byte[][] log = [Batch(0, CompressionType.Lz4, ("a", "1"), ("b", "1")), Batch(2, CompressionType.Lz4, ("a", null), ("c", "1"))];

        byte[][] first = CleanTo(log, Now, out BatchCleaner cleaner);
        Assert.Equal(Now + DeleteRetention, cleaner.EarliestDeleteHorizonMs);
        Assert.Equal([(1, "b", "1"), (2, "a", null), (3, "c", "1")], first.SelectMany(Read).Select(Brief));
        Assert.Equal([Now + 1, Now + 2, Now + 3], first.SelectMany(Read).Select(static one => one.Timestamp));

        // The horizon stays the one of the first time.
        byte[][] second = CleanTo(first, Now + DeleteRetention - 1, out cleaner);
        Assert.Equal(Now + DeleteRetention, cleaner.EarliestDeleteHorizonMs);
        Assert.Equal([(1, "b", "1"), (2, "a", null), (3, "c", "1")], second.SelectMany(Read).Select(Brief));

        byte[][] third = CleanTo(second, Now + DeleteRetention, out cleaner);
        Assert.Null(cleaner.EarliestDeleteHorizonMs);
        Assert.Equal([(1, "b", "1"), (3, "c", "1")], third.SelectMany(Read).Select(Brief));
        Assert.Equal([Now + 1, Now + 3], third.SelectMany(Read).Select(static one => one.Timestamp));
    }

    [Fact]
    public void Records_without_a_key_go_and_those_with_an_empty_one_stay()
    {
        byte[][] log = [Batch(0, CompressionType.None, (null, "1"), ("", "1"), (null, "2"), ("", "2"))];
        Assert.Equal([(3, "", "2")], Clean(log, out _).Select(Brief));
    }

    [Fact]
    public void Batches_with_LogAppendTime_keep_that_time()
    {
        byte[] batch = Batch(0, CompressionType.None, ("a", "1"), ("a", null), ("b", "1"));
        RecordBatchHeader.SetLogAppendTime(batch, 12345);
        byte[][] cleaned = CleanTo([batch], Now, out _);
        Assert.Equal([(1, "a", null), (2, "b", "1")], cleaned.SelectMany(Read).Select(Brief));
        Assert.All(cleaned.SelectMany(Read), static one => Assert.Equal(12345, one.Timestamp));
    }

    /// <summary>Against a dictionary, with so little memory that the log has to be read several times.</summary>
    [Fact]
    public void Random_logs_keep_what_a_dictionary_keeps_whatever_the_memory()
    {
        int seed = TestRun.TakeSeed();
        bool sawPasses = false;
        for (int run = 0; run < 60; run++)
        {
            var random = new Random(HashCode.Combine(seed, run));
            int keys = random.Next(1, 400);
            long offset = 0;
            var log = new List<byte[]>();
            var expected = new Dictionary<string, (long, string)>();
            for (int b = 0; b < 60; b++)
            {
                offset += random.Next(3) * 7; // Holes that earlier compactions have left.
                (string Key, string Value)[] records =
                    [.. Enumerable.Range(0, random.Next(1, 20)).Select(i => ($"k{random.Next(keys)}", $"{b}.{i}"))];
                log.Add(Batch(offset, (CompressionType)random.Next(5), records!));
                foreach ((string key, string value) in records)
                    expected[key] = (offset++, value);
            }
            KeyScan scan = Scan(log, random.Next(1, 200) * 24);
            sawPasses |= scan.Passes > 2;
            var cleaner = new BatchCleaner(scan.Dead, Now, DeleteRetention, MaxDecompressed);
            Kept[] kept = [.. log.SelectMany(batch => Read(cleaner.Clean(batch)))];

            Assert.Equal(
                expected.OrderBy(static entry => entry.Value).Select(static entry => (entry.Value.Item1, entry.Key, entry.Value.Item2)),
                kept.Select(static one => (one.Offset, one.Key!, one.Value!)));
        }
        Assert.True(sawPasses);
    }

    [Fact]
    public void A_table_that_fits_is_filled_in_one_pass_whatever_the_number_of_records()
    {
        var scan = new KeyScan(1 << 20, MaxDecompressed);
        for (int b = 0; b < 1000; b++)
            scan.Add(Batch(b * 100, CompressionType.None, [.. Enumerable.Range(0, 100).Select(i => ($"k{i * 7}", "v"))]));
        Assert.False(scan.NextPass());
        Assert.Equal((1, 100_000, 99_900), (scan.Passes, scan.RecordCount, scan.Dead.Count));
    }

    private static (long, string?, string?) Brief(Kept one) => (one.Offset, one.Key, one.Value);

    private static List<Kept> Clean(IEnumerable<byte[]> log, out BatchCleaner cleaner) => [.. CleanTo(log, Now, out cleaner).SelectMany(Read)];

    private static byte[][] CleanTo(IEnumerable<byte[]> log, long now, out BatchCleaner cleaner)
    {
        DeadRecords dead = Scan(log, 1 << 20).Dead;
        BatchCleaner made = cleaner = new BatchCleaner(dead, now, DeleteRetention, MaxDecompressed);
        return [.. log.Select(batch => made.Clean(batch).ToArray()).Where(static batch => batch.Length > 0)];
    }

    private static KeyScan Scan(IEnumerable<byte[]> log, int memory)
    {
        var scan = new KeyScan(memory, MaxDecompressed);
        do
        {
            foreach (byte[] batch in log)
                scan.Add(batch);
        }
        while (scan.NextPass());
        return scan;
    }

    private static byte[] Batch(long baseOffset, CompressionType codec, params (string? Key, string? Value)[] records)
    {
        var builder = new RecordBatchBuilder { BaseOffset = baseOffset, Codec = codec, ProducerId = 7, ProducerEpoch = 1, BaseSequence = 100 };
        for (int i = 0; i < records.Length; i++)
        {
            (string? key, string? value) = records[i];
            builder.Append(
                Now + baseOffset + i, Bytes(key), Bytes(value), KeyValuePair.Create("h", (byte[]?)Encoding.UTF8.GetBytes($"h{baseOffset + i}")));
        }
        return builder.Build();
    }

    private static byte[]? Bytes(string? text) => text is null ? null : Encoding.UTF8.GetBytes(text);

    private static List<Kept> Read(ReadOnlyMemory<byte> batch)
    {
        var kept = new List<Kept>();
        if (batch.IsEmpty)
            return kept;
        using RecordBatchReader reader = RecordBatchReader.Open(batch.Span, MaxDecompressed);
        while (reader.TryRead(out Record record))
        {
            string header = "";
            foreach (RecordHeader one in record.Headers)
                header = Encoding.UTF8.GetString(one.Value);
            kept.Add(new Kept(
                record.Offset,
                record.HasKey ? Encoding.UTF8.GetString(record.Key) : null,
                record.HasValue ? Encoding.UTF8.GetString(record.Value) : null,
                record.Timestamp,
                header,
                reader.Header.Codec));
        }
        return kept;
    }

    private static List<Kept> Read(byte[] batch) => Read(batch.AsMemory());

    private sealed record Kept(long Offset, string? Key, string? Value, long Timestamp, string Header, CompressionType Codec);
}
