using System.Buffers.Binary;
using System.Collections.Concurrent;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Node.Network;

/// <summary>That requests are worked on side by side, and answered in their order.</summary>
public sealed class ConnectionOrderSpec
{
    private const short Version = 9;

    private readonly ConcurrentDictionary<int, TaskCompletionSource<IResponse?>> _pending = new();
    private readonly ConcurrentQueue<int> _started = new();

    [Fact]
    public async Task Responses_come_in_the_order_of_the_requests_whichever_is_ready_first()
    {
        await using var listener = new TestListener([Blocking()]);
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(Request(1), Request(2), Request(3));
        await TestListener.UntilAsync(() => _started.Count == 3, "three requests in flight");
        Assert.Equal([1, 2, 3], _started);

        Answer(3);
        Answer(2);
        Task<byte[]?> first = client.ReceiveFrameAsync();
        Assert.False(first.IsCompleted);
        Answer(1);
        Assert.Equal(1, CorrelationIdOf(await first));
        Assert.Equal(2, CorrelationIdOf(await client.ReceiveFrameAsync()));
        Assert.Equal(3, CorrelationIdOf(await client.ReceiveFrameAsync()));
    }

    [Fact]
    public async Task No_more_requests_are_in_flight_than_allowed()
    {
        await using var listener = new TestListener([Blocking()], TestListener.Limits(requestsInFlight: 2));
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(Request(1), Request(2), Request(3), Request(4));
        await TestListener.UntilAsync(() => _started.Count == 2, "two requests in flight");
        // One that is ready but must wait for its turn still counts.
        Answer(2);
        Answer(1);
        Assert.Equal(1, CorrelationIdOf(await client.ReceiveFrameAsync()));
        Assert.Equal(2, CorrelationIdOf(await client.ReceiveFrameAsync()));
        await TestListener.UntilAsync(() => _started.Count == 4, "the other two in flight");
        Answer(3);
        Answer(4);
        Assert.Equal(3, CorrelationIdOf(await client.ReceiveFrameAsync()));
        Assert.Equal(4, CorrelationIdOf(await client.ReceiveFrameAsync()));
    }

    [Fact]
    public async Task A_request_without_a_response_gets_none_and_the_next_one_does()
    {
        var silent = new DelegateHandler<ProduceRequest>(ApiKey.Produce, static (_, _) => ValueTask.FromResult<IResponse?>(null));
        await using var listener = new TestListener([TestListener.Echo(), silent]);
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(RawClient.Frame(1, new ProduceRequest { Acks = 0 }, 9), RawClient.Frame(2, new MetadataRequest(), Version));
        Assert.Equal(2, CorrelationIdOf(await client.ReceiveFrameAsync()));
    }

    [Fact]
    public async Task A_handler_can_have_the_connection_closed_after_the_answers_before_it()
    {
        await using var listener = new TestListener([Blocking(), new DelegateHandler<ProduceRequest>(ApiKey.Produce, static (context, _) =>
        {
            context.CloseConnection = true;
            return ValueTask.FromResult<IResponse?>(null);
        })]);
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(Request(1), RawClient.Frame(2, new ProduceRequest { Acks = 0 }, 9), Request(3));
        await TestListener.UntilAsync(() => _started.Contains(3), "all requests in flight");
        Answer(1);
        Answer(3);
        Assert.Equal(1, CorrelationIdOf(await client.ReceiveFrameAsync()));
        Assert.True(await client.IsClosedAsync());
    }

    [Fact]
    public async Task A_failed_handler_closes_the_connection_after_the_answers_before_it_and_is_logged()
    {
        await using var listener = new TestListener([Blocking()]);
        using RawClient client = await listener.ConnectAsync();
        await client.SendAsync(Request(1), Request(2));
        await TestListener.UntilAsync(() => _started.Count == 2, "both requests in flight");
        _pending[2].SetException(new InvalidOperationException("a bug"));
        Answer(1);
        Assert.Equal(1, CorrelationIdOf(await client.ReceiveFrameAsync()));
        Assert.True(await client.IsClosedAsync());
        string error = Assert.Single(listener.Log.Errors);
        Assert.Contains("a bug", error, StringComparison.Ordinal);
        Assert.Contains("Metadata", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Handlers_learn_that_the_client_has_gone()
    {
        var gone = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var listener = new TestListener([new DelegateHandler<MetadataRequest>(ApiKey.Metadata, async (context, _) =>
        {
            await Task.Delay(Timeout.InfiniteTimeSpan, context.ConnectionClosed).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            gone.SetResult();
            throw new OperationCanceledException(context.ConnectionClosed);
        })]);
        RawClient client = await listener.ConnectAsync();
        await client.SendAsync(Request(1));
        client.Dispose();
        await gone.Task.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Empty(listener.Log.Errors);
    }

    private static byte[] Request(int correlationId) => RawClient.Frame(correlationId, new MetadataRequest(), Version);

    private static int CorrelationIdOf(byte[]? frame) =>
        BinaryPrimitives.ReadInt32BigEndian(Assert.IsType<byte[]>(frame));

    private DelegateHandler<MetadataRequest> Blocking() => new(ApiKey.Metadata, (context, _) =>
    {
        var answer = _pending.GetOrAdd(context.Header.CorrelationId, static _ => new(TaskCreationOptions.RunContinuationsAsynchronously));
        _started.Enqueue(context.Header.CorrelationId);
        return new ValueTask<IResponse?>(answer.Task);
    });

    private void Answer(int correlationId) => _pending[correlationId].SetResult(new MetadataResponse());
}
