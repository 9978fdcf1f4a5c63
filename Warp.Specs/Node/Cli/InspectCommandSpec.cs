using System.Text.Json;
using Warp.Actors.Sequencing;
using Warp.Node.Cli;
using Warp.Protocol.Compression;
using Warp.Protocol.Records;
using Warp.Specs.Streams.Format;
using Warp.Streams.Format;
using Xunit;

namespace Warp.Specs.Node.Cli;

public sealed class InspectCommandSpec : IDisposable
{
    private static readonly ObjectId s_id = ObjectId.Mint(ObjectSamples.CreatedAt, new Random(1));

    private readonly string _path = Path.GetTempFileName();
    private readonly MemoryStream _output = new();

    public void Dispose()
    {
        File.Delete(_path);
        _output.Dispose();
    }

    [Fact]
    public async Task A_whole_object_is_shown_down_to_its_batches()
    {
        JsonElement json = await InspectAsync(Encode());
        Assert.Equal(_path, json.GetProperty("path").GetString());
        Assert.Equal(s_id.ToString(), json.GetProperty("objectId").GetString());
        Assert.Equal(ObjectSamples.CreatedAt, json.GetProperty("objectIdTime").GetDateTimeOffset());
        Assert.Equal(ObjectSamples.CreatedAt, json.GetProperty("createdAt").GetDateTimeOffset());
        Assert.Equal("cluster-1", json.GetProperty("clusterId").GetString());
        Assert.Equal(1, json.GetProperty("header").GetProperty("version").GetInt32());
        Assert.Equal(2, json.GetProperty("footer").GetProperty("extentCount").GetInt32());
        Assert.False(json.GetProperty("footer").GetProperty("absoluteOffsets").GetBoolean());
        Assert.Equal(0, json.GetProperty("problems").GetArrayLength());

        JsonElement[] extents = [.. json.GetProperty("extents").EnumerateArray()];
        Assert.Equal(
            [(3, 2, 12), (4, 1, 1)],
            extents.Select(extent => (Int(extent, "partition"), Int(extent, "batchCount"), Int(extent, "recordCount"))));
        Assert.Equal("AAAAAQAAAAABAgMEBQYHCA", extents[0].GetProperty("topicId").GetString());
        Assert.Equal(8, Int(extents[0], "position"));
        Assert.Equal(1_011, extents[0].GetProperty("maxTimestampMs").GetInt64());

        JsonElement[] batches = [.. extents[0].GetProperty("batches").EnumerateArray()];
        Assert.Equal(["none", "gzip"], batches.Select(batch => batch.GetProperty("codec").GetString()));
        Assert.Equal([10, 2], batches.Select(batch => Int(batch, "recordCount")));
        Assert.Equal((77, 3, 40), (Int(batches[1], "producerId"), Int(batches[1], "producerEpoch"), Int(batches[1], "baseSequence")));
        Assert.Equal((1_010, 1_011), (Int(batches[1], "baseTimestampMs"), Int(batches[1], "maxTimestampMs")));
        Assert.Equal(Int(batches[0], "position") + Int(batches[0], "lengthBytes"), Int(batches[1], "position"));
        Assert.All(batches, batch => Assert.True(batch.GetProperty("crcIsRight").GetBoolean()));
    }

    [Fact]
    public async Task Absolute_offsets_are_shown_and_held_against_the_footer()
    {
        JsonElement json = await InspectAsync(AbsoluteObject.Encode(s_id, new(ObjectSamples.Topic(1), 3), AbsoluteBatch(100, 2), AbsoluteBatch(105, 3)));

        Assert.True(json.GetProperty("footer").GetProperty("absoluteOffsets").GetBoolean());
        JsonElement extent = Assert.Single(json.GetProperty("extents").EnumerateArray());
        Assert.Equal((100, 8, 5), (Int(extent, "baseOffset"), Int(extent, "offsetCount"), Int(extent, "recordCount")));
        Assert.Equal([100, 105], extent.GetProperty("batches").EnumerateArray().Select(batch => Int(batch, "baseOffset")));
        Assert.Equal(0, json.GetProperty("problems").GetArrayLength());
    }

    [Fact]
    public async Task An_absolute_offset_that_does_not_rise_is_a_problem()
    {
        byte[] second = AbsoluteBatch(105, 3);
        byte[] bytes = AbsoluteObject.Encode(s_id, new(ObjectSamples.Topic(1), 3), AbsoluteBatch(100, 2), second);
        RecordBatchHeader.SetBaseOffset(bytes.AsSpan(bytes.AsSpan().IndexOf(second)), 101);

        await Assert.ThrowsAsync<InvalidDataException>(() => InspectAsync(bytes));

        string[] problems = [.. Json().GetProperty("problems").EnumerateArray().Select(static problem => problem.GetString()!)];
        Assert.Contains(problems, static problem => problem.Contains("has the base offset 101 where at least 102 is expected"));
        Assert.Contains(problems, static problem => problem.Contains("4 offsets, the footer says 8"));
    }

    [Fact]
    public async Task A_flipped_bit_in_a_batch_is_a_problem_and_the_rest_is_shown()
    {
        byte[] bytes = Encode();
        bytes[8 + RecordBatchHeader.Size + 5] ^= 1;
        var failure = await Assert.ThrowsAsync<InvalidDataException>(() => InspectAsync(bytes));
        string batch = "the batch at position 8 of partition 3 of topic AAAAAQAAAAABAgMEBQYHCA";
        Assert.StartsWith($"{_path} is damaged: {batch} has the CRC-32C ", failure.Message);
        JsonElement json = Json();
        Assert.Equal(1, json.GetProperty("problems").GetArrayLength());
        Assert.Equal(
            [false, true, true],
            json.GetProperty("extents").EnumerateArray().SelectMany(extent => extent.GetProperty("batches").EnumerateArray())
                .Select(batch => batch.GetProperty("crcIsRight").GetBoolean()));
    }

    [Fact]
    public async Task A_batch_whose_length_cannot_be_ends_its_extent_only()
    {
        byte[] bytes = Encode();
        bytes[8 + RecordBatchHeader.BatchLengthOffset] = 0x7F;
        var failure = await Assert.ThrowsAsync<InvalidDataException>(() => InspectAsync(bytes));
        Assert.Contains("at position 8 of partition 3 of topic AAAAAQAAAAABAgMEBQYHCA there is no whole record batch", failure.Message);
        JsonElement extents = Json().GetProperty("extents");
        Assert.Equal([0, 1], extents.EnumerateArray().Select(extent => extent.GetProperty("batches").GetArrayLength()));
    }

    [Fact]
    public async Task Counts_are_held_against_the_footer()
    {
        byte[] batch = new RecordBatchBuilder { BaseOffset = 9 }.Append(5, null, [1]).Build();
        byte[] bytes = Encode(new BatchToWrite(ObjectSamples.Topic(1), 0, batch, RecordCount: 2, MaxTimestamp: 6));
        var failure = await Assert.ThrowsAsync<InvalidDataException>(() => InspectAsync(bytes));
        Assert.EndsWith("(2 more in \"problems\")", failure.Message);
        string[] problems = [.. Json().GetProperty("problems").EnumerateArray().Select(problem => problem.GetString()!)];
        Assert.Equal(
            ["has the base offset 9 where 0 is expected", "has 1 records, the footer says 2", "has 5 as max timestamp, the footer says 6"],
            problems.Select(problem => problem[problem.IndexOf("has ", StringComparison.Ordinal)..]));
    }

    [Theory]
    [InlineData(0)]
    [InlineData(7)]
    [InlineData(19)]
    [InlineData(100)]
    [InlineData(-1)]
    public async Task A_cut_object_is_one_line_and_no_JSON(int length)
    {
        byte[] bytes = Encode();
        byte[] cut = bytes[..(length < 0 ? bytes.Length + length : length)];
        var failure = await Assert.ThrowsAsync<InvalidDataException>(() => InspectAsync(cut));
        Assert.StartsWith($"{_path} is no whole object: ", failure.Message);
        Assert.Equal(0, _output.Length);
    }

    [Fact]
    public async Task Every_flipped_bit_of_the_footer_is_found()
    {
        byte[] whole = Encode();
        int footer = Int((await InspectAsync(whole)).GetProperty("footer"), "position");
        for (int position = footer; position < whole.Length; position++)
        {
            byte[] bytes = [.. whole];
            bytes[position] ^= 4;
            await Assert.ThrowsAsync<InvalidDataException>(() => InspectAsync(bytes));
        }
    }

    [Fact]
    public async Task A_foreign_file_is_one_line()
    {
        byte[] script = "#!/bin/sh\necho this is no object at all\n"u8.ToArray();
        var failure = await Assert.ThrowsAsync<InvalidDataException>(() => InspectAsync(script));
        Assert.Equal($"{_path} is no whole object: The bytes do not begin with an object's magic number.", failure.Message);
    }

    [Fact]
    public async Task A_file_that_is_not_there_is_one_line()
    {
        var missing = await Assert.ThrowsAsync<IOException>(() => RunAsync(_path + ".missing"));
        Assert.Equal($"{_path}.missing does not exist", missing.Message);
        var folder = await Assert.ThrowsAsync<IOException>(() => RunAsync(Path.GetTempPath()));
        Assert.EndsWith("is a folder, not an object", folder.Message);
    }

    [Fact]
    public async Task A_batch_larger_than_the_buffer_is_verified_whole()
    {
        byte[] batch = new RecordBatchBuilder().Append(1, null, new byte[300_000]).Build();
        byte[] bytes = Encode(new BatchToWrite(ObjectSamples.Topic(1), 0, batch, 1, 1));
        await InspectAsync(bytes);
        bytes[8 + batch.Length - 1] ^= 1;
        await Assert.ThrowsAsync<InvalidDataException>(() => InspectAsync(bytes));
    }

    private static byte[] AbsoluteBatch(long baseOffset, int records)
    {
        var builder = new RecordBatchBuilder { BaseOffset = baseOffset };
        for (int i = 0; i < records; i++)
            builder.Append(1_000 + i, null, [7]);
        return builder.Build();
    }

    private static int Int(JsonElement element, string name) => element.GetProperty(name).GetInt32();

    private static byte[] Encode()
    {
        var first = new RecordBatchBuilder();
        for (int i = 0; i < 10; i++)
            first.Append(1_000 + i, null, [(byte)i, 7, 7, 7]);
        var second = new RecordBatchBuilder { Codec = CompressionType.Gzip, ProducerId = 77, ProducerEpoch = 3, BaseSequence = 40 };
        second.Append(1_010, [1], new byte[100]).Append(1_011, [2], new byte[100]);
        return Encode(
            new BatchToWrite(ObjectSamples.Topic(1), 3, first.Build(), 10, 1_009),
            new BatchToWrite(ObjectSamples.Topic(1), 3, second.Build(), 2, 1_011),
            new BatchToWrite(ObjectSamples.Topic(2), 4, new RecordBatchBuilder().Append(5, null, null).Build(), 1, 5));
    }

    private static byte[] Encode(params BatchToWrite[] batches)
    {
        using EncodedObject encoded = ObjectWriter.Encode(s_id, ObjectSamples.CreatedAt, "cluster-1", batches);
        return encoded.ToArray();
    }

    private async Task<JsonElement> InspectAsync(byte[] bytes)
    {
        await File.WriteAllBytesAsync(_path, bytes, TestContext.Current.CancellationToken);
        Assert.Equal(0, await RunAsync(_path));
        return Json();
    }

    private Task<int> RunAsync(string path)
    {
        _output.SetLength(0);
        return InspectCommand.RunAsync(path, _output, TestContext.Current.CancellationToken);
    }

    private JsonElement Json() => JsonDocument.Parse(_output.ToArray()).RootElement;
}
