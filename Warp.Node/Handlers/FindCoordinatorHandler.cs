using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// FindCoordinator, versions 0 to 6: this node coordinates every group. It does so for transactions too, and then refuses the transactional
/// id at once instead of letting the producer search until it times out.
/// </summary>
public sealed class FindCoordinatorHandler(ClusterView cluster) : ApiHandler<FindCoordinatorRequest>(ApiKey.FindCoordinator, 0, 6)
{
    private const short FirstVersionOfManyKeys = 4;

    private const sbyte Group = 0;
    private const sbyte Transaction = 1;

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, FindCoordinatorRequest request)
    {
        var response = new FindCoordinatorResponse();
        if (context.Version >= FirstVersionOfManyKeys)
        {
            response.Coordinators.AddRange(request.CoordinatorKeys.Select(key => Find(request.KeyType, key)));
            return ValueTask.FromResult<IResponse?>(response);
        }
        FindCoordinatorResponse.Coordinator found = Find(request.KeyType, request.Key);
        response.ErrorCode = found.ErrorCode;
        response.ErrorMessage = found.ErrorMessage;
        response.NodeId = found.NodeId;
        response.Host = found.Host;
        response.Port = found.Port;
        return ValueTask.FromResult<IResponse?>(response);
    }

    private FindCoordinatorResponse.Coordinator Find(sbyte keyType, string key) => keyType switch
    {
        Group or Transaction => new FindCoordinatorResponse.Coordinator
        {
            Key = key,
            NodeId = cluster.Self.NodeId,
            Host = cluster.Self.Host,
            Port = cluster.Self.Port,
        },
        _ => new FindCoordinatorResponse.Coordinator
        {
            Key = key,
            NodeId = -1,
            Port = -1,
            ErrorCode = ErrorCode.InvalidRequest,
            ErrorMessage = $"There is no coordinator of type {keyType}.",
        },
    };
}
