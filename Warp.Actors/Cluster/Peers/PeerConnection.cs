using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// The connection that this node has opened to another: sends requests as they come, and gives each the answer with its number, in whatever
/// order these arrive. Thread-safe.
/// </summary>
/// <remarks>It ends in one place, <see cref="End"/>; both loops notice, and no call is left without an end of its own.</remarks>
internal sealed class PeerConnection
{
    private static long s_lastId;

    private readonly long _id = Interlocked.Increment(ref s_lastId);
    private readonly PeerTransport _transport;
    private readonly FrameReceiver _receiver;
    private readonly FrameSender _sender;
    private readonly PeerSettings _settings;
    private readonly PeerLimits _limits;
    private readonly CallWindow _window;
    private readonly CallWindow _longPolls;
    private readonly TimeProvider _time;
    private readonly ILogger _log;
    private readonly ConcurrentDictionary<int, PeerCall> _calls = new();
    private int _lastCorrelationId;
    private string? _ended;
    private long _lastCall;
    private long _pinged;

    public PeerConnection(
        PeerAddress peer,
        PeerTerms terms,
        PeerTransport transport,
        FrameReceiver receiver,
        PeerSettings settings,
        PeerMetrics metrics,
        TimeProvider time,
        ILogger log)
    {
        Peer = peer;
        Terms = terms;
        _transport = transport;
        _receiver = receiver;
        _sender = new FrameSender(transport, metrics.Sent);
        _settings = settings;
        _limits = terms.Limits.And(PeerLimits.Of(settings));
        _window = new CallWindow(_limits.MaxRequests, _limits.MaxRequestBytes);
        _longPolls = new CallWindow(_limits.MaxLongPolls, _limits.MaxRequestBytes);
        _time = time;
        _log = log;
        _lastCall = time.GetTimestamp();
    }

    public PeerAddress Peer { get; }

    public PeerTerms Terms { get; }

    public bool HasEnded => Volatile.Read(ref _ended) is not null;

    /// <summary>Whether a call has been answered on it.</summary>
    public bool HasAnswered { get; private set; }

    /// <summary>Receives and sends until the connection ends.</summary>
    public async Task RunAsync()
    {
        PeerLog.Connected(_log, _id, Peer, Terms.Peer, Terms.FeatureLevel);
        Task receiving = GuardAsync(ReceiveLoopAsync);
        await GuardAsync(_sender.RunAsync);
        await receiving;
        _sender.Discard();
    }

    /// <summary>Sends a request and waits for its response.</summary>
    /// <param name="spec">Its API.</param>
    /// <param name="request">The request.</param>
    /// <param name="remaining">How long the caller still waits.</param>
    /// <param name="giveUp">The caller's deadline, or its own cancellation.</param>
    /// <param name="cancelled">The latter alone.</param>
    /// <exception cref="PeerCallException">There is no response.</exception>
    /// <exception cref="OperationCanceledException">Given up before it was sent, or <paramref name="cancelled"/>.</exception>
    public async Task<IResponse> CallAsync(
        ApiSpec spec, IRequest request, Func<TimeSpan> remaining, CancellationToken giveUp, CancellationToken cancelled)
    {
        Volatile.Write(ref _lastCall, _time.GetTimestamp());
        int correlationId = Interlocked.Increment(ref _lastCorrelationId);
        (OutgoingFrame frame, short version) = Write(spec, correlationId, request);
        CallWindow window = PrivateApis.IsLongPoll(spec.Key) ? _longPolls : _window;
        try
        {
            await window.EnterAsync(frame.Length, giveUp);
        }
        catch
        {
            frame.Dispose();
            throw;
        }
        var call = new PeerCall(spec, version, correlationId, frame, remaining);
        try
        {
            _calls[correlationId] = call;
            // Looked at after it is in the table: either End finds it there, or it finds that all has ended.
            if (!_sender.TryEnqueue(call) || HasEnded)
                call.TryFail(Ended);
            await using (giveUp.UnsafeRegister(_ => GiveUp(call, cancelled), null))
                return await call.Answer;
        }
        finally
        {
            _calls.TryRemove(correlationId, out _);
            window.Leave(call.Length);
            Volatile.Write(ref _lastCall, _time.GetTimestamp());
        }
    }

    /// <summary>Asks a peer that has been silent for a sign of life; ends the connection if none came, or if nobody uses it.</summary>
    public void Check()
    {
        if (HasEnded)
            return;
        long now = _time.GetTimestamp();
        if (_calls.IsEmpty && _time.GetElapsedTime(Volatile.Read(ref _lastCall), now) > _settings.Idle)
        {
            End("nobody uses it");
        }
        else if (_time.GetElapsedTime(_receiver.LastReceived, now) <= _settings.KeepAlive)
        {
            _pinged = 0;
        }
        else if (_pinged == 0)
        {
            // Its answer is one that nobody waits for; that it comes is what counts.
            _pinged = now;
            Post(new PingRequest());
        }
        else if (_time.GetElapsedTime(_pinged, now) > _settings.KeepAlive)
        {
            PeerLog.Silent(_log, _id, Peer, _settings.KeepAlive);
            End("it gives no sign of life");
        }
    }

    /// <summary>Closes the connection at once and ends its calls: the one place where that is done. More calls do nothing.</summary>
    public void End(string reason)
    {
        if (Interlocked.CompareExchange(ref _ended, reason, null) is not null)
            return;
        _transport.Dispose();
        _sender.Complete();
        _window.Close(() => Ended(PeerFailure.NotSent));
        _longPolls.Close(() => Ended(PeerFailure.NotSent));
        foreach (PeerCall call in _calls.Values)
            call.TryFail(Ended);
        PeerLog.Disconnected(_log, _id, Peer, reason);
    }

    private PeerCallException Ended(PeerFailure failure) => new(
        failure,
        failure == PeerFailure.NotSent
            ? $"The connection to {Peer} ended before the request left: {_ended}."
            : $"The connection to {Peer} ended before there was an answer: {_ended}.");

    private (OutgoingFrame Frame, short Version) Write(ApiSpec spec, int correlationId, IRequest request)
    {
        if (Terms.HighestCommon(spec) is not { } version)
            throw NotSent(PeerError.Unsupported, $"{Peer} does not know {spec.Name}: it is of another release");
        OutgoingFrame frame;
        try
        {
            frame = PeerFrames.Request(spec.Key, correlationId, request, version);
        }
        catch (NotSupportedException error)
        {
            throw NotSent(PeerError.Unsupported, $"{Peer} knows {spec.Name} only up to version {version}: {error.Message}");
        }
        if (frame.Length - PeerFrames.LengthBytes <= _limits.MaxFrameBytes)
            return (frame, version);
        frame.Dispose();
        throw NotSent(PeerError.TooLarge, $"{spec.Name} has {frame.Length} bytes, {Peer} takes {_limits.MaxFrameBytes}");
    }

    private static PeerCallException NotSent(PeerError error, string message) =>
        new(PeerFailure.NotSent, message, cause: null, error);

    private void GiveUp(PeerCall call, CancellationToken cancelled)
    {
        bool hadLeft = call.MayHaveLeft;
        if (!cancelled.IsCancellationRequested)
        {
            call.TryFail(failure => new PeerCallException(
                failure, $"{Peer} did not answer {call.Spec.Name} in time.", cause: null, PeerError.DeadlinePassed));
        }
        else if (call.TryCancel(cancelled) && hadLeft)
        {
            // The deadline the peer knows of itself.
            Post(new CancelRequest { CorrelationId = call.CorrelationId });
        }
    }

    /// <summary>Sends a request whose answer nobody waits for.</summary>
    private void Post(IRequest request)
    {
        int correlationId = Interlocked.Increment(ref _lastCorrelationId);
        OutgoingFrame frame = PeerFrames.Request(request.ApiKey, correlationId, request);
        var call = new PeerCall(PrivateApis.Get(request.ApiKey), 0, correlationId, frame, () => _settings.KeepAlive);
        if (!_sender.TryEnqueue(call))
            call.TakeFrame()?.Dispose();
    }

    private async Task ReceiveLoopAsync()
    {
        while (true)
        {
            int length = await _receiver.ReceiveLengthAsync(PeerFrames.MinResponseBytes, _settings.MaxFrameBytes, CancellationToken.None);
            if (length < 0)
            {
                End("the peer has closed it");
                return;
            }
            PooledBuffer frame = await _receiver.ReceiveFrameAsync(length, CancellationToken.None);
            bool isHeld = false;
            try
            {
                isHeld = Answer(frame);
            }
            finally
            {
                if (!isHeld)
                    frame.Release();
            }
        }
    }

    /// <summary>Gives a frame to the call that it answers; true when the response keeps the frame.</summary>
    private bool Answer(PooledBuffer frame)
    {
        var reader = new WireReader(frame.Memory, PeerFrames.MaxElements);
        PeerResponseHeader header = PeerResponseHeader.Read(ref reader, 0);
        if (!_calls.TryRemove(header.CorrelationId, out PeerCall? call))
        {
            // Of a call that was given up, if there ever was one of that number: they are counted up.
            if (unchecked((uint)(Volatile.Read(ref _lastCorrelationId) - header.CorrelationId)) > int.MaxValue)
                throw new PeerProtocolException($"the answer to a request {header.CorrelationId}, which was never sent");
            return false;
        }
        HasAnswered = true;
        if (header.Error != (short)PeerError.None)
        {
            var error = (PeerError)header.Error;
            call.TryRefuse(new PeerCallException(
                PeerFailure.Refused, $"{Peer} does not do {call.Spec.Name} ({error}): {header.Detail}", null, error, header.Epoch));
            return false;
        }
        IResponse response;
        try
        {
            response = call.Spec.ReadResponse(ref reader, call.Version);
        }
        catch (MalformedMessageException error)
        {
            call.TryFail(failure => new PeerCallException(failure, $"{Peer} answered {call.Spec.Name} with what is no answer.", error));
            throw;
        }
        if (response is not IHoldsFrame holder)
        {
            call.TrySetAnswer(response);
            return false;
        }
        holder.Hold(frame);
        if (!call.TrySetAnswer(response))
            holder.Dispose();
        return true;
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
            PeerLog.Garbage(_log, _id, Peer, error.Message);
            End(error.Message);
        }
        catch (Exception error) when (PeerTransport.IsBroken(error))
        {
            End(PeerTransport.ReasonOf(error));
        }
        catch (Exception error)
        {
            PeerLog.Failed(_log, error, _id, Peer);
            End(error.Message);
        }
    }
}
