using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// Tells a node that has no way to the journal what is in it. A node that says who it is, is noted as alive.
/// </summary>
public sealed class RelayHeartbeatHandler(IMembership journal, TimeConstants times) : IPeerHandler
{
    public ApiKey ApiKey => PrivateApis.RelayHeartbeat;

    public async ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context)
    {
        var asked = (RelayHeartbeatRequest)request;
        var node = new NodeIncarnation(asked.NodeId, asked.Incarnation);
        return RelayConversions.ToPeer(
            await journal.HeartbeatAsync(node, new NodeStatus(asked.IsDraining, []), [], times.Lease, context.CancellationToken));
    }
}
