using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Actors.Cluster.Peers;

/// <summary>What all sessions of a listener share.</summary>
internal sealed record PeerSessionServices(
    ActorSystem System, PeerIdentity Self, PeerSettings Settings, PeerMetrics Metrics, PeerDispatcher Dispatcher, ILogger Log)
{
    public TimeProvider Time => System.Time;
}

/// <summary>
/// A connection that another node has opened: the handshake first, then requests, which are handed to their handlers as they come and
/// answered in whatever order these end.
/// </summary>
/// <remarks>
/// It ends in one place, <see cref="End"/>; then <see cref="RunAsync"/> waits for the handlers, so that every buffer goes back.
/// </remarks>
internal sealed class PeerSession
{
    private readonly Socket _socket;
    private readonly EndPoint? _remote;
    private readonly PeerSessionServices _services;
    private readonly CallWindow _window;
    private readonly CallWindow _longPolls;
    private readonly ConcurrentDictionary<int, CancellationTokenSource> _running = new();
    private readonly CancellationTokenSource _closed = new();
    private readonly TaskCompletionSource _allAnswered = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private PeerTransport? _transport;
    private FrameReceiver? _receiver;
    private FrameSender _sender = null!;
    private PeerTerms _terms = null!;
    private string? _ended;
    private long _wentOn;
    private volatile bool _isHeldUp;

    /// <summary>Requests that are being answered, and one for the loop that receives them.</summary>
    private int _answering = 1;

    public PeerSession(Socket socket, EndPoint? remote, PeerSessionServices services)
    {
        _socket = socket;
        _remote = remote;
        _services = services;
        PeerSettings settings = services.Settings;
        _window = new CallWindow(settings.MaxRequests, settings.MaxRequestBytes);
        _longPolls = new CallWindow(settings.MaxLongPolls, settings.MaxRequestBytes);
        _wentOn = services.Time.GetTimestamp();
    }

    private bool HasEnded => Volatile.Read(ref _ended) is not null;

    /// <summary>The handshake; false if there is no use in going on.</summary>
    public async Task<bool> BeginAsync()
    {
        using var deadline = new CancellationTokenSource(_services.Settings.HandshakeTimeout, _services.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, _closed.Token);
        try
        {
            _transport = await PeerTransport.StartAsync(_socket, _services.Settings.Tls, isServer: true, stop.Token);
            _receiver = new FrameReceiver(_transport, _services.Metrics, _services.Time);
            _sender = new FrameSender(_transport, _services.Metrics.Sent);
            var handshake = new PeerHandshake(_transport, _receiver, _services.Self, _services.Settings, _services.Metrics);
            _terms = await handshake.AcceptAsync(_services.Dispatcher.Versions, stop.Token);
            return true;
        }
        catch (Exception error)
        {
            if (!HasEnded)
                Refused(error);
            End("the handshake failed");
            return false;
        }
    }

    /// <summary>Serves the peer, once the handshake is done, until either side has had enough.</summary>
    public async Task RunAsync()
    {
        PeerLog.SessionBegun(_services.Log, _terms.Peer, _remote, _terms.FeatureLevel);
        _services.Metrics.Opened(_terms.Peer, isOutgoing: false);
        try
        {
            // It may have ended before there was a sender.
            if (HasEnded)
                _sender.Complete();
            Task receiving = GuardAsync(ReceiveLoopAsync);
            await GuardAsync(_sender.RunAsync);
            await receiving;
            Answered();
            _sender.Discard();
            await _allAnswered.Task;
            // What was answered after the connection had ended.
            _sender.Discard();
        }
        finally
        {
            _services.Metrics.Closed(_terms.Peer, isOutgoing: false);
            PeerLog.SessionEnded(_services.Log, _terms.Peer, _remote, _ended ?? "");
        }
    }

    /// <summary>Closes the connection at once and tells the handlers so: the one place where that is done. More calls do nothing.</summary>
    public void End(string reason)
    {
        if (Interlocked.CompareExchange(ref _ended, reason, null) is not null)
            return;
        _transport?.Dispose();
        _socket.Dispose();
        _sender?.Complete();
        _closed.Cancel();
    }

    /// <summary>Ends the connection of a peer that has given no sign of life: it would have, if it still wanted something.</summary>
    public void Check()
    {
        // It asks for a sign of life itself, every KeepAlive; who holds it up here is this node.
        long last = Math.Max(Volatile.Read(ref _wentOn), _receiver?.LastReceived ?? 0);
        if (!_isHeldUp && _services.Time.GetElapsedTime(last) > 4 * _services.Settings.KeepAlive)
            End("it gives no sign of life");
    }

    private void Refused(Exception error)
    {
        (PeerRefusal refusal, string message) = error is PeerRefusedException refused
            ? (refused.Refusal, refused.Message)
            : PeerLink.RefusalOf(error, _services.Settings.Tls is not null) ?? (PeerRefusal.NoHandshake, error.Message);
        _services.Metrics.Refused(refusal);
        PeerLog.SessionRefused(_services.Log, _remote, refusal, message);
    }

    private async Task ReceiveLoopAsync()
    {
        FrameReceiver receiver = _receiver!;
        while (true)
        {
            int length = await receiver.ReceiveLengthAsync(PeerFrames.MinRequestBytes, _services.Settings.MaxFrameBytes, _closed.Token);
            if (length < 0)
            {
                End("the peer has closed it");
                return;
            }
            PooledBuffer frame = await receiver.ReceiveFrameAsync(length, _closed.Token);
            long arrived = _services.Time.GetTimestamp();
            bool isTaken = false;
            try
            {
                isTaken = await TakeAsync(frame, arrived);
            }
            finally
            {
                if (!isTaken)
                    frame.Release();
            }
        }
    }

    /// <summary>Begins to answer a request; false if it needs the frame no longer.</summary>
    private async ValueTask<bool> TakeAsync(PooledBuffer frame, long arrived)
    {
        PeerRequestHeader header = ReadHeader(frame, out int bodyStart);
        var key = (ApiKey)header.Api;
        switch (key)
        {
            case PrivateApis.Ping:
                Send(PeerFrames.Response(header.CorrelationId, new PingResponse(), 0));
                return false;
            case PrivateApis.Cancel:
                Cancel(ReadCancel(frame, bodyStart).CorrelationId);
                Send(PeerFrames.Response(header.CorrelationId, new CancelResponse(), 0));
                return false;
        }
        if (!_services.Dispatcher.TryFind(key, header.Version, out IPeerHandler? handler))
        {
            string message = $"node {_services.Self.Node} does not serve API {header.Api} version {header.Version}";
            Send(PeerFrames.Error(header.CorrelationId, PeerError.Unsupported, message));
            return false;
        }
        ApiSpec spec = PrivateApis.Get(key);
        CallWindow window = PrivateApis.IsLongPoll(key) ? _longPolls : _window;
        _isHeldUp = true;
        await window.EnterAsync(frame.Length, _closed.Token);
        Volatile.Write(ref _wentOn, _services.Time.GetTimestamp());
        _isHeldUp = false;
        IRequest request;
        try
        {
            request = ReadBody(spec, header.Version, frame, bodyStart);
        }
        catch
        {
            window.Leave(frame.Length);
            throw;
        }
        Interlocked.Increment(ref _answering);
        _ = AnswerAsync(handler, spec, header, request, window, frame, arrived);
        return true;
    }

    /// <summary>Runs a handler, its first part at once, and sends what comes of it. Never fails.</summary>
    private async Task AnswerAsync(
        IPeerHandler handler,
        ApiSpec spec,
        PeerRequestHeader header,
        IRequest request,
        CallWindow window,
        PooledBuffer frame,
        long arrived)
    {
        TimeSpan timeout = TimeSpan.FromMilliseconds(Math.Max(header.TimeoutMs, 0)) - _services.Time.GetElapsedTime(arrived);
        OutgoingFrame? answer = null;
        try
        {
            answer = timeout > TimeSpan.Zero
                ? await HandleAsync(handler, spec, header, request, frame, timeout)
                : PeerFrames.Error(header.CorrelationId, PeerError.DeadlinePassed, "it waited too long for its turn");
        }
        catch (Exception error)
        {
            PeerLog.HandlerFailed(_services.Log, error, spec.Name, header.Version, _terms.Peer);
            answer = PeerFrames.Error(header.CorrelationId, PeerError.Failed, error.Message);
        }
        finally
        {
            (request as IDisposable)?.Dispose();
            int length = frame.Length;
            frame.Release();
            // Its room is free again once the answer has left: who does not read answers gets no more of them.
            if (answer is null || !_sender.TryEnqueue(new Answer(answer, window, length)))
            {
                answer?.Dispose();
                window.Leave(length);
            }
            if (!PrivateApis.IsLongPoll(spec.Key))
                _services.Metrics.Served(spec.Name, _services.Time.GetElapsedTime(arrived));
            Answered();
        }
    }

    private async Task<OutgoingFrame> HandleAsync(
        IPeerHandler handler, ApiSpec spec, PeerRequestHeader header, IRequest request, PooledBuffer frame, TimeSpan timeout)
    {
        using var late = new CancellationTokenSource(timeout, _services.Time);
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _closed.Token);
        if (!_running.TryAdd(header.CorrelationId, stop))
            return PeerFrames.Error(header.CorrelationId, PeerError.Failed, "the number of the request is taken");
        try
        {
            var context = new PeerContext(_terms.Peer, _terms.FeatureLevel, header.Version, timeout, frame, _services.Time, stop.Token);
            IResponse response = await handler.HandleAsync(request, context);
            OutgoingFrame answer = PeerFrames.Response(header.CorrelationId, response, header.Version);
            if (answer.Length - PeerFrames.LengthBytes <= _services.Settings.MaxFrameBytes)
                return answer;
            answer.Dispose();
            return PeerFrames.Error(header.CorrelationId, PeerError.TooLarge, $"the response has {answer.Length} bytes");
        }
        catch (PeerErrorException error)
        {
            return PeerFrames.Error(header.CorrelationId, error.Error, error.Message, error.Epoch);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            return late.IsCancellationRequested
                ? PeerFrames.Error(header.CorrelationId, PeerError.DeadlinePassed, "the deadline passed while it was worked on")
                : PeerFrames.Error(header.CorrelationId, PeerError.Cancelled, "nobody waits for the answer");
        }
        finally
        {
            _running.TryRemove(header.CorrelationId, out _);
        }
    }

    private void Send(OutgoingFrame frame)
    {
        if (!_sender.TryEnqueue(new Answer(frame, null, 0)))
            frame.Dispose();
    }

    private void Cancel(int correlationId)
    {
        if (!_running.TryGetValue(correlationId, out CancellationTokenSource? stop))
            return;
        try
        {
            stop.Cancel();
        }
        catch (ObjectDisposedException)
        {
            // It has just ended by itself.
        }
    }

    private void Answered()
    {
        if (Interlocked.Decrement(ref _answering) == 0)
            _allAnswered.SetResult();
    }

    private static PeerRequestHeader ReadHeader(PooledBuffer frame, out int bodyStart)
    {
        var reader = new WireReader(frame.Memory);
        PeerRequestHeader header = PeerRequestHeader.Read(ref reader, 0);
        bodyStart = reader.Position;
        return header;
    }

    private static CancelRequest ReadCancel(PooledBuffer frame, int bodyStart)
    {
        var reader = new WireReader(frame.Memory[bodyStart..]);
        return CancelRequest.Read(ref reader, 0);
    }

    private static IRequest ReadBody(ApiSpec spec, short version, PooledBuffer frame, int bodyStart)
    {
        var reader = new WireReader(frame.Memory[bodyStart..], PeerFrames.MaxElements);
        return spec.ReadRequest(ref reader, version);
    }

    /// <summary>Runs a loop to its end, whatever that is.</summary>
    private async Task GuardAsync(Func<Task> loop)
    {
        try
        {
            await loop();
        }
        catch (Exception) when (HasEnded)
        {
            // This node wants it so.
        }
        catch (Exception error) when (error is PeerProtocolException or MalformedMessageException)
        {
            PeerLog.SessionGarbage(_services.Log, _terms.Peer, _remote, error.Message);
            End(error.Message);
        }
        catch (Exception error) when (PeerTransport.IsBroken(error))
        {
            End(PeerTransport.ReasonOf(error));
        }
        catch (Exception error)
        {
            PeerLog.SessionFailed(_services.Log, error, _terms.Peer, _remote);
            End(error.Message);
        }
    }

    /// <summary>A response that waits to be sent.</summary>
    private sealed class Answer(OutgoingFrame frame, CallWindow? window, int requestBytes) : IOutgoing
    {
        public OutgoingFrame? TakeFrame() => frame;

        public void Left() => window?.Leave(requestBytes);
    }
}
