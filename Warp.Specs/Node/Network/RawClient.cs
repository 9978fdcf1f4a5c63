using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Specs.Node.Network;

/// <summary>A client that can misbehave: it sends any bytes, in any pieces.</summary>
internal sealed class RawClient : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly Socket _socket;

    private RawClient(Socket socket) => _socket = socket;

    public static async Task<RawClient> ConnectAsync(int port)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        await socket.ConnectAsync(IPAddress.Loopback, port);
        return new RawClient(socket);
    }

    public static byte[] Frame(int correlationId, IRequest request, short version)
    {
        using OutgoingFrame frame = RequestFrame.Write(correlationId, "raw", request, version);
        return frame.ToArray();
    }

    /// <summary>A frame whose body is not looked at.</summary>
    public static byte[] Frame(short key, short version, int correlationId, int bodyBytes = 2)
    {
        var frame = new byte[4 + 8 + bodyBytes];
        BinaryPrimitives.WriteInt32BigEndian(frame, 8 + bodyBytes);
        BinaryPrimitives.WriteInt16BigEndian(frame.AsSpan(4), key);
        BinaryPrimitives.WriteInt16BigEndian(frame.AsSpan(6), version);
        BinaryPrimitives.WriteInt32BigEndian(frame.AsSpan(8), correlationId);
        return frame;
    }

    public async Task SendAsync(params byte[][] pieces)
    {
        foreach (byte[] piece in pieces)
        {
            for (int sent = 0; sent < piece.Length;)
                sent += await _socket.SendAsync(piece.AsMemory(sent));
        }
    }

    /// <summary>The next frame without its length; null when the server has closed.</summary>
    public async Task<byte[]?> ReceiveFrameAsync()
    {
        var length = new byte[4];
        if (!await FillAsync(length))
            return null;
        var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
        return await FillAsync(frame) ? frame : null;
    }

    public async Task<(int CorrelationId, TResponse Body)> ReceiveAsync<TResponse>(ApiKey key, short version)
        where TResponse : class, IResponse
    {
        byte[] frame = await ReceiveFrameAsync() ?? throw new EndOfStreamException("The server has closed the connection.");
        ResponseFrame response = ResponseFrame.Parse(frame, ApiSpecs.Get(key), version);
        return (response.Header.CorrelationId, (TResponse)response.Body);
    }

    /// <summary>Waits for the server to close; false when it sends something instead.</summary>
    public async Task<bool> IsClosedAsync() => await ReceiveFrameAsync() is null;

    public void CloseSending() => _socket.Shutdown(SocketShutdown.Send);

    /// <summary>Closes so that the server sees a reset.</summary>
    public void Abort()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    public void Dispose() => _socket.Dispose();

    private async Task<bool> FillAsync(byte[] buffer)
    {
        using var patience = new CancellationTokenSource(s_patience);
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
