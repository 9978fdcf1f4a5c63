using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Looks at once what has changed in the cluster: by a heartbeat, which brings everything else about.</summary>
public sealed class NudgeHandler(ShardLeases leases) : IPeerHandler
{
    public ApiKey ApiKey => PrivateApis.Nudge;

    public async ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context)
    {
        await leases.RenewAsync(context.CancellationToken);
        return new NudgeResponse();
    }
}
