using Warp.Actors.Cluster.Peers;
using Warp.Actors.Kernel;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;

namespace Warp.Actors.Catalog;

/// <summary>
/// Tells other nodes what is new in the catalog, while it runs here. What is told is journaled, so it stays true whoever owns the catalog next.
/// </summary>
public sealed class FollowCatalogHandler(ActorSystem system, ClusterSingleton<CatalogMessage> catalog, PublishedCatalog published) : IPeerHandler
{
    public ApiKey ApiKey => PrivateApis.FollowCatalog;

    public async ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context)
    {
        var asked = (FollowCatalogRequest)request;
        long known = asked.AfterVersion;
        if (catalog.Local is null)
            throw new PeerErrorException(PeerError.NotOwner, "The catalog does not run on this node.");
        if (asked.MayWait && !await IsNewsAsync(known, context))
            return new FollowCatalogResponse { Version = known };
        CatalogDelta delta = published.Since(known);
        return new FollowCatalogResponse
        {
            Version = delta.Version,
            Snapshot = delta.Snapshot,
            Events =
            [
                .. delta.Events.Select(static record => new FollowCatalogResponse.CatalogEvent
                {
                    Kind = record.Kind,
                    EventVersion = record.Version,
                    Payload = record.Payload,
                }),
            ],
        };
    }

    private async Task<bool> IsNewsAsync(long known, PeerContext context)
    {
        // Answered a little before nobody waits any more: that there was nothing new is an answer, too.
        using var late = new CancellationTokenSource(context.Timeout * 0.8, system.Time);
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken, late.Token);
        try
        {
            await published.WaitForAsync(known + 1, patience.Token);
            return true;
        }
        catch (OperationCanceledException) when (!context.CancellationToken.IsCancellationRequested)
        {
            return false;
        }
    }
}
