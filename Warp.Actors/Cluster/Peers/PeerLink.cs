using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;
using Warp.Protocol.Wire;

namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// The way to one peer: at most one connection at a time, opened when it is needed. One attempt serves all who wait for it; after it
/// failed, calls fail at once until a pause is over that doubles each time. Thread-safe.
/// </summary>
internal sealed class PeerLink
{
    private readonly Lock _gate = new();
    private readonly PeerAddress _peer;
    private readonly ActorSystem _system;
    private readonly PeerIdentity _self;
    private readonly PeerSettings _settings;
    private readonly PeerMetrics _metrics;
    private readonly ILogger _log;
    private readonly Backoff _backoff;
    private readonly List<PeerApiVersions> _apis = [.. PrivateApis.All.Select(PeerApiVersions.Of)];

    // Holds neither timer nor handle, so it need not be disposed.
    private readonly CancellationTokenSource _closing = new();
    private Task<PeerConnection>? _opening;
    private PeerConnection? _connection;
    private Task _running = Task.CompletedTask;
    private PeerCallException? _lastFailure;
    private long _failedAt;
    private TimeSpan _pause;
    private string? _closed;

    public PeerLink(
        PeerAddress peer, ActorSystem system, PeerIdentity self, PeerSettings settings, PeerMetrics metrics, ILogger log)
    {
        _peer = peer;
        _system = system;
        _self = self;
        _settings = settings;
        _metrics = metrics;
        _log = log;
        _backoff = new Backoff(settings.FirstPause, settings.LongestPause, system.CreateRandom());
    }

    /// <summary>The connection, if there is one now.</summary>
    public PeerConnection? Current
    {
        get
        {
            lock (_gate)
                return _connection is { HasEnded: false } open ? open : null;
        }
    }

    /// <summary>The connection, opened if there is none.</summary>
    /// <exception cref="PeerCallException">The peer cannot be reached, or does not want to talk.</exception>
    public Task<PeerConnection> OpenAsync(CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            if (_connection is { HasEnded: false } open)
                return Task.FromResult(open);
            if (_closed is not null)
                return Task.FromException<PeerConnection>(Closed());
            if (_opening is null)
            {
                if (_lastFailure is { } failure && _system.Time.GetElapsedTime(_failedAt) < _pause)
                    return Task.FromException<PeerConnection>(Again(failure));
                var opening = new TaskCompletionSource<PeerConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
                _opening = opening.Task;
                _ = _system.Start(() => ConnectAsync(opening));
            }
            return _opening.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Ends the connection, and opens no other.</summary>
    public Task CloseAsync(string reason)
    {
        PeerConnection? connection;
        Task? opening;
        lock (_gate)
        {
            _closed = reason;
            connection = _connection;
            opening = _opening;
        }
        _closing.Cancel();
        connection?.End(reason);
        return Task.WhenAll(_running, opening ?? Task.CompletedTask).ContinueWith(
            static _ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>A failure of before, for a caller of now: an exception that is thrown twice would mix up their stacks.</summary>
    private static PeerCallException Again(PeerCallException failure) => failure is PeerRefusedException refused
        ? new PeerRefusedException(refused.Refusal, refused.Message, refused.InnerException)
        : new PeerCallException(PeerFailure.NotSent, failure.Message, failure.InnerException);

    private PeerCallException Closed() => new(PeerFailure.NotSent, $"There is no connection to {_peer} any more: {_closed}.");

    /// <summary>One attempt. Never fails: its failure is its outcome.</summary>
    private async Task ConnectAsync(TaskCompletionSource<PeerConnection> outcome)
    {
        PeerConnection? connection = null;
        PeerCallException? failure = null;
        try
        {
            connection = await HandshakeAsync();
        }
        catch (PeerRefusedException refused)
        {
            PeerLog.Refused(_log, _peer, refused.Refusal, refused.Message);
            _metrics.Refused(refused.Refusal);
            failure = refused;
        }
        catch (Exception error) when (PeerTransport.IsBroken(error) || error is OperationCanceledException)
        {
            string reason = error is OperationCanceledException ? "it does not answer" : PeerTransport.ReasonOf(error);
            PeerLog.Unreachable(_log, _peer, reason);
            failure = new PeerCallException(PeerFailure.NotSent, $"{_peer} cannot be reached: {reason}", error);
        }
        catch (Exception error)
        {
            PeerLog.Failed(_log, error, 0, _peer);
            failure = new PeerCallException(PeerFailure.NotSent, $"{_peer} cannot be reached: {error.Message}", error);
        }
        lock (_gate)
        {
            _opening = null;
            if (_closed is not null)
                failure = Closed();
            if (failure is not null)
            {
                Pause(failure);
            }
            else
            {
                _connection = connection!;
                _running = _system.Start(() => RunAsync(connection!));
            }
        }
        if (failure is null)
        {
            outcome.SetResult(connection!);
            return;
        }
        connection?.End(failure.Message);
        // Whoever waited may have given up meanwhile.
        _ = outcome.Task.ContinueWith(
            static task => task.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        outcome.SetException(failure);
    }

    private async Task RunAsync(PeerConnection connection)
    {
        _metrics.Opened(connection.Terms.Peer, isOutgoing: true);
        await connection.RunAsync();
        _metrics.Closed(connection.Terms.Peer, isOutgoing: true);
        lock (_gate)
        {
            if (connection.HasAnswered)
            {
                _lastFailure = null;
                _backoff.Reset();
            }
            else
            {
                Pause(new PeerCallException(PeerFailure.NotSent, $"{_peer} has ended the last connection before it answered a call."));
            }
        }
    }

    private void Pause(PeerCallException failure)
    {
        _lastFailure = failure;
        _failedAt = _system.Time.GetTimestamp();
        _pause = _backoff.Next();
    }

    private async Task<PeerConnection> HandshakeAsync()
    {
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        try
        {
            using var late = new CancellationTokenSource(_settings.ConnectTimeout, _system.Time);
            using var connecting = CancellationTokenSource.CreateLinkedTokenSource(late.Token, _closing.Token);
            await socket.ConnectAsync(_peer.Host, _peer.Port, connecting.Token);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
        using var tooLate = new CancellationTokenSource(_settings.HandshakeTimeout, _system.Time);
        using var deadline = CancellationTokenSource.CreateLinkedTokenSource(tooLate.Token, _closing.Token);
        PeerTransport? transport = null;
        try
        {
            transport = await PeerTransport.StartAsync(socket, _settings.Tls, isServer: false, deadline.Token);
            var receiver = new FrameReceiver(transport, _metrics, _system.Time);
            var handshake = new PeerHandshake(transport, receiver, _self, _settings, _metrics);
            PeerTerms terms = await handshake.ConnectAsync(_peer, _apis, deadline.Token);
            return new PeerConnection(_peer, terms, transport, receiver, _settings, _metrics, _system.Time, _log);
        }
        catch (Exception error)
        {
            transport?.Dispose();
            if (RefusalOf(error, _settings.Tls is not null) is { } refusal)
                throw new PeerRefusedException(refusal.Refusal, $"{_peer}: {refusal.Message}", error);
            throw;
        }
    }

    /// <summary>What a failure in the middle of the handshake means; null for those that say it themselves.</summary>
    internal static (PeerRefusal Refusal, string Message)? RefusalOf(Exception error, bool hasTls) => error switch
    {
        PeerRefusedException => null,
        AuthenticationException => (PeerRefusal.Certificate,
            $"TLS failed; are the certificates on both sides signed by the other's CA (warp.rpc.tls)? {error.GetBaseException().Message}"),
        PeerProtocolException or MalformedMessageException => (PeerRefusal.NoHandshake, error.Message),
        OperationCanceledException => (PeerRefusal.NoAnswer, "the handshake took too long"),
        _ when PeerTransport.IsBroken(error) => (PeerRefusal.NoAnswer,
            "the connection was closed in the middle of the handshake; "
            + (hasTls
                ? "does the other side have TLS (warp.rpc.tls), too, and trust this node's certificate? "
                : "does the other side have TLS (warp.rpc.tls)? ")
            + PeerTransport.ReasonOf(error)),
        _ => null,
    };
}
