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
        if (asked.HasLeft)
            await journal.DepartAsync(node, context.CancellationToken);
        var status = new NodeStatus(asked.IsDraining, asked.Unreached, asked.KnownIncarnation < 0 ? long.MaxValue : asked.KnownIncarnation);
        // One that has left is not noted as alive again.
        return RelayConversions.ToPeer(
            await journal.HeartbeatAsync(asked.HasLeft ? default : node, status, [], times.Lease, context.CancellationToken));
    }
}
