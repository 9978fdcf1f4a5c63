using Microsoft.Extensions.Logging;
using Warp.Actors.Cluster;
using Warp.Actors.Kernel;

namespace Warp.Actors.Catalog;

/// <summary>
/// Has the catalog journal which nodes clients are sent to, whenever that changes: each change is a new routing generation, the number that
/// clients see as leader epoch. Runs on the node that the catalog runs on.
/// </summary>
public sealed class RoutingDriver : IAsyncDisposable
{
    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(10);

    private readonly ActorSystem _system;
    private readonly Func<ActorRef<CatalogMessage>?> _catalog;
    private readonly ClusterMembership _membership;
    private readonly PublishedCatalog _published;
    private readonly ILogger _log;
    private readonly CancellationTokenSource _stopping = new();
    private readonly SemaphoreSlim _due = new(0, 1);
    private readonly Task _run;

    /// <param name="system">Clock and scheduler.</param>
    /// <param name="catalog">The catalog while it runs here, null otherwise.</param>
    /// <param name="membership">Says who is there.</param>
    /// <param name="published">Says what the catalog has journaled.</param>
    public RoutingDriver(ActorSystem system, Func<ActorRef<CatalogMessage>?> catalog, ClusterMembership membership, PublishedCatalog published)
    {
        _system = system;
        _catalog = catalog;
        _membership = membership;
        _published = published;
        _log = system.Loggers.CreateLogger("routing");
        membership.Changed += Wake;
        _run = system.Start(RunAsync);
    }

    public async ValueTask DisposeAsync()
    {
        _membership.Changed -= Wake;
        await _stopping.CancelAsync();
        await _run;
        _stopping.Dispose();
        _due.Dispose();
    }

    private void Wake(ClusterMembers members)
    {
        try
        {
            _due.Release();
        }
        catch (Exception error) when (error is SemaphoreFullException or ObjectDisposedException)
        {
            // It is awake already, or gone.
        }
    }

    private async Task RunAsync()
    {
        while (!_stopping.IsCancellationRequested)
        {
            try
            {
                await _due.WaitAsync(_stopping.Token);
                int[] nodes = [.. _membership.Current.Serving.Select(static node => node.Node.NodeId)];
                if (nodes.Length == 0 || _catalog() is not { } catalog || _published.Current.RoutingNodeIds.AsSpan().SequenceEqual(nodes))
                    continue;
                int generation = await catalog.AskAsync<int>(
                    reply => new CatalogMessage.ChangeRouting(nodes, reply), s_ask, _stopping.Token);
                _log.LogInformation("Clients are sent to nodes {Nodes} (generation {Generation})", string.Join(", ", nodes), generation);
            }
            catch (OperationCanceledException) when (_stopping.IsCancellationRequested)
            {
                return;
            }
            catch (Exception error)
            {
                // The next heartbeat asks again.
                _log.LogWarning("The nodes that clients are sent to could not be changed ({Error}); trying again", error.Message);
            }
        }
    }
}
