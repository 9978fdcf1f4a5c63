using System.Globalization;
using Warp.Actors.Catalog;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>What configs belong to: a topic, a node or all nodes.</summary>
/// <param name="Topic">The topic's name, or null.</param>
/// <param name="NodeId">This node's id, or <see cref="CatalogImage.AllNodes"/>; of no meaning for a topic.</param>
internal readonly record struct ConfigResource(string? Topic, int NodeId)
{
    // The numbers of the resource types on the wire.
    public const sbyte TopicType = 2;
    public const sbyte BrokerType = 4;
    public const sbyte BrokerLoggerType = 8;
    public const sbyte ClientMetricsType = 16;
    public const sbyte GroupType = 32;

    /// <summary>Reads a resource of a request. A node's configs are asked from that very node, so another id makes no sense here.</summary>
    /// <param name="type">As on the wire.</param>
    /// <param name="name">A topic, a node id, or nothing for all nodes.</param>
    /// <param name="cluster">Tells this node's id.</param>
    /// <param name="resource">The resource.</param>
    /// <returns>Null, or why there is no such resource.</returns>
    public static TopicResult? TryRead(sbyte type, string name, ClusterView cluster, out ConfigResource resource)
    {
        resource = default;
        switch (type)
        {
            case TopicType:
                resource = new ConfigResource(name, CatalogImage.AllNodes);
                return TopicName.Validate(name) is { } fault ? new TopicResult(ErrorCode.InvalidTopicException, fault) : null;
            case BrokerType when name.Length == 0:
                resource = new ConfigResource(null, CatalogImage.AllNodes);
                return null;
            case BrokerType:
                int self = cluster.Self.NodeId;
                resource = new ConfigResource(null, self);
                return int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out int id) && id == self
                    ? null
                    : new TopicResult(
                        ErrorCode.InvalidRequest, $"Ask the broker '{name}' itself: this one is {self}, and an empty name stands for all.");
            default:
                return new TopicResult(
                    ErrorCode.InvalidRequest,
                    $"Topics ({TopicType}) and brokers ({BrokerType}) have configs here, resources of type {type} have not.");
        }
    }

    /// <summary>Finds resources that a request names more than once, which is an error for each of them.</summary>
    public static HashSet<(sbyte Type, string Name)> Repeated(IEnumerable<(sbyte Type, string Name)> resources) =>
        [.. resources.GroupBy(static resource => resource).Where(static group => group.Count() > 1).Select(static group => group.Key)];
}
