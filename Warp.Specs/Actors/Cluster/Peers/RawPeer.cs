using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using Warp.Actors.Cluster.Peers;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Specs.Actors.Cluster.Peers;

/// <summary>
/// One end of a connection between nodes that can misbehave. It does the handshake by itself, as the protocol is described.
/// </summary>
internal sealed class RawPeer : IDisposable
{
    private readonly Socket _socket;

    private RawPeer(Socket socket) => _socket = socket;

    public static async Task<RawPeer> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return new RawPeer(socket);
    }

    public static async Task<RawPeer> AcceptAsync(TcpListener listener) => new(await listener.AcceptSocketAsync());

    public static byte[] Hello(string clusterId = TestPeer.ClusterId, int nodeId = 9) => Request(0, new IntroduceRequest
    {
        ClusterId = clusterId,
        NodeId = nodeId,
        Incarnation = 1,
        Nonce = RandomNumberGenerator.GetBytes(32),
    });

    /// <summary>A frame without its length.</summary>
    public static byte[] Request(int correlationId, IRequest request, int timeoutMs = 30_000)
    {
        using var writer = new WireWriter();
        new PeerRequestHeader { Api = (short)request.ApiKey, CorrelationId = correlationId, TimeoutMs = timeoutMs }.Write(writer, 0);
        request.Write(writer, 0);
        return writer.ToArray();
    }

    /// <summary>A frame without its length.</summary>
    public static byte[] Response(int correlationId, IResponse response)
    {
        using var writer = new WireWriter();
        new PeerResponseHeader { CorrelationId = correlationId }.Write(writer, 0);
        response.Write(writer, 0);
        return writer.ToArray();
    }

    public static byte[] Proof(string secret, string side, byte[] hello, byte[] challenge)
    {
        using var hash = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Encoding.UTF8.GetBytes(secret));
        hash.AppendData(Encoding.UTF8.GetBytes($"warp peer handshake 1: {side}\0"));
        foreach (byte[] frame in new[] { hello, challenge })
        {
            var length = new byte[4];
            BinaryPrimitives.WriteInt32BigEndian(length, frame.Length);
            hash.AppendData(length);
            hash.AppendData(frame);
        }
        return hash.GetHashAndReset();
    }

    /// <summary>The client's side of the handshake.</summary>
    public async Task ShakeHandsAsync(string secret = TestPeer.Secret)
    {
        byte[] hello = Hello();
        await SendFrameAsync(hello);
        byte[] challenge = await ReceiveFrameAsync() ?? throw new EndOfStreamException();
        await SendFrameAsync(Request(1, new ProveRequest { Proof = Proof(secret, "client", hello, challenge) }));
        _ = await ReceiveFrameAsync() ?? throw new EndOfStreamException();
    }

    /// <summary>The server's side of the handshake, of a node that serves chunks.</summary>
    public async Task TakeHandAsync(PeerAddress self, string secret = TestPeer.Secret)
    {
        byte[] hello = await ReceiveFrameAsync() ?? throw new EndOfStreamException();
        byte[] challenge = Response(0, new IntroduceResponse
        {
            NodeId = self.Node!.Value.NodeId,
            Incarnation = self.Node.Value.Incarnation,
            Nonce = RandomNumberGenerator.GetBytes(32),
            MaxFrameBytes = 1 << 20,
            MaxRequests = 100,
            MaxLongPolls = 100,
            MaxRequestBytes = 1 << 20,
            Apis = [new PeerApiVersions { Api = (short)PrivateApis.ReadChunk }],
        });
        await SendFrameAsync(challenge);
        _ = await ReceiveFrameAsync() ?? throw new EndOfStreamException();
        await SendFrameAsync(Response(1, new ProveResponse { Proof = Proof(secret, "server", hello, challenge) }));
    }

    public Task SendFrameAsync(byte[] frame)
    {
        var bytes = new byte[4 + frame.Length];
        BinaryPrimitives.WriteInt32BigEndian(bytes, frame.Length);
        frame.CopyTo(bytes.AsSpan(4));
        return SendAsync(bytes);
    }

    public async Task SendAsync(byte[] bytes)
    {
        for (int sent = 0; sent < bytes.Length;)
            sent += await _socket.SendAsync(bytes.AsMemory(sent));
    }

    /// <summary>The next frame without its length; null when the other side has closed.</summary>
    public async Task<byte[]?> ReceiveFrameAsync()
    {
        var length = new byte[4];
        if (!await FillAsync(length))
            return null;
        var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
        return await FillAsync(frame) ? frame : null;
    }

    /// <summary>Waits for the other side to close, whatever it sends before.</summary>
    public async Task WaitForCloseAsync()
    {
        while (await ReceiveFrameAsync() is not null)
        {
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task<bool> FillAsync(byte[] buffer)
    {
        using var patience = new CancellationTokenSource(TestPeer.Patience);
        try
        {
            for (int received = 0; received < buffer.Length;)
            {
                int count = await _socket.ReceiveAsync(buffer.AsMemory(received), patience.Token);
                if (count == 0)
                    return false;
                received += count;
            }
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
