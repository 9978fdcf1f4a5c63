using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Warp.Actors.Cluster.Peers;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Actors.Cluster.Peers;

public sealed class PeerCallSpec
{
    [Fact]
    public async Task Requests_overlap_and_are_answered_in_any_order()
    {
        var answers = new ConcurrentDictionary<int, TaskCompletionSource<IResponse>>();
        await using var server = new TestPeer(1, [TestPeer.Handler((request, _) =>
            new ValueTask<IResponse>(answers.GetOrAdd(request.ChunkNumber, _ => new()).Task))]);
        await using var client = new TestPeer(2);
        Task<int>[] calls = [.. Enumerable.Range(0, 50).Select(i => client.CallAsync(server.Address, i))];
        await TestPeer.UntilAsync(() => answers.Count == 50, "all requests to arrive");
        for (int i = 49; i >= 0; i--)
        {
            answers[i].SetResult(TestPeer.Chunk((byte)i));
            Assert.Equal(i, await calls[i]);
            Assert.DoesNotContain(calls[..i], call => call.IsCompleted);
        }
        Assert.Equal(50, client.Sums["warp.rpc.requests", "ReadChunk"]);
    }

    [Fact]
    public async Task Requests_that_wait_at_one_moment_leave_in_one_write()
    {
        var scheduler = new HeldScheduler();
        await using var server = new TestPeer(1);
        await using var client = new TestPeer(2, scheduler: scheduler);
        Assert.Equal(0, await client.CallAsync(server.Address, 0));
        await TestPeer.UntilAsync(
            () => client.Sums["warp.rpc.sent"] == server.Sums["warp.rpc.received"], "the first request to be counted");
        int writes = 0;
        using var listener = new MeterListener();
        listener.SetMeasurementEventCallback<long>((instrument, _, _, _) =>
        {
            if (instrument.Name == "warp.rpc.sent")
                Interlocked.Increment(ref writes);
        });
        listener.InstrumentPublished = (instrument, own) =>
        {
            if (ReferenceEquals(instrument.Meter, client.Meter))
                own.EnableMeasurementEvents(instrument);
        };
        listener.Start();
        scheduler.Hold();
        Task<int> first = client.CallAsync(server.Address, 0);
        // Now its sender, which was waiting for something to send, is held up; or it had not come to that yet, and has sent it.
        await TestPeer.UntilAsync(() => scheduler.HeldCount > 0, "something to be held up");
        Task<int>[] calls = [.. Enumerable.Range(0, 100).Select(i => client.CallAsync(server.Address, i))];
        scheduler.Release();
        Assert.Equal(Enumerable.Range(0, 100), await Task.WhenAll(calls));
        Assert.Equal(0, await first);
        // A write is counted after it was made; the answers may be quicker.
        await TestPeer.UntilAsync(() => Volatile.Read(ref writes) > 0, "the write to be counted");
        Assert.InRange(Volatile.Read(ref writes), 1, 2);
    }

    [Fact]
    public async Task The_deadline_travels_and_ends_the_work_of_the_other_side()
    {
        var told = new TaskCompletionSource<TimeSpan>();
        var stopped = new TaskCompletionSource();
        await using var server = new TestPeer(1, [TestPeer.Handler(async (_, context) =>
        {
            told.SetResult(context.Timeout);
            await using (context.CancellationToken.Register(stopped.SetResult))
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return TestPeer.Chunk();
        })]);
        await using var client = new TestPeer(2);
        PeerCallException late = await Assert.ThrowsAsync<PeerCallException>(
            () => client.CallAsync(server.Address, 1, TimeSpan.FromSeconds(2)));
        Assert.True(
            late is { Failure: PeerFailure.Unknown or PeerFailure.Refused, Error: PeerError.DeadlinePassed }, late.ToString());
        Assert.InRange((await told.Task).TotalMilliseconds, 1, 2000);
        await TestPeer.UntilAsync(() => stopped.Task.IsCompleted, "the handler to be told");
    }

    [Fact]
    public async Task Who_gives_up_tells_the_other_side_so()
    {
        var begun = new TaskCompletionSource();
        var stopped = new TaskCompletionSource();
        await using var server = new TestPeer(1, [TestPeer.Handler(async (_, context) =>
        {
            begun.SetResult();
            await using (context.CancellationToken.Register(stopped.SetResult))
                await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return TestPeer.Chunk();
        })]);
        await using var client = new TestPeer(2);
        using var giveUp = new CancellationTokenSource();
        Task<int> call = client.CallUntilAsync(server.Address, 1, TestPeer.Patience, giveUp.Token);
        await begun.Task;
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => call);
        await TestPeer.UntilAsync(() => stopped.Task.IsCompleted, "the handler to be told");
    }

    [Fact]
    public async Task A_handler_can_answer_with_an_error()
    {
        await using var server = new TestPeer(1, [TestPeer.Handler((_, _) =>
            throw new PeerErrorException(PeerError.NotOwner, "shard 3 is another's", epoch: 17))]);
        await using var client = new TestPeer(2);
        PeerCallException error = await Assert.ThrowsAsync<PeerCallException>(() => client.CallAsync(server.Address, 1));
        Assert.Equal((PeerFailure.Refused, PeerError.NotOwner, 17), (error.Failure, error.Error, error.Epoch));
        Assert.Contains("shard 3 is another's", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_handler_that_fails_costs_its_request_only()
    {
        int calls = 0;
        await using var server = new TestPeer(1, [TestPeer.Handler((_, _) => calls++ == 0
            ? throw new InvalidOperationException(new string('x', 100_000))
            : ValueTask.FromResult<IResponse>(TestPeer.Chunk(5)))]);
        await using var client = new TestPeer(2);
        PeerCallException error = await Assert.ThrowsAsync<PeerCallException>(() => client.CallAsync(server.Address, 1));
        Assert.Equal((PeerFailure.Refused, PeerError.Failed), (error.Failure, error.Error));
        Assert.True(server.Log.Contains("ReadChunk version 0 of node 2/1 could not be handled"));
        Assert.Equal(5, await client.CallAsync(server.Address, 1));
        Assert.Equal(1, server.Listener.ConnectionCount);
    }

    [Fact]
    public async Task What_a_peer_does_not_serve_is_not_sent()
    {
        await using var server = new TestPeer(1, []);
        await using var client = new TestPeer(2);
        PeerCallException error = await Assert.ThrowsAsync<PeerCallException>(() => client.CallAsync(server.Address, 1));
        Assert.Equal((PeerFailure.NotSent, PeerError.Unsupported), (error.Failure, error.Error));
    }

    [Fact]
    public async Task A_request_in_a_version_that_is_not_served_is_answered_with_an_error()
    {
        await using var server = new TestPeer(1, []);
        using RawPeer client = await RawPeer.ConnectAsync(server.Listener.BoundPort);
        await client.ShakeHandsAsync();
        await client.SendFrameAsync(RawPeer.Request(77, new ReadChunkRequest()));
        PeerResponseHeader header = ReadHeader((await client.ReceiveFrameAsync())!);
        Assert.Equal((77, (short)PeerError.Unsupported), (header.CorrelationId, header.Error));
    }

    [Theory]
    [InlineData(0, 3, 0, 5, 3)]
    [InlineData(0, 3, 2, 2, 2)]
    [InlineData(2, 3, 0, 1, -1)]
    [InlineData(0, 1, 2, 3, -1)]
    public void The_highest_version_that_both_sides_have_is_taken(int ownMin, int ownMax, int theirMin, int theirMax, int expected)
    {
        ApiSpec own = PrivateApis.Get(PrivateApis.ReadChunk) with { MinVersion = (short)ownMin, MaxVersion = (short)ownMax };
        var theirs = new PeerApiVersions { Api = (short)own.Key, MinVersion = (short)theirMin, MaxVersion = (short)theirMax };
        Assert.Equal(expected, theirs.HighestCommon(own) ?? -1);
    }

    [Fact]
    public async Task A_chunk_of_record_bytes_arrives_whole()
    {
        var bytes = new byte[4 << 20];
        new Random(1).NextBytes(bytes);
        int returned = 0;
        await using var server = new TestPeer(1, [TestPeer.Handler((_, _) =>
        {
            PooledBuffer buffer = PooledBuffer.Rent(bytes.Length, _ => Interlocked.Increment(ref returned));
            bytes.CopyTo(buffer.Memory.Span);
            using var records = new RecordSetBuilder();
            records.Append(buffer.Memory, buffer);
            buffer.Release();
            return ValueTask.FromResult<IResponse>(new ReadChunkResponse { Data = records.Build() });
        })]);
        await using var client = new TestPeer(2);
        for (int i = 1; i <= 10; i++)
        {
            using ReadChunkResponse response = await client.Network.CallAsync<ReadChunkResponse>(
                server.Address, new ReadChunkRequest(), TestPeer.Patience, CancellationToken.None);
            Assert.True(response.Data.Memory.Span.SequenceEqual(bytes));
        }
        await TestPeer.UntilAsync(() => Volatile.Read(ref returned) == 10, "all buffers to come back");
    }

    [Fact]
    public async Task A_response_that_is_too_large_is_an_error_and_not_the_end_of_the_connection()
    {
        int size = 100_000;
        await using var server = new TestPeer(
            1,
            [TestPeer.Handler((_, _) => ValueTask.FromResult<IResponse>(TestPeer.Chunk(new byte[size])))],
            settings => settings with { MaxFrameBytes = 50_000 });
        await using var client = new TestPeer(2);
        PeerCallException error = await Assert.ThrowsAsync<PeerCallException>(() => client.CallAsync(server.Address, 1));
        Assert.Equal((PeerFailure.Refused, PeerError.TooLarge), (error.Failure, error.Error));
        size = 1000;
        Assert.Equal(0, await client.CallAsync(server.Address, 1));
        Assert.Equal(1, server.Listener.ConnectionCount);
    }

    [Fact]
    public async Task Calls_wait_while_as_many_are_under_way_as_the_peer_allows()
    {
        int running = 0, most = 0;
        var open = new TaskCompletionSource();
        await using var server = new TestPeer(
            1,
            [TestPeer.Handler(async (request, _) =>
            {
                int now = Interlocked.Increment(ref running);
                InterlockedMax(ref most, now);
                await open.Task;
                Interlocked.Decrement(ref running);
                return TestPeer.Chunk((byte)request.ChunkNumber);
            })],
            settings => settings with { MaxRequests = 4 });
        await using var client = new TestPeer(2);
        Task<int>[] calls = [.. Enumerable.Range(0, 40).Select(i => client.CallAsync(server.Address, i))];
        await TestPeer.UntilAsync(() => Volatile.Read(ref running) == 4, "the window to be full");
        PeerCallException late = await Assert.ThrowsAsync<PeerCallException>(
            () => client.CallAsync(server.Address, 99, TimeSpan.FromMilliseconds(50)));
        Assert.Equal((PeerFailure.NotSent, PeerError.DeadlinePassed), (late.Failure, late.Error));
        open.SetResult();
        Assert.Equal(Enumerable.Range(0, 40), await Task.WhenAll(calls));
        Assert.Equal(4, most);
    }

    [Fact]
    public async Task Calls_wait_while_as_many_bytes_are_under_way_as_the_peer_allows()
    {
        int running = 0, most = 0;
        var open = new TaskCompletionSource();
        await using var server = new TestPeer(
            1,
            [TestPeer.Handler(async (_, _) =>
            {
                InterlockedMax(ref most, Interlocked.Increment(ref running));
                await open.Task;
                Interlocked.Decrement(ref running);
                return TestPeer.Chunk(1);
            })],
            settings => settings with { MaxRequestBytes = 80 });
        await using var client = new TestPeer(2);
        // Each has some 35 bytes.
        Task<int>[] calls = [.. Enumerable.Range(0, 20).Select(i => client.CallAsync(server.Address, i))];
        await TestPeer.UntilAsync(() => Volatile.Read(ref running) == 2, "the window to be full");
        open.SetResult();
        await Task.WhenAll(calls);
        Assert.Equal(2, most);
    }

    [Fact]
    public async Task Whoever_sends_more_than_was_agreed_is_read_no_further()
    {
        int running = 0;
        var open = new TaskCompletionSource();
        await using var server = new TestPeer(
            1,
            [TestPeer.Handler(async (_, _) =>
            {
                Interlocked.Increment(ref running);
                await open.Task;
                return TestPeer.Chunk(1);
            })],
            settings => settings with { MaxRequests = 4 });
        using RawPeer client = await RawPeer.ConnectAsync(server.Listener.BoundPort);
        await client.ShakeHandsAsync();
        for (int i = 0; i < 20; i++)
            await client.SendFrameAsync(RawPeer.Request(i, new ReadChunkRequest()));
        await TestPeer.UntilAsync(() => Volatile.Read(ref running) == 4, "the window to be full");
        // A ping behind them is not read either.
        await client.SendFrameAsync(RawPeer.Request(1000, new PingRequest()));
        open.SetResult();
        var answered = new List<int>();
        for (int i = 0; i < 21; i++)
            answered.Add(ReadHeader((await client.ReceiveFrameAsync())!).CorrelationId);
        Assert.Contains(1000, answered);
        Assert.True(answered.IndexOf(1000) >= 4, string.Join(' ', answered));
        Assert.Equal(20, running);
    }

    [Fact]
    public async Task A_request_that_waited_too_long_for_its_turn_is_not_begun()
    {
        int begun = 0;
        var open = new TaskCompletionSource();
        await using var server = new TestPeer(
            1,
            [TestPeer.Handler(async (_, _) =>
            {
                Interlocked.Increment(ref begun);
                await open.Task;
                return TestPeer.Chunk(1);
            })],
            settings => settings with { MaxRequests = 1 });
        using RawPeer client = await RawPeer.ConnectAsync(server.Listener.BoundPort);
        await client.ShakeHandsAsync();
        await client.SendFrameAsync(RawPeer.Request(1, new ReadChunkRequest()));
        await client.SendFrameAsync(RawPeer.Request(2, new ReadChunkRequest(), timeoutMs: 0));
        await TestPeer.UntilAsync(() => Volatile.Read(ref begun) == 1, "the first to begin");
        open.SetResult();
        Assert.Equal((1, 0), Pick(ReadHeader((await client.ReceiveFrameAsync())!)));
        Assert.Equal((2, (int)PeerError.DeadlinePassed), Pick(ReadHeader((await client.ReceiveFrameAsync())!)));
        Assert.Equal(1, begun);

        static (int, int) Pick(PeerResponseHeader header) => (header.CorrelationId, header.Error);
    }

    private static PeerResponseHeader ReadHeader(byte[] frame)
    {
        var reader = new WireReader(frame);
        return PeerResponseHeader.Read(ref reader, 0);
    }

    private static void InterlockedMax(ref int most, int value)
    {
        for (int seen = Volatile.Read(ref most); value > seen;)
        {
            int found = Interlocked.CompareExchange(ref most, value, seen);
            if (found == seen)
                return;
            seen = found;
        }
    }
}
