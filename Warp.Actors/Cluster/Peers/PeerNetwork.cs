using System.Collections.Concurrent;
using Microsoft.Extensions.Logging;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// Calls to other nodes. There is one connection to each peer, opened when it is called, opened anew after it broke, closed when nobody
/// uses it or the peer has left. Thread-safe.
/// </summary>
public sealed class PeerNetwork : IAsyncDisposable
{
    /// <summary>What the header has room for: 24 days.</summary>
    private static readonly TimeSpan s_longest = TimeSpan.FromMilliseconds(int.MaxValue);

    private readonly ActorSystem _system;
    private readonly PeerIdentity _self;
    private readonly PeerSettings _settings;
    private readonly PeerMetrics _metrics;
    private readonly ILogger _log;
    private readonly ConcurrentDictionary<PeerAddress, PeerLink> _links = new();
    private readonly ITimer _check;
    private volatile bool _isDisposed;

    /// <param name="system">Clock and scheduler.</param>
    /// <param name="self">Who this node is.</param>
    /// <param name="settings">The secret, and the bounds.</param>
    /// <param name="metrics">What is measured.</param>
    public PeerNetwork(ActorSystem system, PeerIdentity self, PeerSettings settings, PeerMetrics metrics)
    {
        _system = system;
        _self = self;
        _settings = settings;
        _metrics = metrics;
        _log = system.Loggers.CreateLogger<PeerNetwork>();
        TimeSpan period = CheckPeriod(settings);
        _check = system.Time.CreateTimer(_ => Check(), null, period, period);
    }

    /// <summary>How long a call waits that has no need of its own.</summary>
    public static TimeSpan DefaultDeadline { get; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Asks another node, and waits for its response. A response that <see cref="IHoldsFrame"/> is the caller's to dispose.
    /// </summary>
    /// <param name="peer">Where it is, and who is expected there.</param>
    /// <param name="request">Of one of <see cref="PrivateApis"/>. It must not be changed meanwhile.</param>
    /// <param name="deadline">
    /// How long to wait, opening a connection included. It travels along: the peer does not work longer for it.
    /// </param>
    /// <param name="cancellationToken">Gives up the wait, and tells the peer so; it may have acted upon the request.</param>
    /// <exception cref="PeerCallException">There is no response; says whether the peer may have acted upon the request.</exception>
    /// <exception cref="PeerRefusedException">
    /// They do not get to talk: the secret, the cluster, or who is there, is not as expected.
    /// </exception>
    public async Task<TResponse> CallAsync<TResponse>(
        PeerAddress peer, IRequest request, TimeSpan deadline, CancellationToken cancellationToken)
        where TResponse : class, IResponse
    {
        if (deadline == Timeout.InfiniteTimeSpan || deadline > s_longest)
            deadline = s_longest;
        ApiSpec spec = PrivateApis.Get(request.ApiKey);
        long started = _system.Time.GetTimestamp();
        try
        {
            IResponse response = await CallAsync(peer, spec, request, deadline, started, cancellationToken);
            _metrics.Called(spec.Name, PrivateApis.IsLongPoll(spec.Key) ? null : _system.Time.GetElapsedTime(started));
            return (TResponse)response;
        }
        catch (Exception error) when (error is PeerCallException or OperationCanceledException)
        {
            _metrics.Called(spec.Name, null);
            _metrics.Failed(spec.Name, ReasonOf(error));
            throw;
        }
    }

    /// <summary>
    /// Opens the connection to a peer if there is none. On an open one requests leave in the order of their calls; those that wait until it is
    /// open may overtake each other.
    /// </summary>
    /// <exception cref="PeerCallException">The peer cannot be reached, or does not want to talk.</exception>
    public Task OpenAsync(PeerAddress peer, CancellationToken cancellationToken) => LinkTo(peer).OpenAsync(cancellationToken);

    /// <summary>The feature level of a peer, if there is a connection to it.</summary>
    public int? FeatureLevelOf(PeerAddress peer) => _links.TryGetValue(peer, out PeerLink? link) ? link.Current?.Terms.FeatureLevel : null;

    /// <summary>Closes the connections to all that are not among these, such as the members of the cluster. Their calls end.</summary>
    public void Retain(IReadOnlySet<NodeIncarnation> members)
    {
        foreach ((PeerAddress peer, PeerLink link) in _links)
        {
            if (peer.Node is { } node && !members.Contains(node) && _links.TryRemove(peer, out _))
                _ = link.CloseAsync("the node has left the cluster");
        }
    }

    /// <summary>Closes all connections. Calls that are under way end without an answer.</summary>
    public async ValueTask DisposeAsync()
    {
        _isDisposed = true;
        await _check.DisposeAsync();
        await Task.WhenAll(_links.Values.Select(static link => link.CloseAsync("this node stops")));
    }

    /// <summary>Often enough to see a silence in time.</summary>
    internal static TimeSpan CheckPeriod(PeerSettings settings) =>
        settings.KeepAlive / 4 < TimeSpan.FromSeconds(1) ? settings.KeepAlive / 4 : TimeSpan.FromSeconds(1);

    private async Task<IResponse> CallAsync(
        PeerAddress peer, ApiSpec spec, IRequest request, TimeSpan deadline, long started, CancellationToken cancellationToken)
    {
        using var late = new CancellationTokenSource(deadline, _system.Time);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(late.Token, cancellationToken);
        TimeSpan Remaining() => deadline - _system.Time.GetElapsedTime(started);
        try
        {
            for (bool isFirst = true; ; isFirst = false)
            {
                PeerConnection connection = await LinkTo(peer).OpenAsync(giveUp.Token);
                try
                {
                    return await connection.CallAsync(spec, request, Remaining, giveUp.Token, cancellationToken);
                }
                catch (PeerCallException error) when (
                    isFirst && request is not IHandsOverRecords && error is { Failure: PeerFailure.NotSent, Error: PeerError.None }
                    && connection.HasEnded && !_isDisposed)
                {
                    // It had ended, though nobody had noticed yet. Nothing has left, so another one will do.
                }
            }
        }
        catch (OperationCanceledException) when (late.IsCancellationRequested && !cancellationToken.IsCancellationRequested)
        {
            throw new PeerCallException(
                PeerFailure.NotSent, $"{spec.Name} could not be sent to {peer} in time.", cause: null, PeerError.DeadlinePassed);
        }
    }

    private PeerLink LinkTo(PeerAddress peer)
    {
        PeerLink link = _links.TryGetValue(peer, out PeerLink? known)
            ? known
            : _links.GetOrAdd(peer, address => new PeerLink(address, _system, _self, _settings, _metrics, _log));
        if (_isDisposed)
            _ = link.CloseAsync("this node stops");
        return link;
    }

    private static string ReasonOf(Exception error) => error switch
    {
        PeerRefusedException refused => refused.Refusal.ToString(),
        PeerCallException { Error: not PeerError.None } failed => failed.Error.ToString(),
        PeerCallException failed => failed.Failure.ToString(),
        _ => nameof(PeerError.Cancelled),
    };

    private void Check()
    {
        foreach (PeerLink link in _links.Values)
            link.Current?.Check();
    }
}
