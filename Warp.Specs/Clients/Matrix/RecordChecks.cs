using Warp.Protocol.Compression;
using Xunit;

namespace Warp.Specs.Clients.Matrix;

/// <summary>The checks of producing, and of consuming from partitions.</summary>
internal static class RecordChecks
{
    /// <summary>The check that a record keeps the time that it is given.</summary>
    public const string Timestamps = "timestamps";

    private const int MessageTooLarge = 10;

    /// <summary>Kafka's names of the codecs.</summary>
    public static IReadOnlyList<string> Codecs { get; } = ["none", "gzip", "snappy", "lz4", "zstd"];

    public static IReadOnlyList<MatrixCheck> All { get; } =
    [
        .. Codecs.Select(codec => new MatrixCheck(ProduceWith(codec), (context, cancellation) => CodecAsync(context, codec, cancellation))),
        new("keys", KeysAsync),
        new("acks=0", (context, cancellation) => AcksAsync(context, 0, cancellation)),
        new("acks=1", (context, cancellation) => AcksAsync(context, 1, cancellation)),
        new("acks=all", (context, cancellation) => AcksAsync(context, -1, cancellation)),
        new("idempotent producer", IdempotenceAsync),
        new("error for a record that is too large", TooLargeAsync),
        new("watermark offsets", WatermarksAsync),
        new("offset for a time", OffsetForTimeAsync),
        new("null and empty keys and values", EmptyAsync),
        new("headers", HeadersAsync),
        new(Timestamps, TimestampsAsync),
        new("LogAppendTime", LogAppendTimeAsync),
        new("a record of 900 KB", LargeAsync),
        new("seek to beginning, end, offset", SeekAsync),
        new("seek to a time", SeekToTimeAsync),
    ];

    /// <summary>The name of the check that produces with a codec.</summary>
    public static string ProduceWith(string codec) => codec == "none" ? "produce uncompressed" : $"produce with {codec}";

    /// <summary>The topic that the check has written.</summary>
    public static string CodecTopic(string client, string codec) => $"{client}-codec-{codec}";

    private static async Task CodecAsync(CheckContext context, string codec, CancellationToken cancellation)
    {
        string topic = CodecTopic(context.Client, codec);
        await context.Driver.ProduceAsync(new(topic, 0, MatrixCorpus.Records, codec), cancellation);

        // A client that cannot compress for this broker says nothing and sends uncompressed.
        var batches = await context.FetchBatchesAsync(topic, cancellation);
        Assert.Equal(MatrixCorpus.Records.Count, batches.Sum(batch => batch.RecordsCount));
        Assert.All(batches, batch => Assert.Equal(Enum.Parse<CompressionType>(codec, ignoreCase: true), batch.Codec));
    }

    private static async Task KeysAsync(CheckContext context, CancellationToken cancellation)
    {
        const int Partitions = 4;
        string topic = await context.PrepareTopicAsync("keys", cancellation, Partitions);
        var records = Enumerable.Range(0, 60).Select(n => MatrixRecord.Of($"key {n % 20}", $"value {n}")).ToList();
        await context.Driver.ProduceAsync(new(topic, null, records), cancellation);

        var partitions = new List<IReadOnlyList<MatrixRecord>>();
        for (int partition = 0; partition < Partitions; partition++)
            partitions.Add((await context.Reference.ReadAsync(topic, partition, ["beginning"], cancellation))[0]);
        var read = partitions.SelectMany(each => each);
        Assert.Equal(records.Select(record => record.Content).Order(), read.Select(record => record.Content).Order());
        Assert.True(partitions.Count(each => each.Count > 0) > 1, "all keys went to one partition");
        var homes = partitions.SelectMany((each, partition) => each.Select(record => (Key: Convert.ToHexString(record.Key!), partition)));
        Assert.All(homes.Distinct().GroupBy(each => each.Key), key => Assert.Single(key));
    }

    private static async Task AcksAsync(CheckContext context, int acks, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync($"acks-{acks}", cancellation);
        var records = Enumerable.Range(0, 10).Select(n => MatrixRecord.Of(null, $"value {n}")).ToList();
        await context.Driver.ProduceAsync(new(topic, 0, records, Acks: acks), cancellation);

        // With acks=0 the client does not know when they are there.
        while (acks == 0 && (await context.Reference.WatermarksAsync(topic, 0, cancellation)).High < records.Count)
            await Task.Delay(20, cancellation);
        var read = (await context.Reference.ReadAsync(topic, 0, ["beginning"], cancellation))[0];
        AssertContent(records, read);
    }

    private static async Task IdempotenceAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("idempotent", cancellation);
        var records = Enumerable.Range(0, 10).Select(n => MatrixRecord.Of(null, $"value {n}")).ToList();
        await context.Driver.ProduceAsync(new(topic, 0, records, Idempotent: true), cancellation);

        AssertContent(records, (await context.Reference.ReadAsync(topic, 0, ["beginning"], cancellation))[0]);
        Assert.All(await context.FetchBatchesAsync(topic, cancellation), batch => Assert.True(batch.HasProducerId));
    }

    private static async Task TooLargeAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("small", cancellation, configs: new() { ["max.message.bytes"] = "2000" });
        var refused = await Assert.ThrowsAsync<ClientCallException>(
            () => context.Driver.ProduceAsync(new(topic, 0, [MatrixRecord.Of(null, new string('x', 5000))]), cancellation));
        Assert.Equal(MessageTooLarge, refused.Code);

        await context.Driver.ProduceAsync(new(topic, 0, [MatrixRecord.Of(null, new string('x', 500))]), cancellation);
        Assert.Equal(new(0, 1), await context.Reference.WatermarksAsync(topic, 0, cancellation));
    }

    private static async Task WatermarksAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareRecordsAsync("watermarks", 10, NowMs(), cancellation);
        Assert.Equal(new(0, 10), await context.Driver.WatermarksAsync(topic, 0, cancellation));
        await context.Reference.DeleteRecordsAsync(topic, 0, 3, cancellation);
        Assert.Equal(new(3, 10), await context.Driver.WatermarksAsync(topic, 0, cancellation));
    }

    private static async Task OffsetForTimeAsync(CheckContext context, CancellationToken cancellation)
    {
        long first = NowMs() - 60_000;
        string topic = await context.PrepareRecordsAsync("times", 10, first, cancellation);
        Assert.Equal(0, await context.Driver.OffsetForTimeAsync(topic, 0, first - 5, cancellation));
        Assert.Equal(4, await context.Driver.OffsetForTimeAsync(topic, 0, first + 4000, cancellation));
        Assert.Equal(5, await context.Driver.OffsetForTimeAsync(topic, 0, first + 4001, cancellation));
    }

    private static async Task EmptyAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("empty", cancellation);
        MatrixRecord[] records =
        [
            MatrixRecord.Of(null, "no key"), MatrixRecord.Of("", "empty key"), MatrixRecord.Of("no value", null),
            MatrixRecord.Of("empty value", ""),
        ];
        await context.Driver.ProduceAsync(new(topic, 0, records), cancellation);
        AssertContent(records, await context.ReadAllAsync(topic, cancellation));
    }

    private static async Task HeadersAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("headers", cancellation);
        MatrixRecord[] records =
        [
            MatrixRecord.Of("0", "none"),
            MatrixRecord.Of("1", "one") with { Headers = [MatrixHeader.Of("trace-id", "4bf92f35")] },
            MatrixRecord.Of("2", "several") with
            {
                Headers = [MatrixHeader.Of("b", "1"), MatrixHeader.Of("b", "2"), MatrixHeader.Of("a", "ü"), MatrixHeader.Of("empty", "")],
            },
        ];
        await context.Driver.ProduceAsync(new(topic, 0, records), cancellation);
        AssertContent(records, await context.ReadAllAsync(topic, cancellation));
    }

    private static async Task TimestampsAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("timestamps", cancellation);
        long[] times = [.. Enumerable.Range(0, 5).Select(n => NowMs() - 100_000 + (n * 777))];
        await context.Driver.ProduceAsync(new(topic, 0, [.. times.Select(time => MatrixRecord.Of(null, $"{time}", time))]), cancellation);
        Assert.Equal(times, (await context.ReadAllAsync(topic, cancellation)).Select(record => record.TimestampMs!.Value));
    }

    private static async Task LogAppendTimeAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync(
            "append-time", cancellation, configs: new() { ["message.timestamp.type"] = "LogAppendTime" });
        long before = NowMs();
        await context.Reference.ProduceAsync(new(topic, 0, [MatrixRecord.Of(null, "old", before - 100_000)]), cancellation);
        Assert.InRange(Assert.Single(await context.ReadAllAsync(topic, cancellation)).TimestampMs!.Value, before, NowMs());
    }

    private static async Task LargeAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareTopicAsync("large", cancellation);
        byte[] value = new byte[900_000];
        new Random(900_000).NextBytes(value);
        var large = MatrixRecord.Of("large", null) with { Value = value };
        MatrixRecord[] records = [MatrixRecord.Of("before", "small"), large, MatrixRecord.Of("after", "small")];
        await context.Driver.ProduceAsync(new(topic, 0, records), cancellation);
        AssertContent(records, await context.ReadAllAsync(topic, cancellation));
    }

    private static async Task SeekAsync(CheckContext context, CancellationToken cancellation)
    {
        string topic = await context.PrepareRecordsAsync("seek", 10, NowMs(), cancellation);
        var runs = await context.Driver.ReadAsync(topic, 0, ["4", "end", "beginning", "8"], cancellation);
        AssertOffsets(runs, first: [4, 10, 0, 8], end: 10);
    }

    private static async Task SeekToTimeAsync(CheckContext context, CancellationToken cancellation)
    {
        long first = NowMs() - 60_000;
        string topic = await context.PrepareRecordsAsync("seek-time", 10, first, cancellation);
        string[] positions = [$"time:{first + 6000}", $"time:{first + 2500}", $"time:{first}"];
        var runs = await context.Driver.ReadAsync(topic, 0, positions, cancellation);
        AssertOffsets(runs, first: [6, 3, 0], end: 10);
    }

    private static void AssertOffsets(IReadOnlyList<IReadOnlyList<MatrixRecord>> runs, int[] first, int end)
    {
        Assert.Equal(first.Length, runs.Count);
        foreach (var (start, run) in first.Zip(runs))
            Assert.Equal(Enumerable.Range(start, end - start).Select(n => (long?)n), run.Select(record => record.Offset));
    }

    private static void AssertContent(IEnumerable<MatrixRecord> expected, IEnumerable<MatrixRecord> actual) =>
        Assert.Equal(expected.Select(record => record.Content), actual.Select(record => record.Content));

    private static long NowMs() => DateTimeOffset.UtcNow.ToUnixTimeMilliseconds();
}
