using Microsoft.Extensions.Logging;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Sharding;

namespace Warp.Actors.Catalog;

/// <summary>
/// Keeps this node's copy of the catalog up to date while the catalog runs on another node: it asks there for what is new, and is answered as soon
/// as there is something.
/// </summary>
public sealed class CatalogReplica : IAsyncDisposable
{
    /// <summary>How long a question waits for news. A longer silence would not tell a quiet catalog from a lost one.</summary>
    private static readonly TimeSpan s_poll = TimeSpan.FromSeconds(5);

    private readonly ActorSystem _system;
    private readonly PublishedCatalog _published;
    private readonly ShardRoutes _routes;
    private readonly ClusterPeers _peers;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly Task _run;

    /// <param name="system">Clock and scheduler.</param>
    /// <param name="published">The copy.</param>
    /// <param name="routes">Say where the catalog is.</param>
    /// <param name="peers">The way there.</param>
    public CatalogReplica(ActorSystem system, PublishedCatalog published, ShardRoutes routes, ClusterPeers peers)
    {
        _system = system;
        _published = published;
        _routes = routes;
        _peers = peers;
        _log = system.Loggers.CreateLogger("catalog");
        _run = system.Start(RunAsync);
    }

    /// <summary>
    /// Returns when this node has all that the catalog had when it was called: for those who must see what they have just changed, and for those who
    /// act on a config.
    /// </summary>
    /// <exception cref="PeerCallException">The catalog's node does not answer.</exception>
    public async Task CatchUpAsync(CancellationToken cancellationToken)
    {
        ShardHome home = await _routes.Homes.WaitForOwnerAsync(ShardIds.Catalog, cancellationToken);
        if (home.Owner is { } owner && owner != _routes.Self)
            await AskAsync(owner, mayWait: false, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await _stopping.CancelAsync();
        await _run;
        _stopping.Dispose();
    }

    private async Task RunAsync()
    {
        var backoff = new Backoff(TimeSpan.FromMilliseconds(20), TimeSpan.FromSeconds(1), _system.CreateRandom());
        while (!_stopping.IsCancellationRequested)
        {
            ShardHome home = default;
            try
            {
                home = await _routes.Homes.WaitForOwnerAsync(ShardIds.Catalog, _stopping.Token);
                if (home.Owner is not { } owner || owner == _routes.Self)
                {
                    // The catalog itself publishes here.
                    await _routes.Homes.WaitForChangeAsync(_stopping.Token);
                    continue;
                }
                await AskAsync(owner, mayWait: true, _stopping.Token);
                backoff.Reset();
            }
            catch (Exception) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (PeerCallException error)
            {
                if (error.Error == PeerError.NotOwner)
                    _routes.Doubt(ShardIds.Catalog, home);
                _log.LogDebug("The catalog could not be followed ({Error}); trying again", error.Message);
                await Task.Delay(backoff.Next(), _system.Time, CancellationToken.None);
            }
            catch (Exception error)
            {
                _log.LogError("The catalog could not be followed ({Error}); trying again", error.Message);
                await Task.Delay(backoff.Next(), _system.Time, CancellationToken.None);
            }
        }
    }

    private async Task AskAsync(NodeIncarnation owner, bool mayWait, CancellationToken cancellationToken)
    {
        var request = new FollowCatalogRequest { AfterVersion = _published.Version, MayWait = mayWait };
        using FollowCatalogResponse news = await _peers.CallAsync<FollowCatalogResponse>(owner, request, s_poll, cancellationToken);
        _published.Apply(new CatalogDelta(
            news.Version,
            news.Snapshot is { Length: > 0 } snapshot ? snapshot : (ReadOnlyMemory<byte>?)null,
            [.. news.Events.Select(static record => new EventRecord(record.Kind, record.EventVersion, record.Payload))]));
    }
}
