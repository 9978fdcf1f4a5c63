using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>DescribeCluster (KIP-700), versions 0 to 2. There are no fenced brokers, and no controllers to describe apart.</summary>
public sealed class DescribeClusterHandler(ClusterView cluster) : ApiHandler<DescribeClusterRequest>(ApiKey.DescribeCluster, 0, 2)
{
    private const sbyte Brokers = 1;
    private const sbyte Controllers = 2;

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeClusterRequest request)
    {
        var response = new DescribeClusterResponse { EndpointType = request.EndpointType, ClusterId = cluster.ClusterId };
        if (request.EndpointType != Brokers)
        {
            response.ErrorCode = request.EndpointType == Controllers ? ErrorCode.MismatchedEndpointType : ErrorCode.UnsupportedEndpointType;
            response.ErrorMessage = $"Brokers (type {Brokers}) can be described here, not endpoints of type {request.EndpointType}.";
            return ValueTask.FromResult<IResponse?>(response);
        }
        response.ControllerId = cluster.Self.NodeId;
        if (request.IncludeClusterAuthorizedOperations)
            response.ClusterAuthorizedOperations = AuthorizedOperations.Cluster;
        foreach (ClusterNode node in cluster.LiveNodes)
        {
            response.Brokers.Add(new DescribeClusterResponse.DescribeClusterBroker
            {
                BrokerId = node.NodeId,
                Host = node.Host,
                Port = node.Port,
                Rack = node.Zone,
            });
        }
        return ValueTask.FromResult<IResponse?>(response);
    }
}
