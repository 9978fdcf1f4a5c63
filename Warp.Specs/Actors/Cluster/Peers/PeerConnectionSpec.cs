using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Persistence;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Cluster.Peers;

public sealed class PeerConnectionSpec
{
    [Fact]
    public async Task All_calls_to_a_peer_share_one_connection_and_each_direction_has_its_own()
    {
        await using var one = new TestPeer(1);
        await using var other = new TestPeer(2);
        await Task.WhenAll(Enumerable.Range(0, 100).SelectMany(i =>
            new[] { one.CallAsync(other.Address, i), other.CallAsync(one.Address, i) }));
        Assert.Equal(1, one.Listener.ConnectionCount);
        Assert.Equal(1, other.Listener.ConnectionCount);
        Assert.Equal(1, one.Log.Count("is open"));
    }

    [Fact]
    public async Task A_peer_that_is_not_there_is_told_at_once_and_not_tried_again_before_a_pause()
    {
        TimeSpan pause = TimeSpan.FromMinutes(1);
        await using var client = new TestPeer(2, change: settings => settings with { FirstPause = pause, LongestPause = pause });
        var nobody = new PeerAddress("127.0.0.1", FreePorts.Take(), new NodeIncarnation(1, 1));
        for (int i = 0; i < 10; i++)
        {
            PeerCallException error = await Assert.ThrowsAsync<PeerCallException>(() => client.CallAsync(nobody, 1));
            Assert.Equal(PeerFailure.NotSent, error.Failure);
            Assert.Contains("cannot be reached", error.Message, StringComparison.Ordinal);
        }
        Assert.Equal(1, client.Log.Count("cannot be reached"));
    }

    [Fact]
    public async Task A_peer_that_came_is_reached_after_the_pause()
    {
        await using var client = new TestPeer(2);
        int port = FreePorts.Take();
        await using var server = new TestPeer(1);
        await Assert.ThrowsAsync<PeerCallException>(() => client.CallAsync(server.AddressAt(port), 1));
        var listener = new PeerListener("127.0.0.1", port, server.System, server.Settings, new PeerMetrics(new("other")));
        await using (listener)
        {
            listener.Bind();
            listener.Start(server.Identity, [TestPeer.Echo()]);
            await TestPeer.UntilAsync(() => TryCall(client, server.AddressAt(port)), "the pause to be over");
        }
    }

    [Fact]
    public async Task A_peer_that_ends_in_the_middle_of_a_request_leaves_its_outcome_unknown()
    {
        var begun = new TaskCompletionSource();
        await using var server = new TestPeer(1, [TestPeer.Handler(async (request, context) =>
        {
            if (request.ChunkNumber == 2)
                return TestPeer.Chunk(2);
            begun.SetResult();
            await Task.Delay(Timeout.Infinite, context.CancellationToken);
            return TestPeer.Chunk();
        })]);
        await using var proxy = new TcpProxy(server.Listener.BoundPort);
        await using var client = new TestPeer(2);
        PeerAddress address = server.AddressAt(proxy.Port);
        Task<int> call = client.CallAsync(address, 1);
        await begun.Task;
        proxy.Cut();
        PeerCallException error = await Assert.ThrowsAsync<PeerCallException>(() => call);
        Assert.Equal((PeerFailure.Unknown, PeerError.None), (error.Failure, error.Error));
        // The handler was told, so that nothing is left of it.
        await TestPeer.UntilAsync(() => server.Listener.ConnectionCount == 0, "the server's side to end");
        await TestPeer.UntilAsync(() => TryCall(client, address, 2), "a new connection");
        Assert.Equal(2, proxy.AcceptedCount);
    }

    [Fact]
    public async Task A_connection_that_was_cut_is_opened_anew_by_the_next_call()
    {
        await using var server = new TestPeer(1);
        await using var proxy = new TcpProxy(server.Listener.BoundPort);
        await using var client = new TestPeer(2);
        PeerAddress address = server.AddressAt(proxy.Port);
        for (int i = 1; i <= 5; i++)
        {
            Assert.Equal(i, await client.CallAsync(address, i));
            proxy.Cut();
            await TestPeer.UntilAsync(() => client.Network.FeatureLevelOf(address) is null, "the end of the connection");
        }
        Assert.Equal(5, proxy.AcceptedCount);
    }

    [Fact]
    public async Task A_peer_that_stalls_is_given_up_when_it_gives_no_sign_of_life()
    {
        await using var server = new TestPeer(1, change: settings => settings with { KeepAlive = TimeSpan.FromMilliseconds(300) });
        await using var proxy = new TcpProxy(server.Listener.BoundPort);
        await using var client = new TestPeer(2, change: settings => settings with { KeepAlive = TimeSpan.FromMilliseconds(300) });
        PeerAddress address = server.AddressAt(proxy.Port);
        Assert.Equal(1, await client.CallAsync(address, 1));
        proxy.Stall();
        PeerCallException error = await Assert.ThrowsAsync<PeerCallException>(() => client.CallAsync(address, 2));
        Assert.Equal(PeerFailure.Unknown, error.Failure);
        Assert.Equal(1, client.Log.Count("no sign of life for"));
        await TestPeer.UntilAsync(() => server.Listener.ConnectionCount == 0, "the server to give up, too");
        proxy.Resume();
        await TestPeer.UntilAsync(() => TryCall(client, address), "a new connection");
    }

    [Fact]
    public async Task Records_that_wait_to_be_sent_are_kept_when_the_caller_gives_up_and_go_with_their_frame()
    {
        await using var server = new TestPeer(1, [TestPeer.Echo(), new UnreachedTaker()]);
        await using var proxy = new TcpProxy(server.Listener.BoundPort);
        await using var client = new TestPeer(2);
        PeerAddress address = server.AddressAt(proxy.Port);
        Assert.Equal(1, await client.CallAsync(address, 1));
        proxy.Stall();
        // More than sockets and proxy take in.
        var buffer = PooledBuffer.Rent(12 << 20);
        using var builder = new RecordSetBuilder();
        builder.Append(buffer.Memory, buffer);
        var request = new OfferChunkRequest { Data = builder.Build() };
        buffer.Release();

        await Assert.ThrowsAsync<PeerCallException>(() => client.Network.CallAsync<OfferChunkResponse>(
            address, request, TimeSpan.FromMilliseconds(300), TestContext.Current.CancellationToken));
        Assert.True(request.Data.IsTakenOver);
        Assert.Equal(12 << 20, buffer.Memory.Length);

        await client.Network.DisposeAsync();
        Assert.Throws<ObjectDisposedException>(() => buffer.Memory);
    }

    [Fact]
    public async Task A_peer_that_stalls_in_the_handshake_is_refused()
    {
        await using var server = new TestPeer(1);
        await using var proxy = new TcpProxy(server.Listener.BoundPort);
        await using var client = new TestPeer(2, change: settings => settings with { HandshakeTimeout = TimeSpan.FromMilliseconds(200) });
        proxy.Stall();
        PeerRefusedException refused = await Assert.ThrowsAsync<PeerRefusedException>(
            () => client.CallAsync(server.AddressAt(proxy.Port), 1));
        Assert.Equal(PeerRefusal.NoAnswer, refused.Refusal);
    }

    [Fact]
    public async Task A_connection_that_is_used_is_kept_however_long_the_answer_takes()
    {
        var open = new TaskCompletionSource();
        await using var server = new TestPeer(
            1,
            [TestPeer.Handler(async (_, _) =>
            {
                await open.Task;
                return TestPeer.Chunk(1);
            })],
            Impatient);
        await using var client = new TestPeer(2, change: Impatient);
        Task<int> call = client.CallAsync(server.Address, 1);
        var waited = Stopwatch.StartNew();
        await TestPeer.UntilAsync(() => waited.Elapsed > TimeSpan.FromSeconds(2), "many keep-alives");
        open.SetResult();
        Assert.Equal(1, await call);

        static PeerSettings Impatient(PeerSettings settings) =>
            settings with { KeepAlive = TimeSpan.FromMilliseconds(400), Idle = TimeSpan.FromMilliseconds(500) };
    }

    [Fact]
    public async Task A_connection_that_nobody_uses_is_closed_and_the_next_call_opens_another()
    {
        await using var server = new TestPeer(1);
        await using var client = new TestPeer(
            2, change: settings => settings with { KeepAlive = TimeSpan.FromMilliseconds(100), Idle = TimeSpan.FromMilliseconds(200) });
        Assert.Equal(1, await client.CallAsync(server.Address, 1));
        await TestPeer.UntilAsync(() => server.Listener.ConnectionCount == 0, "the connection to be closed");
        Assert.True(client.Log.Contains("nobody uses it"));
        Assert.Equal(2, await client.CallAsync(server.Address, 2));
    }

    [Fact]
    public async Task The_connection_to_a_node_that_has_left_is_closed()
    {
        await using var server = new TestPeer(1);
        await using var client = new TestPeer(2);
        Assert.Equal(1, await client.CallAsync(server.Address, 1));
        client.Network.Retain(new HashSet<NodeIncarnation> { server.Identity.Node });
        Assert.Equal(2, await client.CallAsync(server.Address, 2));
        Assert.Equal(1, client.Log.Count("is open"));
        client.Network.Retain(new HashSet<NodeIncarnation>());
        await TestPeer.UntilAsync(() => server.Listener.ConnectionCount == 0, "the connection to be closed");
        Assert.True(client.Log.Contains("the node has left the cluster"));
    }

    [Fact]
    public async Task A_slow_network_delays_answers_and_nothing_else()
    {
        await using var server = new TestPeer(1);
        await using var proxy = new TcpProxy(server.Listener.BoundPort) { Delay = TimeSpan.FromMilliseconds(20) };
        await using var client = new TestPeer(2);
        int[] answers = await Task.WhenAll(Enumerable.Range(0, 100).Select(i => client.CallAsync(server.AddressAt(proxy.Port), i)));
        Assert.Equal(Enumerable.Range(0, 100), answers);
    }

    [Theory]
    [InlineData("7fffffff")]
    [InlineData("00000000")]
    [InlineData("0000000503e803e803")]
    [InlineData("0000000a00000001000102030405")]
    public async Task Garbage_after_the_handshake_closes_the_connection_with_one_line(string hex)
    {
        await using var server = new TestPeer(1);
        using RawPeer client = await RawPeer.ConnectAsync(server.Listener.BoundPort);
        await client.ShakeHandsAsync();
        await client.SendAsync(Convert.FromHexString(hex));
        await client.WaitForCloseAsync();
        await TestPeer.UntilAsync(() => server.Listener.ConnectionCount == 0, "the connection to end");
        Assert.Equal(1, server.Log.Count("sent what is no request"));
        Assert.Equal(0, server.Log.Count("failed"));
    }

    [Theory]
    [InlineData("7fffffff")]
    [InlineData("00000002ffff")]
    [InlineData("000000057000000000")]
    [InlineData("0000000800000001007fffff")]
    public async Task Garbage_in_the_place_of_an_answer_closes_the_connection_with_one_line(string hex)
    {
        await using var client = new TestPeer(2);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = new PeerAddress("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, new NodeIncarnation(1, 1));
        Task<int> call = client.CallAsync(address, 1);
        using RawPeer server = await RawPeer.AcceptAsync(listener);
        await server.TakeHandAsync(address);
        Assert.NotNull(await server.ReceiveFrameAsync());
        await server.SendAsync(Convert.FromHexString(hex));
        PeerCallException error = await Assert.ThrowsAsync<PeerCallException>(() => call);
        Assert.Equal(PeerFailure.Unknown, error.Failure);
        await server.WaitForCloseAsync();
        Assert.Equal(1, client.Log.Count("brought what is no answer"));
    }

    [Fact]
    public async Task An_answer_that_comes_too_late_is_dropped()
    {
        await using var client = new TestPeer(2);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = new PeerAddress("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, new NodeIncarnation(1, 1));
        Task<int> first = client.CallAsync(address, 1, TimeSpan.FromSeconds(2));
        using RawPeer server = await RawPeer.AcceptAsync(listener);
        await server.TakeHandAsync(address);
        Assert.NotNull(await server.ReceiveFrameAsync());
        PeerCallException error = await Assert.ThrowsAsync<PeerCallException>(() => first);
        Assert.Equal((PeerFailure.Unknown, PeerError.DeadlinePassed), (error.Failure, error.Error));
        Task<int> second = client.CallAsync(address, 2);
        Assert.NotNull(await server.ReceiveFrameAsync());
        await server.SendFrameAsync(RawPeer.Response(1, TestPeer.Chunk(1)));
        await server.SendFrameAsync(RawPeer.Response(2, TestPeer.Chunk(2)));
        Assert.Equal(2, await second);
    }

    [Fact]
    public async Task Connections_are_counted_and_none_is_left_at_the_end()
    {
        var server = new TestPeer(1);
        var client = new TestPeer(2);
        await client.CallAsync(server.Address, 1);
        Assert.True(client.Sums["warp.rpc.sent"] > 0);
        Assert.Equal(client.Sums["warp.rpc.received"], server.Sums["warp.rpc.sent"]);
        await client.DisposeAsync();
        await TestPeer.UntilAsync(() => server.Listener.ConnectionCount == 0, "the connection to end");
        await server.DisposeAsync();
        await Assert.ThrowsAsync<PeerCallException>(() => client.CallAsync(server.Address, 1));
    }

    private static bool TryCall(TestPeer client, PeerAddress address, int number = 1)
    {
        try
        {
            return client.CallAsync(address, number).GetAwaiter().GetResult() == number;
        }
        catch (PeerCallException)
        {
            return false;
        }
    }

    /// <summary>Serves an API of which no request arrives.</summary>
    private sealed class UnreachedTaker : IPeerHandler
    {
        public ApiKey ApiKey => PrivateApis.OfferChunk;

        public ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context) => throw new InvalidOperationException("It came through.");
    }
}
