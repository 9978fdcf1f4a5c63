using System.Buffers.Binary;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Network;

/// <summary>That a client can neither use up the memory nor hold a connection for ever.</summary>
public sealed class ConnectionLimitsSpec
{
    private const short Version = 9;

    private static readonly TimeSpan s_idle = TimeSpan.FromMinutes(10);

    [Fact]
    public async Task Records_that_wait_hold_up_those_who_send_more_but_nobody_else()
    {
        const int Capacity = 1 << 20;
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        int started = 0;
        await using var listener = new TestListener(
            [
                TestListener.Echo(),
                new DelegateHandler<ProduceRequest>(ApiKey.Produce, async (_, _) =>
                {
                    Interlocked.Increment(ref started);
                    await release.Task;
                    return new ProduceResponse();
                }),
            ],
            recordsBytes: Capacity);
        using RawClient greedy = await listener.ConnectAsync();
        using RawClient modest = await listener.ConnectAsync();
        using RawClient reader = await listener.ConnectAsync();
        Task sending = greedy.SendAsync(Produce(1, 700_000), Produce(2, 700_000));
        await TestListener.UntilAsync(() => started == 1 && listener.Records.WaitingCount == 1, "the second to wait");
        Task alsoSending = modest.SendAsync(Produce(1, 100_000));
        await TestListener.UntilAsync(() => listener.Records.WaitingCount == 2, "the third to wait behind it");
        Assert.InRange(listener.Records.UsedBytes, 700_000, Capacity);

        await reader.SendAsync(RawClient.Frame(1, new MetadataRequest(), Version));
        Assert.Equal(1, (await reader.ReceiveAsync<MetadataResponse>(ApiKey.Metadata, Version)).CorrelationId);
        Assert.Equal(1, started);

        release.SetResult();
        await Task.WhenAll(sending, alsoSending);
        Assert.Equal(1, (await greedy.ReceiveAsync<ProduceResponse>(ApiKey.Produce, Version)).CorrelationId);
        Assert.Equal(2, (await greedy.ReceiveAsync<ProduceResponse>(ApiKey.Produce, Version)).CorrelationId);
        Assert.Equal(1, (await modest.ReceiveAsync<ProduceResponse>(ApiKey.Produce, Version)).CorrelationId);
        await TestListener.UntilAsync(() => listener.Records.UsedBytes == 0, "the buffers to come back");
    }

    [Fact]
    public async Task A_request_larger_than_the_whole_budget_gets_through()
    {
        await using var listener = new TestListener([Sink()], recordsBytes: 1000);
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(Produce(1, 500_000), Produce(2, 10), Produce(3, 500_000));
        for (int id = 1; id <= 3; id++)
            Assert.Equal(id, (await client.ReceiveAsync<ProduceResponse>(ApiKey.Produce, Version)).CorrelationId);
    }

    [Fact]
    public async Task Who_waits_for_room_and_leaves_takes_nothing_along()
    {
        var release = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = new TestListener(
            [
                new DelegateHandler<ProduceRequest>(ApiKey.Produce, async (_, _) =>
                {
                    await release.Task;
                    return new ProduceResponse();
                }),
            ],
            recordsBytes: 1000);
        using RawClient first = await listener.ConnectAsync();
        await first.SendAsync(Produce(1, 900));
        await TestListener.UntilAsync(() => listener.Records.UsedBytes > 0, "the first to be held");
        RawClient second = await listener.ConnectAsync();
        await second.SendAsync(Produce(1, 900));
        await TestListener.UntilAsync(() => listener.Records.WaitingCount == 1, "the second to wait");
        second.Abort();
        release.SetResult();
        Assert.Equal(1, (await first.ReceiveAsync<ProduceResponse>(ApiKey.Produce, Version)).CorrelationId);
        await TestListener.UntilAsync(() => listener.Records.UsedBytes == 0 && listener.Listener.ConnectionCount == 1, "all to come back");
    }

    [Fact]
    public async Task Clients_that_break_off_at_any_moment_leave_nothing_behind()
    {
        await using var listener = new TestListener([Sink(), TestListener.Echo()], recordsBytes: 300_000);
        int seed = TestRun.TakeSeed();
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(seed + worker);
            for (int i = 0; i < 25; i++)
            {
                using RawClient client = await listener.ConnectAsync();
                byte[] bytes = [.. Produce(1, random.Next(200_000)), .. RawClient.Frame(2, new MetadataRequest(), Version)];
                Task sending = client.SendAsync(bytes[..random.Next(bytes.Length)]);
                if (random.Next(2) == 0)
                    await sending;
                client.Abort();
                await sending.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            }
        })));
        await TestListener.UntilAsync(() => listener.Listener.ConnectionCount == 0, "the connections to end");
        Assert.Equal(0, listener.Listener.BufferedBytes);
        Assert.Empty(listener.Log.Errors);
    }

    [Theory]
    [InlineData(ApiKey.Metadata, true)]
    [InlineData(ApiKey.Produce, false)]
    public async Task Only_requests_with_records_may_be_large(ApiKey api, bool isClosed)
    {
        await using var listener = new TestListener([Sink(), TestListener.Echo()]);
        using RawClient client = await listener.ConnectAsync();
        byte[] start = RawClient.Frame((short)api, Version, 1);
        BinaryPrimitives.WriteInt32BigEndian(start, 9 << 20);
        await client.SendAsync(start);
        await TestListener.UntilAsync(() => isClosed ? listener.Metrics["warp.kafka.rejected", "length"] == 1 : listener.Records.UsedBytes == 9 << 20, "a decision");
    }

    [Fact]
    public async Task A_client_that_does_not_read_its_answers_gets_no_more_of_them()
    {
        int asked = 0;
        await using var listener = new TestListener(
        [
            new DelegateHandler<MetadataRequest>(ApiKey.Metadata, (_, _) =>
            {
                Interlocked.Increment(ref asked);
                return ValueTask.FromResult<IResponse?>(new MetadataResponse { ClusterId = new string('x', 30_000) });
            }),
        ]);
        using RawClient client = await listener.ConnectAsync();
        byte[] request = RawClient.Frame(1, new MetadataRequest(), Version);
        const int Requests = 2000; // 60 MB of answers, far more than the sockets' buffers take
        Task sending = client.SendAsync([.. Enumerable.Repeat(request, Requests)]);
        // The node stops asking its handler while answers are unsent, and goes on when they are read.
        await TestListener.UntilAsync(() => asked > 30, "some answers");
        await Task.WhenAny(sending, Task.Delay(500, TestContext.Current.CancellationToken));
        Assert.InRange(Volatile.Read(ref asked), 30, Requests / 2);
        for (int i = 0; i < Requests; i++)
            Assert.NotNull(await client.ReceiveFrameAsync());
        await sending;
        Assert.Equal(Requests, asked);
    }

    [Fact]
    public async Task No_second_fetch_is_begun_before_the_first_is_answered()
    {
        var answers = new Queue<TaskCompletionSource<IResponse?>>([new(), new()]);
        int begun = 0;
        await using var listener = new TestListener(
        [
            TestListener.Echo(),
            new DelegateHandler<FetchRequest>(ApiKey.Fetch, (_, _) =>
            {
                Interlocked.Increment(ref begun);
                return new ValueTask<IResponse?>(answers.Dequeue().Task);
            }),
        ]);
        TaskCompletionSource<IResponse?>[] both = [.. answers];
        using RawClient client = await listener.ConnectAsync();
        byte[] fetch = RawClient.Frame(1, new FetchRequest(), 11);
        await client.SendAsync(fetch, fetch);
        await TestListener.UntilAsync(() => begun > 0, "the first fetch");
        using (RawClient other = await listener.ConnectAsync())
        {
            // By the time that somebody else is served, the second would have been begun.
            await other.SendAsync(RawClient.Frame(2, new MetadataRequest(), Version));
            Assert.NotNull(await other.ReceiveFrameAsync());
        }
        Assert.Equal(1, begun);
        both[0].SetResult(new FetchResponse());
        Assert.NotNull(await client.ReceiveFrameAsync());
        await TestListener.UntilAsync(() => begun == 2, "the second fetch");
        both[1].SetResult(new FetchResponse());
        Assert.NotNull(await client.ReceiveFrameAsync());
    }

    [Fact]
    public async Task A_connection_without_requests_is_closed_in_the_end()
    {
        var time = new ManualTime();
        await using var listener = new TestListener([TestListener.Echo()], TestListener.Limits(idle: s_idle), time);
        using RawClient client = await listener.ConnectAsync();
        for (int id = 1; id <= 3; id++)
        {
            await client.SendAsync(RawClient.Frame(id, new MetadataRequest(), Version));
            Assert.Equal(id, (await client.ReceiveAsync<MetadataResponse>(ApiKey.Metadata, Version)).CorrelationId);
            time.Advance(s_idle - TimeSpan.FromSeconds(1));
        }
        time.Advance(TimeSpan.FromSeconds(3));
        Assert.True(await client.IsClosedAsync());
    }

    [Fact]
    public async Task A_connection_that_waits_for_an_answer_is_not_idle()
    {
        var time = new ManualTime();
        var answer = new TaskCompletionSource<IResponse?>(TaskCreationOptions.RunContinuationsAsynchronously);
        int asked = 0;
        await using var listener = new TestListener(
            [
                new DelegateHandler<MetadataRequest>(ApiKey.Metadata, (_, _) =>
                {
                    Interlocked.Increment(ref asked);
                    return new ValueTask<IResponse?>(answer.Task);
                }),
            ],
            TestListener.Limits(idle: s_idle),
            time);
        using RawClient client = await listener.ConnectAsync();
        byte[] request = RawClient.Frame(1, new MetadataRequest(), Version);
        // Once the second is with its handler, the first is sure to count as in flight.
        await client.SendAsync(request, request);
        await TestListener.UntilAsync(() => asked == 2, "both requests to be in flight");
        time.Advance(3 * s_idle);
        answer.SetResult(new MetadataResponse());
        Assert.Equal(1, (await client.ReceiveAsync<MetadataResponse>(ApiKey.Metadata, Version)).CorrelationId);
    }

    [Fact]
    public async Task A_frame_that_does_not_go_on_closes_the_connection()
    {
        var time = new ManualTime();
        await using var listener = new TestListener([TestListener.Echo()], time: time);
        byte[] request = RawClient.Frame(1, new MetadataRequest { Topics = [] }, Version);
        foreach (int length in new[] { 1, 4, 11, 12, request.Length - 1 })
        {
            using RawClient client = await listener.ConnectAsync();
            double before = listener.Metrics["warp.kafka.received"];
            await client.SendAsync(request[..length]);
            await TestListener.UntilAsync(() => listener.Metrics["warp.kafka.received"] == before + length, "the bytes to arrive");
            Task<bool> closed = client.IsClosedAsync();
            // The bytes are counted a moment before the connection knows what to make of them.
            for (int i = 0; i < 20 && !closed.IsCompleted; i++)
            {
                time.Advance(TimeSpan.FromSeconds(32));
                await Task.WhenAny(closed, Task.Delay(100, TestContext.Current.CancellationToken));
            }
            Assert.True(closed.IsCompleted && await closed);
        }
        Assert.Equal(5, listener.Metrics["warp.kafka.rejected", "stalled"]);
    }

    [Fact]
    public async Task A_frame_that_does_not_go_on_is_not_waited_for_so_long_when_others_need_its_room()
    {
        var time = new ManualTime();
        await using var listener = new TestListener([Sink()], time: time, recordsBytes: 1000);
        using RawClient claiming = await listener.ConnectAsync();
        await claiming.SendAsync(Produce(1, 900)[..100]);
        await TestListener.UntilAsync(() => listener.Records.UsedBytes > 0, "the claim");
        time.Advance(TimeSpan.FromSeconds(20));
        using RawClient honest = await listener.ConnectAsync();
        Task sending = honest.SendAsync(Produce(1, 900));
        await TestListener.UntilAsync(() => listener.Records.WaitingCount == 1, "the other to wait");
        time.Advance(TimeSpan.FromSeconds(2));
        Assert.True(await claiming.IsClosedAsync());
        await sending;
        Assert.Equal(1, (await honest.ReceiveAsync<ProduceResponse>(ApiKey.Produce, Version)).CorrelationId);
    }

    [Fact]
    public async Task A_frame_that_goes_on_slowly_is_waited_for()
    {
        var time = new ManualTime();
        await using var listener = new TestListener([TestListener.Echo()], time: time);
        using RawClient client = await listener.ConnectAsync();
        double sent = 0;
        foreach (byte one in RawClient.Frame(1, new MetadataRequest(), Version))
        {
            await client.SendAsync([one]);
            sent++;
            await TestListener.UntilAsync(() => listener.Metrics["warp.kafka.received"] == sent, "the byte to arrive");
            time.Advance(TimeSpan.FromSeconds(29));
        }
        Assert.Equal(1, (await client.ReceiveAsync<MetadataResponse>(ApiKey.Metadata, Version)).CorrelationId);
    }

    private static DelegateHandler<ProduceRequest> Sink() =>
        new(ApiKey.Produce, static (_, _) => ValueTask.FromResult<IResponse?>(new ProduceResponse()));

    private static byte[] Produce(int correlationId, int bytes)
    {
        var request = new ProduceRequest { Acks = 1 };
        request.TopicData.Add(new ProduceRequest.TopicProduceData
        {
            Name = "topic",
            PartitionData = [new ProduceRequest.PartitionProduceData { Records = new RecordSet(new byte[bytes]) }],
        });
        return RawClient.Frame(correlationId, request, Version);
    }
}
