using System.Buffers.Binary;
using System.Globalization;
using System.Net.Sockets;
using Warp.Protocol.Messages;

namespace Warp.Specs.Scenarios;

/// <summary>
/// A bare connection to a node, over which a test can send what no client library would. One writer and one reader at a time.
/// </summary>
public sealed class KafkaSocket : IDisposable
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    private readonly TcpClient _client;
    private readonly NetworkStream _stream;
    private int _correlationId;

    private KafkaSocket(TcpClient client)
    {
        _client = client;
        _stream = client.GetStream();
    }

    /// <param name="bootstrap">As <c>host:port</c>.</param>
    public static async Task<KafkaSocket> ConnectAsync(string bootstrap)
    {
        string[] parts = bootstrap.Split(':');
        var client = new TcpClient { NoDelay = true };
        await client.ConnectAsync(parts[0], int.Parse(parts[1], CultureInfo.InvariantCulture));
        return new KafkaSocket(client);
    }

    /// <summary>Sends bytes as they are.</summary>
    public ValueTask SendAsync(ReadOnlyMemory<byte> bytes) => _stream.WriteAsync(bytes);

    /// <summary>Sends a request, without waiting for its response.</summary>
    public async Task SendAsync(IRequest request, short version)
    {
        using var frame = RequestFrame.Write(++_correlationId, "specs", request, version);
        await SendAsync(frame.ToArray());
    }

    /// <summary>Says that nothing more will be sent.</summary>
    public void FinishSending() => _client.Client.Shutdown(SocketShutdown.Send);

    /// <summary>The next response without its length; null when the node has closed the connection.</summary>
    /// <exception cref="TimeoutException">Neither came within 30 s.</exception>
    public async Task<byte[]?> ReceiveAsync()
    {
        using var deadline = new CancellationTokenSource(_patience);
        try
        {
            var length = new byte[4];
            if (await _stream.ReadAtLeastAsync(length, 4, throwOnEndOfStream: false, deadline.Token) < 4)
                return null;
            var frame = new byte[BinaryPrimitives.ReadInt32BigEndian(length)];
            await _stream.ReadExactlyAsync(frame, deadline.Token);
            return frame;
        }
        catch (Exception error) when (error is EndOfStreamException or IOException { InnerException: SocketException })
        {
            return null;
        }
        catch (OperationCanceledException)
        {
            throw new TimeoutException($"no response and no end of the connection within {_patience.TotalSeconds} s");
        }
    }

    /// <summary>Receives the next response and reads it as the answer to a request of this kind.</summary>
    /// <exception cref="EndOfStreamException">The node has closed the connection instead.</exception>
    public async Task<TResponse> ReceiveAsync<TResponse>(ApiKey api, short version)
        where TResponse : IResponse
    {
        var frame = await ReceiveAsync() ?? throw new EndOfStreamException($"the connection ended before the answer to {api}");
        return (TResponse)ResponseFrame.Parse(frame, ApiSpecs.Get(api), version).Body;
    }

    /// <summary>Sends a request and receives its response; nothing else may be under way.</summary>
    public async Task<TResponse> AskAsync<TResponse>(IRequest request, short version)
        where TResponse : IResponse
    {
        await SendAsync(request, version);
        return await ReceiveAsync<TResponse>(request.ApiKey, version);
    }

    public void Dispose() => _client.Dispose();
}
