using System.Text;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Network;

/// <summary>What a connection makes of the bytes it is sent: whole requests, pieces, and rubbish.</summary>
public sealed class ConnectionFramesSpec
{
    /// <summary>Handlers that are never called.</summary>
    private static readonly ApiHandler[] s_handlers =
    [
        new MetadataHandler(null!, null!), new CreateTopicsHandler(null!, null!), new DeleteTopicsHandler(null!, null!),
        new CreatePartitionsHandler(null!, null!), new DescribeConfigsHandler(null!, null!), new AlterConfigsHandler(null!, null!),
        new IncrementalAlterConfigsHandler(null!, null!), new DeleteRecordsHandler(null!, null!, null!),
        new OffsetForLeaderEpochHandler(null!, null!), new InitProducerIdHandler(null!), new FindCoordinatorHandler(null!, null!),
        new DescribeClusterHandler(null!), new DescribeTopicPartitionsHandler(null!, null!), new ProduceHandler(null!, null!, null!, null!),
        new FetchHandler(null!, null!), new ListOffsetsHandler(null!, null!),
    ];

    public static TheoryData<short, short> VersionsThatNobodyServes()
    {
        var data = new TheoryData<short, short>();
        foreach (ApiHandler handler in s_handlers)
        {
            data.Add((short)handler.Key, (short)(handler.MaxVersion + 1));
            data.Add((short)handler.Key, (short)(handler.MinVersion - 1));
        }
        return data;
    }

    [Fact]
    public async Task Requests_may_come_byte_by_byte()
    {
        await using var listener = new TestListener([TestListener.Echo()]);
        using RawClient client = await listener.ConnectAsync();
        foreach (byte one in RawClient.Frame(1, MetadataOf("slow"), 9).Concat(RawClient.Frame(2, MetadataOf("motion"), 1)))
            await client.SendAsync([one]);
        var (id, body) = await client.ReceiveAsync<MetadataResponse>(ApiKey.Metadata, 9);
        Assert.Equal((1, "slow"), (id, body.ClusterId));
        Assert.Equal(2, (await client.ReceiveAsync<MetadataResponse>(ApiKey.Metadata, 1)).CorrelationId);
    }

    [Fact]
    public async Task The_probe_of_kafka_python_is_answered()
    {
        await using var listener = new TestListener([TestListener.Echo()]);
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync([.. RawClient.Frame(1, new ApiVersionsRequest(), 0), .. RawClient.Frame(2, new MetadataRequest(), 0)]);
        var (id, versions) = await client.ReceiveAsync<ApiVersionsResponse>(ApiKey.ApiVersions, 0);
        Assert.Equal(1, id);
        Assert.Equal([3, 18], versions.ApiKeys.Select(static api => api.ApiKey));
        Assert.Equal(2, (await client.ReceiveAsync<MetadataResponse>(ApiKey.Metadata, 0)).CorrelationId);
    }

    [Theory]
    [InlineData(5)]
    [InlineData(99)]
    [InlineData(-1)]
    public async Task An_ApiVersions_of_the_future_is_answered_in_version_0_with_what_can_be_asked(short version)
    {
        await using var listener = new TestListener([TestListener.Echo()]);
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(RawClient.Frame((short)ApiKey.ApiVersions, version, 7, bodyBytes: 40));
        var (id, answer) = await client.ReceiveAsync<ApiVersionsResponse>(ApiKey.ApiVersions, 0);
        Assert.Equal(7, id);
        Assert.Equal(ErrorCode.UnsupportedVersion, answer.ErrorCode);
        ApiVersionsResponse.ApiVersion only = Assert.Single(answer.ApiKeys);
        Assert.Equal(((short)18, (short)0, (short)4), (only.ApiKey, only.MinVersion, only.MaxVersion));

        await client.SendAsync(RawClient.Frame(8, MetadataOf("again"), 9));
        Assert.Equal(8, (await client.ReceiveAsync<MetadataResponse>(ApiKey.Metadata, 9)).CorrelationId);
    }

    [Theory]
    [MemberData(nameof(VersionsThatNobodyServes))]
    public async Task A_version_that_is_not_served_closes_the_connection(short key, short version)
    {
        await using var listener = new TestListener(s_handlers);
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(RawClient.Frame(key, version, 1, bodyBytes: 200_000));
        Assert.True(await client.IsClosedAsync());
        Assert.Equal(1, listener.Metrics["warp.kafka.rejected", "unsupported-version"]);
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4)]
    [InlineData(8)]
    [InlineData(999)]
    [InlineData(short.MinValue)]
    public async Task An_API_that_is_not_served_closes_the_connection(short key)
    {
        await using var listener = new TestListener([TestListener.Echo()]);
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(RawClient.Frame(key, 0, 1));
        Assert.True(await client.IsClosedAsync());
        Assert.Equal(1, listener.Metrics["warp.kafka.rejected", "unknown-api"]);
    }

    [Theory]
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF })]
    [InlineData(new byte[] { 0x80, 0, 0, 0 })]
    [InlineData(new byte[] { 0, 0, 0, 0 })]
    [InlineData(new byte[] { 0, 0, 0, 7 })]
    [InlineData(new byte[] { 0, 1, 0, 1 })]
    [InlineData(new byte[] { 0x7F, 0xFF, 0xFF, 0xFF })]
    public async Task An_impossible_length_closes_the_connection_before_anything_else_comes(byte[] length)
    {
        await using var listener = new TestListener([TestListener.Echo()], TestListener.Limits(requestSizeBytes: 64 << 10));
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(length);
        Assert.True(await client.IsClosedAsync());
        Assert.Equal(1, listener.Metrics["warp.kafka.rejected", "length"]);
    }

    [Theory]
    [InlineData("GET / HTTP/1.1\r\nHost: broker.example\r\n\r\n")]
    [InlineData("\u0016\u0003\u0001\u0002\u0000\u0001")]
    [InlineData("SSH-2.0-OpenSSH_9.6\r\n")]
    public async Task What_is_not_Kafka_is_closed(string greeting)
    {
        await using var listener = new TestListener([TestListener.Echo()]);
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(Encoding.Latin1.GetBytes(greeting));
        Assert.True(await client.IsClosedAsync());
    }

    [Fact]
    public async Task A_body_that_makes_no_sense_closes_the_connection_after_the_answers_before_it()
    {
        await using var listener = new TestListener([TestListener.Echo()]);
        using RawClient client = await listener.ConnectAsync();
        byte[] nonsense = RawClient.Frame((short)ApiKey.Metadata, 9, 2, bodyBytes: 20);
        nonsense.AsSpan(12).Fill(0xFF);
        await client.SendAsync([.. RawClient.Frame(1, MetadataOf("fine"), 9), .. nonsense]);
        Assert.Equal(1, (await client.ReceiveAsync<MetadataResponse>(ApiKey.Metadata, 9)).CorrelationId);
        Assert.True(await client.IsClosedAsync());
        Assert.Equal(1, listener.Metrics["warp.kafka.rejected", "malformed"]);
        Assert.Empty(listener.Log.Errors);
    }

    [Fact]
    public async Task A_request_that_breaks_off_anywhere_is_forgotten()
    {
        await using var listener = new TestListener([TestListener.Echo()]);
        byte[] request = RawClient.Frame(1, MetadataOf("broken"), 9);
        for (int length = 0; length < request.Length; length++)
        {
            using RawClient client = await listener.ConnectAsync();
            await client.SendAsync(request[..length]);
            client.CloseSending();
            Assert.True(await client.IsClosedAsync());
        }
        await TestListener.UntilAsync(() => listener.Listener.ConnectionCount == 0, "the connections to end");
        Assert.Equal(0, listener.Listener.BufferedBytes);
        Assert.Empty(listener.Log.Errors);
    }

    [Fact]
    public async Task Random_bytes_never_harm_those_who_behave()
    {
        await using var listener = new TestListener([TestListener.Echo()]);
        var random = new Random(TestRun.TakeSeed());
        using RawClient good = await listener.ConnectAsync();
        for (int i = 0; i < 50; i++)
        {
            using RawClient bad = await listener.ConnectAsync();
            // Close to a request, so that some get as far as the codec.
            byte[] frame = RawClient.Frame((short)ApiKey.Metadata, (short)random.Next(14), i, bodyBytes: random.Next(100));
            random.NextBytes(frame.AsSpan(random.Next(4, frame.Length)));
            await bad.SendAsync(frame);
            if (random.Next(2) == 0)
                bad.Abort();
            await good.SendAsync(RawClient.Frame(i, MetadataOf("good"), 9));
            Assert.Equal(i, (await good.ReceiveAsync<MetadataResponse>(ApiKey.Metadata, 9)).CorrelationId);
        }
        Assert.Empty(listener.Log.Errors);
    }

    [Fact]
    public async Task A_large_response_of_many_pieces_arrives_whole_and_gives_its_buffers_back()
    {
        const int Pieces = 3000, PieceBytes = 5000;
        int returned = 0;
        await using var listener = new TestListener([new DelegateHandler<FetchRequest>(ApiKey.Fetch, (_, _) =>
        {
            using var records = new RecordSetBuilder();
            for (int i = 0; i < Pieces; i++)
            {
                var piece = PooledBuffer.Rent(PieceBytes, _ => Interlocked.Increment(ref returned));
                piece.Memory.Span.Fill((byte)i);
                records.Append(piece.Memory, piece);
                piece.Release();
            }
            var response = new FetchResponse();
            response.Responses.Add(new FetchResponse.FetchableTopicResponse
            {
                Topic = "pieces",
                Partitions = [new FetchResponse.PartitionData { Records = records.Build() }],
            });
            return ValueTask.FromResult<IResponse?>(response);
        })]);
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(RawClient.Frame(1, new FetchRequest(), 12), RawClient.Frame(2, new FetchRequest(), 12));
        for (int id = 1; id <= 2; id++)
        {
            var (correlationId, body) = await client.ReceiveAsync<FetchResponse>(ApiKey.Fetch, 12);
            Assert.Equal(id, correlationId);
            ReadOnlyMemory<byte> received = body.Responses[0].Partitions[0].Records.Memory;
            Assert.Equal(Pieces * PieceBytes, received.Length);
            for (int i = 0; i < Pieces; i++)
                Assert.False(received.Span.Slice(i * PieceBytes, PieceBytes).ContainsAnyExcept((byte)i));
        }
        await TestListener.UntilAsync(() => Volatile.Read(ref returned) == 2 * Pieces, "the buffers to come back");
    }

    private static MetadataRequest MetadataOf(string topic) =>
        new() { Topics = [new MetadataRequest.MetadataRequestTopic { Name = topic }] };
}
