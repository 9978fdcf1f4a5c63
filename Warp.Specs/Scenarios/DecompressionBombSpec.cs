using System.Buffers;
using Warp.Protocol.Compression;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>
/// Batches of kilobytes that become hundreds of megabytes when they are decompressed, which a broker must do for a compacted topic, for a
/// batch without a max timestamp, and to find a time.
/// </summary>
[Collection(nameof(NodeProcesses))]
public sealed class DecompressionBombSpec(ITestOutputHelper output)
{
    private const int DecompressedBytes = 200_000_000;
    private const double MaxResidentBytes = 700e6;
    private const int Clients = 4;

    [Fact]
    public async Task Bombs_get_an_error_and_memory_stays_bounded()
    {
        await using var node = await WarpProcess.StartAsync();
        using var socket = await KafkaSocket.ConnectAsync(node.Bootstrap);
        await CreateAsync(socket, "compacted", ("cleanup.policy", "compact"), ("max.message.bytes", "20000000"));
        await CreateAsync(socket, "plain", ("max.message.bytes", "20000000"));
        var zeros = new byte[DecompressedBytes];
        var bombs = new Dictionary<CompressionType, byte[]>();
        foreach (var codec in (CompressionType[])[CompressionType.Gzip, CompressionType.Snappy, CompressionType.Lz4, CompressionType.Zstd])
        {
            bombs[codec] = Bomb(zeros, codec);
            output.WriteLine($"{codec}: {bombs[codec].Length} bytes");
        }

        using var memory = new MemoryWatch(node);
        await Task.WhenAll(Enumerable.Range(0, Clients).Select(_ => Task.Run(() => ThrowAsync(node, bombs))));
        await AssertLookedForAsync(socket, bombs);
        output.WriteLine($"memory {memory}");
        Assert.InRange(memory.HighestBytes, 1, MaxResidentBytes);
        Assert.DoesNotContain(" fail: ", node.Output, StringComparison.Ordinal);
        Assert.Equal(ErrorCode.None, (await Batches.ProduceAsync(socket, "compacted", Batches.Of("harmless"))).ErrorCode);
    }

    private static async Task ThrowAsync(WarpProcess node, Dictionary<CompressionType, byte[]> bombs)
    {
        using var socket = await KafkaSocket.ConnectAsync(node.Bootstrap);
        foreach (byte[] bomb in bombs.Values)
        {
            Assert.Equal(ErrorCode.MessageTooLarge, (await Batches.ProduceAsync(socket, "compacted", bomb)).ErrorCode);
            byte[] timeless = [.. bomb];
            RecordBatchHeader.SetMaxTimestamp(timeless, RecordBatchHeader.NoTimestamp);
            Assert.NotEqual(ErrorCode.None, (await Batches.ProduceAsync(socket, "plain", timeless)).ErrorCode);
        }
    }

    /// <summary>A topic that is not compacted takes them as they are; nobody can find a time in them.</summary>
    private static async Task AssertLookedForAsync(KafkaSocket socket, Dictionary<CompressionType, byte[]> bombs)
    {
        foreach (byte[] bomb in bombs.Values)
        {
            Assert.Equal(ErrorCode.None, (await Batches.ProduceAsync(socket, "plain", bomb)).ErrorCode);
            var request = new ListOffsetsRequest { Topics = [new() { Name = "plain", Partitions = [new() { Timestamp = 1 }] }] };
            var answer = (await socket.AskAsync<ListOffsetsResponse>(request, 7)).Topics[0].Partitions[0];
            Assert.NotEqual(ErrorCode.None, answer.ErrorCode);
            var deletion = new DeleteRecordsRequest { Topics = [new() { Name = "plain", Partitions = [new() { Offset = -1 }] }] };
            var deleted = await socket.AskAsync<DeleteRecordsResponse>(deletion, 2);
            Assert.Equal(ErrorCode.None, deleted.Topics[0].Partitions[0].ErrorCode);
        }
    }

    private static byte[] Bomb(byte[] zeros, CompressionType codec)
    {
        byte[] harmless = Batches.Of("one record");
        var batch = new ArrayBufferWriter<byte>();
        batch.Write(harmless.AsSpan(0, RecordBatchHeader.Size));
        Codecs.For(codec).Compress(zeros, batch);
        byte[] bytes = batch.WrittenSpan.ToArray();
        RecordBatchHeader.TryRead(harmless, out var header);
        (header with { Attributes = (short)codec, BatchLength = bytes.Length - RecordBatchHeader.LogOverhead }).Write(bytes);
        RecordBatchHeader.SetCrc(bytes);
        return bytes;
    }

    private static async Task CreateAsync(KafkaSocket socket, string topic, params (string Name, string Value)[] configs)
    {
        var wanted = new CreateTopicsRequest.CreatableTopic { Name = topic, NumPartitions = 1, ReplicationFactor = 1 };
        wanted.Configs.AddRange(configs.Select(
            static config => new CreateTopicsRequest.CreatableTopicConfig { Name = config.Name, Value = config.Value }));
        var request = new CreateTopicsRequest { TimeoutMs = 30_000, Topics = [wanted] };
        Assert.Equal(ErrorCode.None, (await socket.AskAsync<CreateTopicsResponse>(request, 7)).Topics[0].ErrorCode);
    }
}
