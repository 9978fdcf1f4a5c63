using System.Net;
using System.Net.Sockets;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Persistence;
using Warp.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Actors.Cluster.Peers;

public sealed class PeerHandshakeSpec
{
    [Fact]
    public async Task Two_nodes_of_a_cluster_talk_and_know_each_others_feature_level()
    {
        await using var server = new TestPeer(1);
        await using var client = new TestPeer(2);
        Assert.Null(client.Network.FeatureLevelOf(server.Address));
        Assert.Equal(42, await client.CallAsync(server.Address, 42));
        Assert.Equal(3, client.Network.FeatureLevelOf(server.Address));
        Assert.True(server.Log.Contains("Node 2/1 is connected"));
    }

    [Fact]
    public async Task A_node_whose_life_is_not_known_is_reached_by_its_address_alone()
    {
        await using var server = new TestPeer(1);
        await using var client = new TestPeer(2);
        Assert.Equal(7, await client.CallAsync(server.Address with { Node = null }, 7));
    }

    [Fact]
    public async Task A_wrong_secret_is_refused_and_both_sides_say_so()
    {
        await using var server = new TestPeer(1);
        await using var client = new TestPeer(2, change: settings => settings with { Secret = "a secret of somebody else" });
        await AssertRefusedAsync(client, server, server.Address, PeerRefusal.WrongSecret, "warp.cluster.secret");
    }

    [Fact]
    public async Task Another_cluster_is_refused_and_both_sides_say_so()
    {
        await using var server = new TestPeer(1);
        await using var client = new TestPeer(2, clusterId: "another-cluster-id-of22");
        await AssertRefusedAsync(client, server, server.Address, PeerRefusal.OtherCluster, "another-cluster-id-of22");
    }

    [Fact]
    public async Task Another_life_of_the_node_is_refused_and_both_sides_say_so()
    {
        await using var server = new TestPeer(1, incarnation: 5);
        await using var client = new TestPeer(2);
        PeerAddress expected = server.Address with { Node = new NodeIncarnation(1, 4) };
        await AssertRefusedAsync(client, server, expected, PeerRefusal.OtherNode, "1/4");
    }

    [Fact]
    public async Task A_server_that_does_not_know_the_secret_is_not_talked_to()
    {
        await using var client = new TestPeer(2);
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var address = new PeerAddress("127.0.0.1", ((IPEndPoint)listener.LocalEndpoint).Port, new NodeIncarnation(1, 1));
        Task<int> call = client.CallAsync(address, 1);
        using RawPeer server = await RawPeer.AcceptAsync(listener);
        await server.TakeHandAsync(address, "another secret than that of the cluster");
        PeerRefusedException refused = await Assert.ThrowsAsync<PeerRefusedException>(() => call);
        Assert.Equal(PeerRefusal.WrongSecret, refused.Refusal);
        Assert.Null(await server.ReceiveFrameAsync());
    }

    [Fact]
    public async Task A_proof_cannot_be_used_again()
    {
        await using var server = new TestPeer(1);
        byte[] hello = RawPeer.Hello();
        using RawPeer first = await RawPeer.ConnectAsync(server.Listener.BoundPort);
        await first.SendFrameAsync(hello);
        byte[] proof = RawPeer.Proof(TestPeer.Secret, "client", hello, (await first.ReceiveFrameAsync())!);

        using RawPeer second = await RawPeer.ConnectAsync(server.Listener.BoundPort);
        await second.SendFrameAsync(hello);
        Assert.NotNull(await second.ReceiveFrameAsync());
        await second.SendFrameAsync(RawPeer.Request(1, new ProveRequest { Proof = proof }));
        byte[] answer = (await second.ReceiveFrameAsync())!;
        Assert.Equal(PeerRefusal.WrongSecret, ReadProven(answer).Refusal);
        Assert.Null(await second.ReceiveFrameAsync());
    }

    [Fact]
    public async Task The_servers_own_proof_is_none_of_the_client()
    {
        await using var server = new TestPeer(1);
        using RawPeer client = await RawPeer.ConnectAsync(server.Listener.BoundPort);
        byte[] hello = RawPeer.Hello();
        await client.SendFrameAsync(hello);
        byte[] proof = RawPeer.Proof(TestPeer.Secret, "server", hello, (await client.ReceiveFrameAsync())!);
        await client.SendFrameAsync(RawPeer.Request(1, new ProveRequest { Proof = proof }));
        Assert.Equal(PeerRefusal.WrongSecret, ReadProven((await client.ReceiveFrameAsync())!).Refusal);
    }

    [Theory]
    [InlineData("474554202f20485454502f312e310d0a0d0a")]
    [InlineData("00000000")]
    [InlineData("ffffffff")]
    [InlineData("7fffffff03e8000000000001")]
    [InlineData("000000080102030405060708")]
    [InlineData("0000000d03e800000000000000000000007fffffffff")]
    public async Task Garbage_in_the_place_of_the_handshake_closes_the_connection_with_one_line(string hex)
    {
        await using var server = new TestPeer(1);
        using RawPeer client = await RawPeer.ConnectAsync(server.Listener.BoundPort);
        await client.SendAsync(Convert.FromHexString(hex));
        await client.WaitForCloseAsync();
        await TestPeer.UntilAsync(() => server.Listener.ConnectionCount == 0, "the connection to end");
        Assert.Equal(1, server.Log.Count("is refused (NoHandshake)"));
        Assert.Equal(0, server.Log.Count("failed"));
        Assert.Equal(1, server.Sums["warp.rpc.refused", nameof(PeerRefusal.NoHandshake)]);
    }

    [Fact]
    public async Task Nothing_but_the_handshake_is_read_before_it_succeeded()
    {
        bool wasAsked = false;
        await using var server = new TestPeer(1, [TestPeer.Handler((_, _) =>
        {
            wasAsked = true;
            return ValueTask.FromResult<Warp.Protocol.Messages.IResponse>(TestPeer.Chunk(1));
        })]);
        using (RawPeer client = await RawPeer.ConnectAsync(server.Listener.BoundPort))
        {
            await client.SendFrameAsync(RawPeer.Request(1, new ReadChunkRequest()));
            await client.WaitForCloseAsync();
        }
        using (RawPeer client = await RawPeer.ConnectAsync(server.Listener.BoundPort))
        {
            await client.SendFrameAsync(RawPeer.Hello());
            Assert.NotNull(await client.ReceiveFrameAsync());
            await client.SendFrameAsync(RawPeer.Request(1, new ReadChunkRequest()));
            await client.WaitForCloseAsync();
        }
        Assert.False(wasAsked);
    }

    [Fact]
    public async Task Who_says_nothing_is_closed_when_the_handshake_is_overdue()
    {
        await using var server = new TestPeer(1, change: settings => settings with { HandshakeTimeout = TimeSpan.FromMilliseconds(100) });
        using RawPeer client = await RawPeer.ConnectAsync(server.Listener.BoundPort);
        await client.WaitForCloseAsync();
        await TestPeer.UntilAsync(() => server.Log.Contains("is refused (NoAnswer)"), "the refusal");
    }

    [Fact]
    public async Task Strangers_cannot_fill_the_listener()
    {
        await using var server = new TestPeer(1, change: settings => settings with { MaxHandshakes = 2 });
        using RawPeer first = await RawPeer.ConnectAsync(server.Listener.BoundPort);
        using RawPeer second = await RawPeer.ConnectAsync(server.Listener.BoundPort);
        await TestPeer.UntilAsync(() => server.Listener.ConnectionCount == 2, "both to be accepted");
        using RawPeer third = await RawPeer.ConnectAsync(server.Listener.BoundPort);
        await third.WaitForCloseAsync();
        first.Dispose();
        await TestPeer.UntilAsync(() => server.Listener.ConnectionCount == 1, "the first to end");
        await using var client = new TestPeer(2);
        Assert.Equal(1, await client.CallAsync(server.Address, 1));
    }

    private static (PeerRefusal Refusal, string? Detail) ReadProven(byte[] frame)
    {
        var reader = new WireReader(frame);
        PeerResponseHeader.Read(ref reader, 0);
        ProveResponse proven = ProveResponse.Read(ref reader, 0);
        return ((PeerRefusal)proven.Refusal, proven.Detail);
    }

    private static async Task AssertRefusedAsync(TestPeer client, TestPeer server, PeerAddress address, PeerRefusal refusal, string text)
    {
        PeerRefusedException refused = await Assert.ThrowsAsync<PeerRefusedException>(() => client.CallAsync(address, 1));
        Assert.Equal(refusal, refused.Refusal);
        Assert.Equal(PeerFailure.NotSent, refused.Failure);
        Assert.Contains(text, refused.Message, StringComparison.Ordinal);
        await TestPeer.UntilAsync(() => server.Log.Contains($"({refusal})"), "the server to say so");
        Assert.Equal(1, server.Log.Count($"({refusal})"));
        Assert.Equal(1, client.Log.Count($"({refusal})"));
        Assert.Contains(text, refused.Message, StringComparison.Ordinal);
        Assert.True(server.Log.Contains(text));
        Assert.Equal(1, client.Sums["warp.rpc.refused", refusal.ToString()]);
    }
}
