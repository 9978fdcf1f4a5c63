using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Load.Client;

/// <summary>
/// A connection to a Kafka broker, just enough for a load and a demo: no TLS, no SASL. Requests may be sent while earlier ones wait for
/// their answers, which the broker gives in the order of the requests. Thread-safe.
/// </summary>
public sealed partial class KafkaClient : IAsyncDisposable
{
    private const int LengthBytes = 4;

    /// <summary>Above what a broker answers to a Fetch: 55 MiB, and one batch that is larger than a client asked for.</summary>
    private const int MaxResponseBytes = 128 << 20;

    private readonly Socket _socket;
    private readonly string _clientId;
    private readonly SemaphoreSlim _sending = new(1, 1);
    private readonly Queue<PendingRequest> _pending = new();
    private readonly Task _receiving;
    private Dictionary<ApiKey, short> _versions = new() { [ApiKey.ApiVersions] = 0 };
    private int _lastCorrelationId;
    private Exception? _failure;

    private KafkaClient(Socket socket, string clientId)
    {
        _socket = socket;
        _clientId = clientId;
        _receiving = ReceiveAsync();
    }

    /// <summary>Connects and asks the broker for its versions; of each API the highest is used that both sides know.</summary>
    /// <param name="address">The broker.</param>
    /// <param name="clientId">The client's name for itself, by which nodes choose the leader they name.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="SocketException">The broker cannot be reached.</exception>
    /// <exception cref="IOException">The connection broke.</exception>
    /// <exception cref="KafkaException">The broker refused to tell its versions.</exception>
    public static async Task<KafkaClient> ConnectAsync(DnsEndPoint address, string clientId, CancellationToken cancellationToken)
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(address.Host, address.Port, cancellationToken);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        var client = new KafkaClient(socket, clientId);
        try
        {
            await client.NegotiateAsync(cancellationToken);
            return client;
        }
        catch
        {
            await client.DisposeAsync();
            throw;
        }
    }

    /// <summary>The version that requests of an API are sent in.</summary>
    /// <exception cref="NotSupportedException">Broker and client have none in common.</exception>
    public short VersionOf(ApiKey api) => _versions.TryGetValue(api, out short version)
        ? version
        : throw new NotSupportedException($"The broker does not serve {api} in a version known here.");

    /// <summary>Sends a request and waits for its answer, which is not looked at.</summary>
    /// <param name="request">Of an API that answers: Produce with acks=0 does not.</param>
    /// <param name="cancellationToken">Stops waiting; the request may have been sent.</param>
    /// <exception cref="NotSupportedException">Broker and client have no version in common.</exception>
    /// <exception cref="IOException">The connection broke, or is closed.</exception>
    public async Task<TResponse> SendAsync<TResponse>(IRequest request, CancellationToken cancellationToken)
        where TResponse : IResponse
    {
        short version = VersionOf(request.ApiKey);
        var answer = new TaskCompletionSource<IResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        await _sending.WaitAsync(cancellationToken);
        try
        {
            int correlationId = ++_lastCorrelationId;
            using OutgoingFrame frame = RequestFrame.Write(correlationId, _clientId, request, version);
            Expect(new PendingRequest(correlationId, ApiSpecs.Get(request.ApiKey), version, answer));
            // Not cancelled in the middle: half a frame would spoil those that follow.
            await SendAllAsync(frame);
        }
        finally
        {
            _sending.Release();
        }
        return (TResponse)await answer.Task.WaitAsync(cancellationToken);
    }

    /// <summary>Closes the connection; requests that wait get an <see cref="IOException"/>.</summary>
    public async ValueTask DisposeAsync()
    {
        _socket.Dispose();
        await _receiving;
    }

    private async Task NegotiateAsync(CancellationToken cancellationToken)
    {
        var answer = await SendAsync<ApiVersionsResponse>(new ApiVersionsRequest(), cancellationToken);
        KafkaException.ThrowIfError(answer.ErrorCode, "ApiVersions");
        var versions = new Dictionary<ApiKey, short>();
        foreach (ApiVersionsResponse.ApiVersion served in answer.ApiKeys)
        {
            if (!ApiSpecs.TryGet(served.ApiKey, out ApiSpec? known))
                continue;
            short highest = Math.Min(served.MaxVersion, known.MaxVersion);
            if (highest >= Math.Max(served.MinVersion, known.MinVersion))
                versions[known.Key] = highest;
        }
        _versions = versions;
    }

    private void Expect(PendingRequest request)
    {
        lock (_pending)
        {
            if (_failure is not null)
                throw new IOException(_failure.Message, _failure);
            _pending.Enqueue(request);
        }
    }

    private async Task SendAllAsync(OutgoingFrame frame)
    {
        try
        {
            foreach (ArraySegment<byte> segment in frame)
            {
                for (ReadOnlyMemory<byte> left = segment; !left.IsEmpty;)
                    left = left[await _socket.SendAsync(left)..];
            }
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            _socket.Dispose();
            throw new IOException($"The connection to the broker broke: {e.Message}", e);
        }
    }

    [SuppressMessage("Design", "CA1031", Justification = "Whatever ends the receiving ends the connection, and is told to those who wait.")]
    private async Task ReceiveAsync()
    {
        try
        {
            var prefix = new byte[LengthBytes];
            while (true)
            {
                await ReceiveExactlyAsync(prefix);
                int length = BinaryPrimitives.ReadInt32BigEndian(prefix);
                if (length is < sizeof(int) or > MaxResponseBytes)
                    throw new IOException($"The broker sent a frame of {length} bytes.");
                var frame = new byte[length];
                await ReceiveExactlyAsync(frame);
                Complete(frame);
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private async Task ReceiveExactlyAsync(Memory<byte> destination)
    {
        while (!destination.IsEmpty)
        {
            int count = await _socket.ReceiveAsync(destination);
            if (count == 0)
                throw new IOException("The broker closed the connection.");
            destination = destination[count..];
        }
    }

    private void Complete(byte[] frame)
    {
        PendingRequest request;
        lock (_pending)
        {
            if (!_pending.TryPeek(out request))
                throw new IOException("The broker answered what was not asked.");
        }
        ResponseFrame response = ResponseFrame.Parse(frame, request.Spec, request.Version);
        if (response.Header.CorrelationId != request.CorrelationId)
            throw new IOException($"The broker answered request {response.Header.CorrelationId} where {request.CorrelationId} was next.");
        lock (_pending)
            _pending.Dequeue();
        request.Answer.SetResult(response.Body);
    }

    private void Fail(Exception cause)
    {
        PendingRequest[] waiting;
        lock (_pending)
        {
            _failure = cause;
            waiting = [.. _pending];
            _pending.Clear();
        }
        _socket.Dispose();
        foreach (PendingRequest request in waiting)
            request.Answer.SetException(new IOException($"The connection to the broker broke: {cause.Message}", cause));
    }

    private readonly record struct PendingRequest(int CorrelationId, ApiSpec Spec, short Version, TaskCompletionSource<IResponse> Answer);
}
