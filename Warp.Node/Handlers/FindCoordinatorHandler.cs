using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// FindCoordinator, versions 0 to 6. There are no groups yet: COORDINATOR_NOT_AVAILABLE, which consumers wait out. The coordinator of
/// transactions is this node, which then refuses the transactional id at once instead of letting the producer search until it times out.
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
        Transaction => new FindCoordinatorResponse.Coordinator
        {
            Key = key,
            NodeId = cluster.Self.NodeId,
            Host = cluster.Self.Host,
            Port = cluster.Self.Port,
        },
        Group => None(key, ErrorCode.CoordinatorNotAvailable, "This version has no consumer groups; assign partitions by hand."),
        _ => None(key, ErrorCode.InvalidRequest, $"There is no coordinator of type {keyType}."),
    };

    private static FindCoordinatorResponse.Coordinator None(string key, ErrorCode error, string message) =>
        new() { Key = key, NodeId = -1, Port = -1, ErrorCode = error, ErrorMessage = message };
}
