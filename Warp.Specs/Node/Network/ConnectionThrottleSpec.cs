using Warp.Actors.Catalog;
using Warp.Node.Handlers;
using Warp.Node.Quotas;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Warp.Specs.Node.Quotas;
using Xunit;

namespace Warp.Specs.Node.Network;

/// <summary>Who is above a quota is told so at once, and not read for a while (KIP-219).</summary>
public sealed class ConnectionThrottleSpec
{
    /// <summary>The client id that <see cref="RawClient"/> has.</summary>
    private const string Client = "raw";

    private readonly ManualTime _time = new();
    private TaskCompletionSource<string> _handled = new();

    [Fact]
    public async Task A_producer_above_its_quota_is_answered_at_once_and_then_not_read()
    {
        await using TestListener listener = Listen(QuotaKey.ProducerByteRate, 100);
        using RawClient client = await listener.ConnectAsync();
        // 3,000 bytes and some more, where 1,000 are free.
        await client.SendAsync(RawClient.Frame(1, Records(3000), 9));
        var (_, answer) = await client.ReceiveAsync<ProduceResponse>(ApiKey.Produce, 9);
        Assert.InRange(answer.ThrottleTimeMs, 20_000, 21_000);
        Assert.Equal(answer.ThrottleTimeMs / 1000.0, listener.Metrics["warp.kafka.throttle.duration", QuotaKey.ProducerByteRate], 1e-9);

        await AssertMutedForAsync(client, TimeSpan.FromMilliseconds(answer.ThrottleTimeMs));
    }

    [Fact]
    public async Task A_producer_without_acknowledgements_is_not_read_either()
    {
        await using TestListener listener = Listen(QuotaKey.ProducerByteRate, 100);
        using RawClient client = await listener.ConnectAsync();
        ProduceRequest request = Records(3000);
        request.Acks = 0;
        await client.SendAsync(RawClient.Frame(1, request, 9));
        string quota = QuotaKey.ProducerByteRate;
        await TestListener.UntilAsync(() => listener.Metrics["warp.kafka.throttle.duration", quota] > 0, "the throttle");

        await AssertMutedForAsync(client, TimeSpan.FromSeconds(listener.Metrics["warp.kafka.throttle.duration", quota]));
    }

    [Fact]
    public async Task Other_clients_are_read()
    {
        await using TestListener listener = Listen(QuotaKey.ProducerByteRate, 100, client: "another");
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(RawClient.Frame(1, Records(3000), 9), RawClient.Frame(2, Records(3000), 9));
        Assert.Equal(0, (await client.ReceiveAsync<ProduceResponse>(ApiKey.Produce, 9)).Body.ThrottleTimeMs);
        Assert.Equal(0, (await client.ReceiveAsync<ProduceResponse>(ApiKey.Produce, 9)).Body.ThrottleTimeMs);
    }

    [Fact]
    public async Task A_connection_that_is_not_read_is_not_idle_and_can_be_closed()
    {
        await using TestListener listener = Listen(QuotaKey.ProducerByteRate, 1, idle: TimeSpan.FromMinutes(10));
        RawClient client = await listener.ConnectAsync();
        await client.SendAsync(RawClient.Frame(1, Records(3000), 9));
        Assert.InRange((await client.ReceiveAsync<ProduceResponse>(ApiKey.Produce, 9)).Body.ThrottleTimeMs, 2_990_000, 3_100_000);
        await SendMutedAsync(client);
        _time.Advance(TimeSpan.FromMinutes(30));
        Assert.Equal(1, listener.Listener.ConnectionCount);
        Task drained = listener.Listener.DrainAsync(TimeSpan.FromMinutes(1));
        Assert.True(await client.IsClosedAsync());
        client.Dispose();
        await drained;
    }

    [Fact]
    public async Task A_fetch_gets_its_records_and_the_next_one_waits()
    {
        await using TestListener listener = Listen(QuotaKey.ConsumerByteRate, 100);
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(RawClient.Frame(1, new FetchRequest { MaxBytes = 1 << 20 }, 11));
        var (_, answer) = await client.ReceiveAsync<FetchResponse>(ApiKey.Fetch, 11);
        Assert.Equal(5000, answer.Responses[0].Partitions[0].Records.Length);
        Assert.Equal(40_000, answer.ThrottleTimeMs);
        // What may be had without any wait is all that the handler is asked for.
        Assert.Equal("Fetch 1000", await _handled.Task);

        await AssertMutedForAsync(client, TimeSpan.FromSeconds(40));
    }

    [Fact]
    public async Task A_fetch_above_the_quota_is_answered_empty_without_being_looked_at()
    {
        await using TestListener listener = Listen(QuotaKey.ConsumerByteRate, 100);
        using RawClient one = await listener.ConnectAsync(), other = await listener.ConnectAsync();
        await one.SendAsync(RawClient.Frame(1, new FetchRequest { MaxBytes = 1 << 20 }, 11));
        await one.ReceiveAsync<FetchResponse>(ApiKey.Fetch, 11);
        _handled = new();
        await other.SendAsync(RawClient.Frame(1, new FetchRequest { MaxBytes = 1 << 20 }, 11));
        var (_, answer) = await other.ReceiveAsync<FetchResponse>(ApiKey.Fetch, 11);
        Assert.Empty(answer.Responses);
        Assert.Equal((ErrorCode.None, 40_000), (answer.ErrorCode, answer.ThrottleTimeMs));
        Assert.False(_handled.Task.IsCompleted);

        await AssertMutedForAsync(other, TimeSpan.FromSeconds(40));
    }

    [Fact]
    public async Task Time_that_requests_take_is_a_quota_and_pauses_for_a_second_at_most()
    {
        await using TestListener listener = Listen(QuotaKey.RequestPercentage, 1);
        using RawClient client = await listener.ConnectAsync();
        // Half a second of a thread is 5 % of ten seconds; 1 % is free.
        await client.SendAsync(RawClient.Frame(1, new DescribeClusterRequest(), 0));
        Assert.Equal(1000, (await client.ReceiveAsync<DescribeClusterResponse>(ApiKey.DescribeCluster, 0)).Body.ThrottleTimeMs);

        await AssertMutedForAsync(client, TimeSpan.FromSeconds(1));
    }

    private TestListener Listen(string key, double limit, string client = Client, TimeSpan? idle = null)
    {
        ClientQuotas quotas = ClientIdQuota.Of(client, key, limit);
        return new TestListener(
            [
                new DelegateHandler<ProduceRequest>(ApiKey.Produce, (_, request) =>
                    ValueTask.FromResult<IResponse?>(request.Acks == 0 ? null : new ProduceResponse())),
                new DelegateHandler<FetchRequest>(ApiKey.Fetch, Fetch),
                new DelegateHandler<MetadataRequest>(ApiKey.Metadata, (_, _) => Handled("Metadata", new MetadataResponse())),
                new DelegateHandler<DescribeClusterRequest>(ApiKey.DescribeCluster, (_, _) =>
                {
                    _time.Advance(TimeSpan.FromMilliseconds(500));
                    return ValueTask.FromResult<IResponse?>(new DescribeClusterResponse());
                }),
            ],
            TestListener.Limits(idle: idle),
            _time,
            throttle: new RequestThrottle(new ClientQuotaMeters(() => quotas, _time)));
    }

    private ValueTask<IResponse?> Fetch(RequestContext context, FetchRequest request)
    {
        var partition = new FetchResponse.PartitionData { Records = new RecordSet(new byte[5000]) };
        return Handled($"Fetch {request.MaxBytes}", new FetchResponse { Responses = [new() { Topic = "t", Partitions = [partition] }] });
    }

    private ValueTask<IResponse?> Handled(string what, IResponse response)
    {
        _handled.TrySetResult(what);
        return ValueTask.FromResult<IResponse?>(response);
    }

    /// <summary>Sends a request that is not read.</summary>
    private async Task SendMutedAsync(RawClient client)
    {
        _handled = new();
        // One timer looks for timeouts; the other will end the pause.
        await client.SendAsync(RawClient.Frame(9, new MetadataRequest(), 1));
        await TestListener.UntilAsync(() => _time.TimerCount == 2, "the pause");
    }

    private async Task AssertMutedForAsync(RawClient client, TimeSpan pause)
    {
        await SendMutedAsync(client);
        _time.Advance(pause - TimeSpan.FromMilliseconds(1));
        Assert.Equal(2, _time.TimerCount);
        Assert.False(_handled.Task.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.Equal(9, (await client.ReceiveAsync<MetadataResponse>(ApiKey.Metadata, 1)).CorrelationId);
        Assert.Equal("Metadata", await _handled.Task);
    }

    private static ProduceRequest Records(int bytes) => new()
    {
        Acks = -1,
        TopicData = [new() { Name = "t", PartitionData = [new() { Records = new RecordSet(new byte[bytes]) }] }],
    };
}
