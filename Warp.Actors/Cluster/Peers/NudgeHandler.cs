using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Looks at once what has changed in the cluster: by a heartbeat, which brings everything else about.</summary>
public sealed class NudgeHandler(ShardLeases leases) : IPeerHandler
{
    public ApiKey ApiKey => PrivateApis.Nudge;

    public async ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context)
    {
        // Not the caller's token: a node that leaves nudges the others as the last thing it does, and they must look all the same. The
        // journal bounds its own time.
        await leases.RenewAsync(CancellationToken.None);
        return new NudgeResponse();
    }
}
