using System.Buffers.Binary;
using Confluent.Kafka;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;
using ErrorCode = Warp.Protocol.Messages.ErrorCode;

namespace Warp.Specs.Scenarios;

/// <summary>What comes to an open port: it is closed or gets its error, and the next client is served as ever.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class HostileClientsSpec(ITestOutputHelper output) : IAsyncLifetime
{
    private const string Topic = "bystander";
    private const double MaxResidentBytes = 700e6;
    private const short MetadataVersion = 12;

    private WarpProcess _node = null!;
    private IProducer<Null, string> _bystander = null!;
    private MemoryWatch _memory = null!;

    public async ValueTask InitializeAsync()
    {
        _node = await WarpProcess.StartAsync();
        _bystander = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = _node.Bootstrap, EnableIdempotence = true }).Build();
        await ProduceAsync();
        _memory = new MemoryWatch(_node);
    }

    public async ValueTask DisposeAsync()
    {
        _memory.Dispose();
        _bystander.Dispose();
        await _node.DisposeAsync();
    }

    [Fact]
    public async Task Garbage_closes_its_connection()
    {
        var random = new Random(TestRun.TakeSeed());
        var noise = new byte[64 << 10];
        random.NextBytes(noise);
        noise[0] |= 0x80; // as a length it is negative
        (string Name, byte[] Bytes)[] garbage =
        [
            ("random bytes", noise),
            ("HTTP", "GET / HTTP/1.1\r\nHost: warp\r\n\r\n"u8.ToArray()),
            ("TLS", [0x16, 0x03, 0x01, 0x02, 0x00, 0x01, 0x00, 0x01, 0xfc, 0x03, 0x03]),
            ("a length of 2 GiB", [0x7f, 0xff, 0xff, 0xff]),
            ("a negative length", [0xff, 0xff, 0xff, 0xff]),
            ("a length of 0", [0, 0, 0, 0]),
            ("an unknown API", Start(5000, 0, 100)),
            ("a negative API", Start(-1, 0, 100)),
            ("an API that is not served", Start((short)ApiKey.OffsetCommit, 0, 100)),
            ("a version of the future", Start((short)ApiKey.Metadata, 99, 100)),
            ("a negative version", Start((short)ApiKey.Produce, -1, 100)),
            ("a negative count", Metadata("fffffff0")),
            ("an absurd count", Metadata("7fffffff")),
            ("a count beyond the bytes", Metadata("00010000")),
            ("a name that is no UTF-8", Metadata("00000001 0002 c328")),
        ];
        foreach ((string name, byte[] bytes) in garbage)
        {
            using var socket = await KafkaSocket.ConnectAsync(_node.Bootstrap);
            await socket.SendAsync(bytes);
            Assert.True(await socket.ReceiveAsync() is null, $"{name} got an answer");
        }
        var metrics = await _node.MetricsAsync();
        output.WriteLine(string.Join(", ", metrics.Where(static sample => sample.Key.StartsWith("warp_kafka_rejected", StringComparison.Ordinal))));
        Assert.Equal(garbage.Length, metrics.Sum("warp_kafka_rejected_total"));
        await AssertUnimpressedAsync();
    }

    [Fact]
    public async Task Frames_that_are_cut_off_are_forgotten()
    {
        using var whole = RequestFrame.Write(1, "cut", new MetadataRequest { Topics = null }, MetadataVersion);
        byte[] frame = whole.ToArray();
        for (int length = 1; length < frame.Length; length++)
        {
            using var socket = await KafkaSocket.ConnectAsync(_node.Bootstrap);
            await socket.SendAsync(frame.AsMemory(0, length));
            socket.FinishSending();
            Assert.Null(await socket.ReceiveAsync());
        }
        await AssertUnimpressedAsync();
    }

    [Fact]
    public async Task A_batch_with_a_bad_checksum_gets_its_error_and_the_connection_goes_on()
    {
        using var socket = await KafkaSocket.ConnectAsync(_node.Bootstrap);
        byte[] batch = Batches.Of("value");
        batch[^1] ^= 1;
        Assert.Equal(ErrorCode.CorruptMessage, (await Batches.ProduceAsync(socket, Topic, batch)).ErrorCode);
        Assert.Equal(ErrorCode.None, (await Batches.ProduceAsync(socket, Topic, Batches.Of("value"))).ErrorCode);
        await AssertUnimpressedAsync();
    }

    [Fact]
    public async Task An_ApiVersions_of_the_future_is_told_what_there_is()
    {
        using var socket = await KafkaSocket.ConnectAsync(_node.Bootstrap);
        await socket.SendAsync(Frame(Start((short)ApiKey.ApiVersions, 99, 10), new byte[2]));
        var answer = await socket.ReceiveAsync<ApiVersionsResponse>(ApiKey.ApiVersions, 0);
        Assert.Equal(ErrorCode.UnsupportedVersion, answer.ErrorCode);
    }

    /// <summary>Frames of tens of megabytes without records, and such of few bytes that would make gigabytes of objects or of answer.</summary>
    [Fact]
    public async Task Requests_that_would_make_much_of_little_are_refused_or_bounded()
    {
        foreach (var api in (ApiKey[])[ApiKey.Metadata, ApiKey.CreateTopics, ApiKey.Fetch, ApiKey.DeleteTopics])
            await AssertClosedAsync(Frame(Start((short)api, 5, 60_000_000), new byte[60_000_000 - 8]));
        // 8 MB of names without a byte in them, and 90 MB of partitions without records.
        await AssertClosedAsync(Frame(Start((short)ApiKey.DeleteTopics, 5, 8_000_008), [0, 0, 0, .. Varint(7_900_000), .. new byte[7_999_993]])[..8_000_012]);
        await AssertClosedAsync(Frame(Start((short)ApiKey.Produce, 8, 90_000_008), PartitionsWithoutRecords(90_000_000)));

        using var socket = await KafkaSocket.ConnectAsync(_node.Bootstrap);
        var id = (await socket.AskAsync<MetadataResponse>(new MetadataRequest { Topics = [new() { Name = Topic }] }, MetadataVersion)).Topics[0].TopicId;
        var sameTopic = new MetadataRequest { Topics = [.. Enumerable.Range(0, 150_000).Select(_ => new MetadataRequest.MetadataRequestTopic { TopicId = id })] };
        Assert.Single((await socket.AskAsync<MetadataResponse>(sameTopic, MetadataVersion)).Topics);
        var sameBroker = new DescribeConfigsRequest
        {
            Resources = [.. Enumerable.Range(0, 150_000).Select(_ => new DescribeConfigsRequest.DescribeConfigsResource { ResourceType = 4, ResourceName = "", ConfigurationKeys = null })],
            IncludeSynonyms = true,
            IncludeDocumentation = true,
        };
        Assert.Single((await socket.AskAsync<DescribeConfigsResponse>(sameBroker, 4)).Results);
        var manyTopics = new CreateTopicsRequest { TimeoutMs = 30_000 };
        manyTopics.Topics.AddRange(Enumerable.Range(0, 1000).Select(
            static n => new CreateTopicsRequest.CreatableTopic { Name = $"large-{n}", NumPartitions = 100_000, ReplicationFactor = short.MaxValue }));
        Assert.All((await socket.AskAsync<CreateTopicsResponse>(manyTopics, 7)).Topics, static topic => Assert.Equal(ErrorCode.PolicyViolation, topic.ErrorCode));
        var names = new MetadataRequest { Topics = [.. Enumerable.Range(0, 150_000).Select(static n => new MetadataRequest.MetadataRequestTopic { Name = $"n{n}" })] };
        Assert.All((await socket.AskAsync<MetadataResponse>(names, MetadataVersion)).Topics, static topic => Assert.Equal(ErrorCode.PolicyViolation, topic.ErrorCode));
        await AssertUnimpressedAsync();
    }

    [Fact]
    public async Task Answers_that_nobody_reads_are_not_piled_up()
    {
        // Each request of 64 KB is answered with 6 MB; 200 of them are sent, and nothing is read.
        var keys = new FindCoordinatorRequest { CoordinatorKeys = [.. Enumerable.Repeat("", 60_000)] };
        using var frame = RequestFrame.Write(1, "greedy", keys, 4);
        byte[] request = frame.ToArray();
        var sockets = new List<KafkaSocket>();
        for (int i = 0; i < 4; i++)
        {
            var socket = await KafkaSocket.ConnectAsync(_node.Bootstrap);
            sockets.Add(socket);
            for (int n = 0; n < 50; n++)
                await Task.WhenAny(socket.SendAsync(request).AsTask(), Task.Delay(100, TestContext.Current.CancellationToken));
        }
        await AssertUnimpressedAsync();
        sockets.ForEach(static socket => socket.Dispose());
    }

    /// <summary>Every string of a request may have 32,767 bytes, and errors repeat some of them.</summary>
    [Fact]
    public async Task Names_as_long_as_they_can_be_are_answered()
    {
        string name = new('n', short.MaxValue);
        using var socket = await KafkaSocket.ConnectAsync(_node.Bootstrap);
        for (short version = 0; version <= 7; version++)
        {
            await socket.AskAsync<CreateTopicsResponse>(new CreateTopicsRequest { Topics = [new() { Name = name, NumPartitions = 1, ReplicationFactor = 1 }] }, version);
            await socket.AskAsync<CreateTopicsResponse>(new CreateTopicsRequest
            {
                Topics = [new() { Name = "a", NumPartitions = 1, ReplicationFactor = 1, Configs = [new() { Name = name, Value = name }] }, new() { Name = name }, new() { Name = name }],
            }, version);
        }
        for (short version = 0; version <= 5; version++)
            await socket.AskAsync<DeleteTopicsResponse>(new DeleteTopicsRequest { TopicNames = [name, name] }, version);
        await socket.AskAsync<DeleteTopicsResponse>(new DeleteTopicsRequest { Topics = [new() { Name = name }] }, 6);
        for (short version = 0; version <= 3; version++)
            await socket.AskAsync<CreatePartitionsResponse>(new CreatePartitionsRequest { Topics = [new() { Name = name, Count = 2, Assignments = null }] }, version);
        foreach (sbyte type in (sbyte[])[2, 4, 5])
        {
            for (short version = 0; version <= 2; version++)
                await socket.AskAsync<AlterConfigsResponse>(new AlterConfigsRequest { Resources = [new() { ResourceType = type, ResourceName = name, Configs = [new() { Name = name, Value = name }] }] }, version);
            await socket.AskAsync<IncrementalAlterConfigsResponse>(new IncrementalAlterConfigsRequest { Resources = [new() { ResourceType = type, ResourceName = name }, new() { ResourceType = type, ResourceName = name }] }, 1);
            await socket.AskAsync<DescribeConfigsResponse>(new DescribeConfigsRequest { Resources = [new() { ResourceType = type, ResourceName = name, ConfigurationKeys = [name] }] }, 1);
        }
        await socket.AskAsync<AlterConfigsResponse>(new AlterConfigsRequest { Resources = [new() { ResourceType = 2, ResourceName = Topic, Configs = [new() { Name = name, Value = name }] }] }, 1);
        await socket.AskAsync<AlterConfigsResponse>(new AlterConfigsRequest { Resources = [new() { ResourceType = 2, ResourceName = Topic, Configs = [new() { Name = "retention.ms", Value = name }] }] }, 1);
        await socket.AskAsync<MetadataResponse>(new MetadataRequest { Topics = [new() { Name = name }] }, 1);
        await socket.AskAsync<FindCoordinatorResponse>(new FindCoordinatorRequest { Key = name, KeyType = 0 }, 2);
        await socket.AskAsync<FindCoordinatorResponse>(new FindCoordinatorRequest { Key = name, KeyType = 9 }, 2);
        await socket.AskAsync<OffsetForLeaderEpochResponse>(new OffsetForLeaderEpochRequest { Topics = [new() { Topic = name, Partitions = [new()] }] }, 3);
        await socket.AskAsync<DeleteRecordsResponse>(new DeleteRecordsRequest { Topics = [new() { Name = name, Partitions = [new()] }] }, 1);
        await socket.AskAsync<ListOffsetsResponse>(new ListOffsetsRequest { Topics = [new() { Name = name, Partitions = [new()] }] }, 1);
        await socket.AskAsync<InitProducerIdResponse>(new InitProducerIdRequest { TransactionalId = name, TransactionTimeoutMs = 1 }, 1);
        Assert.Equal(ErrorCode.InvalidTopicException, (await Batches.ProduceAsync(socket, name, Batches.Of("value"))).ErrorCode);
        await AssertUnimpressedAsync();
    }

    private async Task AssertClosedAsync(byte[] bytes)
    {
        using var socket = await KafkaSocket.ConnectAsync(_node.Bootstrap);
        try
        {
            await socket.SendAsync(bytes);
        }
        catch (IOException)
        {
            return; // closed before it had all
        }
        Assert.Null(await socket.ReceiveAsync());
    }

    /// <summary>The bystander is served at once, by a node that has given everything back and has nothing to complain about.</summary>
    private async Task AssertUnimpressedAsync()
    {
        await ProduceAsync();
        output.WriteLine($"memory {_memory}");
        Assert.InRange(_memory.HighestBytes, 1, MaxResidentBytes);
        Assert.DoesNotContain(" fail: ", _node.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(" warn: ", _node.Output, StringComparison.Ordinal);
    }

    private async Task ProduceAsync() =>
        await _bystander.ProduceAsync(Topic, new() { Value = "calm" }, TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(30));

    /// <summary>The start of a frame: its length, API, version and a correlation id.</summary>
    private static byte[] Start(short api, short version, int length)
    {
        var start = new byte[12];
        BinaryPrimitives.WriteInt32BigEndian(start, length);
        BinaryPrimitives.WriteInt16BigEndian(start.AsSpan(4), api);
        BinaryPrimitives.WriteInt16BigEndian(start.AsSpan(6), version);
        return start;
    }

    private static byte[] Frame(byte[] start, byte[] rest) => [.. start, .. rest];

    /// <summary>A Metadata request of version 1 with these bytes, in hexadecimal, behind its header.</summary>
    private static byte[] Metadata(string body)
    {
        byte[] bytes = [0xff, 0xff, .. Convert.FromHexString(body.Replace(" ", "", StringComparison.Ordinal))];
        return Frame(Start((short)ApiKey.Metadata, 1, 8 + bytes.Length), bytes);
    }

    private static byte[] Varint(int value)
    {
        var bytes = new List<byte>();
        for (uint left = (uint)value; ; left >>= 7)
        {
            if (left < 0x80)
                return [.. bytes, (byte)left];
            bytes.Add((byte)(left | 0x80));
        }
    }

    /// <summary>The rest of a Produce request of version 8: one topic, and as many empty partitions of eight bytes as there is room for.</summary>
    private static byte[] PartitionsWithoutRecords(int length)
    {
        var rest = new byte[length];
        byte[] begin = [0xff, 0xff, 0xff, 0xff, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, (byte)'t'];
        begin.CopyTo(rest, 0);
        BinaryPrimitives.WriteInt32BigEndian(rest.AsSpan(begin.Length), (length - begin.Length - 4) / 8);
        return rest;
    }
}
