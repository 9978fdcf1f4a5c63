using Warp.Actors.Groups;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// FindCoordinator, versions 0 to 6: the node that owns a group's shard coordinates it, by way of another one where that is in another node
/// group (<see cref="CoordinatorRouting"/>). For transactions this node names itself, and then refuses the transactional id at once instead of
/// letting the producer search until it times out.
/// </summary>
public sealed class FindCoordinatorHandler(ClusterView cluster, GroupRegion groups)
    : ApiHandler<FindCoordinatorRequest>(ApiKey.FindCoordinator, 0, 6)
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

    private static FindCoordinatorResponse.Coordinator Failed(string key, ErrorCode error, string message) => new()
    {
        Key = key,
        NodeId = -1,
        Port = -1,
        ErrorCode = error,
        ErrorMessage = message,
    };

    private FindCoordinatorResponse.Coordinator Find(sbyte keyType, string key)
    {
        if (keyType is not (Group or Transaction))
            return Failed(key, ErrorCode.InvalidRequest, $"There is no coordinator of type {keyType}.");
        ClusterNode? node = keyType == Transaction ? cluster.Self
            : groups.HomeOf(key).Owner is { } owner ? cluster.CoordinatorFor(key, owner.NodeId) : null;
        // Its shard is on the way from one node to another. Clients ask again.
        if (node is null)
            return Failed(key, ErrorCode.CoordinatorNotAvailable, "The coordinator is moving to another node; ask again in a moment.");
        return new FindCoordinatorResponse.Coordinator { Key = key, NodeId = node.NodeId, Host = node.Host, Port = node.Port };
    }
}
