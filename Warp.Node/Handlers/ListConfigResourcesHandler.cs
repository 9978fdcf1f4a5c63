using System.Globalization;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// ListConfigResources (KIP-1142), versions 0 and 1; version 0 knows client metrics only (KIP-714). Topics and brokers have configs here;
/// of the other types that Kafka knows there are none.
/// </summary>
public sealed class ListConfigResourcesHandler(CatalogClient catalog, ClusterView cluster)
    : ApiHandler<ListConfigResourcesRequest>(ApiKey.ListConfigResources, 0, 1)
{
    private const short FirstVersionOfTypes = 1;

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, ListConfigResourcesRequest request)
    {
        var response = new ListConfigResourcesResponse();
        if (context.Version < FirstVersionOfTypes)
            return ValueTask.FromResult<IResponse?>(response);
        if (!request.ResourceTypes.TrueForAll(IsKnown))
        {
            response.ErrorCode = ErrorCode.UnsupportedVersion;
            return ValueTask.FromResult<IResponse?>(response);
        }
        if (Wants(ConfigResource.BrokerType))
        {
            response.ConfigResources.AddRange(cluster.LiveNodes.Select(
                static node => Resource(ConfigResource.BrokerType, node.NodeId.ToString(CultureInfo.InvariantCulture))));
        }
        if (Wants(ConfigResource.TopicType))
        {
            response.ConfigResources.AddRange(catalog.Image.ByName.Values
                .Where(static topic => topic.IsOpen).Select(static topic => Resource(ConfigResource.TopicType, topic.Name)));
        }
        return ValueTask.FromResult<IResponse?>(response);

        bool Wants(sbyte type) => request.ResourceTypes.Count == 0 || request.ResourceTypes.Contains(type);
    }

    private static bool IsKnown(sbyte type) => type
        is ConfigResource.TopicType or ConfigResource.BrokerType or ConfigResource.BrokerLoggerType
        or ConfigResource.ClientMetricsType or ConfigResource.GroupType;

    private static ListConfigResourcesResponse.ConfigResource Resource(sbyte type, string name) =>
        new() { ResourceType = type, ResourceName = name };
}
