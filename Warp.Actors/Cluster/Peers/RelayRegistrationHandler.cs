using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Registers a node that has no way to the journal itself.</summary>
public sealed class RelayRegistrationHandler(IJournal journal, TimeConstants times) : IPeerHandler
{
    public ApiKey ApiKey => PrivateApis.RelayRegistration;

    public async ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context)
    {
        var asked = (RelayRegistrationRequest)request;
        ClusterRecord cluster = await journal.ReadClusterAsync(context.CancellationToken);
        var response = new RelayRegistrationResponse
        {
            ClusterId = cluster.ClusterId,
            Lineage = cluster.Lineage,
            StoreBound = cluster.StoreBound,
            ShardCount = cluster.ShardCount,
            EntityHash = cluster.EntityHash,
            FeatureLevel = cluster.FeatureLevel,
            Holder = null,
        };
        if (asked.Description is not { } description)
            return response;
        try
        {
            NodeIncarnation node = await journal.RegisterNodeAsync(
                new NodeRegistration(asked.NodeId < 0 ? null : asked.NodeId, RelayConversions.FromPeer(description)),
                times.Lease,
                context.CancellationToken);
            response.NodeId = node.NodeId;
            response.Incarnation = node.Incarnation;
        }
        catch (FeatureLevelException error)
        {
            response.FeatureLevel = error.ClusterLevel;
        }
        catch (AddressInUseException error)
        {
            response.Holder = RelayConversions.ToPeer(error.Holder);
            response.HolderSeenAgoMs = (long)error.SeenAgo.TotalMilliseconds;
        }
        return response;
    }
}
