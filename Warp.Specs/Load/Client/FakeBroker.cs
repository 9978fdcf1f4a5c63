using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Warp.Protocol.Messages;

namespace Warp.Specs.Load.Client;

/// <summary>One connection of a broker that does what the test says, for half a minute at most. Not thread-safe.</summary>
internal sealed class FakeBroker : IDisposable
{
    private static readonly TimeSpan s_longestTest = TimeSpan.FromSeconds(30);

    private readonly CancellationTokenSource _deadline = new(s_longestTest);
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private Socket _client = null!;

    public FakeBroker() => _listener.Start();

    public DnsEndPoint Address => new("127.0.0.1", ((IPEndPoint)_listener.LocalEndpoint).Port);

    private CancellationToken Cancellation => _deadline.Token;

    /// <summary>Takes a client's connection and answers its ApiVersions.</summary>
    public async Task AcceptAsync(params ApiVersionsResponse.ApiVersion[] versions)
    {
        _client = await _listener.AcceptSocketAsync(Cancellation);
        RequestFrame request = await ReadAsync();
        await AnswerAsync(request, new ApiVersionsResponse { ApiKeys = [.. versions] });
    }

    /// <summary>The next request.</summary>
    public async Task<RequestFrame> ReadAsync()
    {
        byte[] prefix = await ReadAsync(4);
        return RequestFrame.Parse(await ReadAsync(BinaryPrimitives.ReadInt32BigEndian(prefix)));
    }

    public Task AnswerAsync(RequestFrame request, IResponse body) =>
        SendAsync(ResponseFrame.Write(request.Header.CorrelationId, body, request.Header.ApiVersion).ToArray());

    public async Task SendAsync(byte[] bytes)
    {
        for (int sent = 0; sent < bytes.Length;)
            sent += await _client.SendAsync(bytes.AsMemory(sent), Cancellation);
    }

    public void Close() => _client.Dispose();

    public void Dispose()
    {
        _client?.Dispose();
        _listener.Dispose();
        _deadline.Dispose();
    }

    private async Task<byte[]> ReadAsync(int count)
    {
        var bytes = new byte[count];
        for (int read = 0; read < count;)
        {
            int more = await _client.ReceiveAsync(bytes.AsMemory(read), Cancellation);
            read += more > 0 ? more : throw new EndOfStreamException();
        }
        return bytes;
    }
}
