using Warp.Actors.Catalog;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// Metadata, versions 0 to 13. Any node serves any partition, so one node is named to a client as the leader of all of them. A topic that may
/// be created by being asked for (always, in versions 0 to 3) is created before the answer.
/// </summary>
public sealed class MetadataHandler(CatalogClient catalog, ClusterView cluster) : ApiHandler<MetadataRequest>(ApiKey.Metadata, 0, 13)
{
    /// <summary>The first in which an empty list means "none".</summary>
    private const short FirstVersionOfNone = 1;

    /// <summary>The first in which a topic can be asked for by its id.</summary>
    private const short FirstVersionOfIds = 12;

    private static readonly TimeSpan s_creationWait = TimeSpan.FromSeconds(10);

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, MetadataRequest request)
    {
        CatalogImage image = catalog.Image;
        var response = new MetadataResponse
        {
            ClusterId = cluster.ClusterId,
            ControllerId = cluster.Self.NodeId,
        };
        if (request.IncludeClusterAuthorizedOperations)
            response.ClusterAuthorizedOperations = AuthorizedOperations.Cluster;
        foreach (ClusterNode node in cluster.LiveNodes)
        {
            response.Brokers.Add(new MetadataResponse.MetadataResponseBroker
            {
                NodeId = node.NodeId,
                Host = node.Host,
                Port = node.Port,
                Rack = node.Zone,
            });
        }
        if (request.Topics is null || (request.Topics.Count == 0 && context.Version < FirstVersionOfNone))
            response.Topics.AddRange(image.ByName.Values.Where(static topic => topic.IsOpen).Select(topic => Describe(context, image, topic)));
        else
            await AddAsync(context, request, request.Topics, image, response.Topics);
        if (request.IncludeTopicAuthorizedOperations)
        {
            foreach (var topic in response.Topics.Where(static topic => topic.ErrorCode == ErrorCode.None))
                topic.TopicAuthorizedOperations = AuthorizedOperations.Topic;
        }
        return response;
    }

    private static MetadataResponse.MetadataResponseTopic Failed(string? name, Guid id, ErrorCode error) =>
        new() { Name = name, TopicId = id, ErrorCode = error, IsInternal = name is not null && InternalTopics.Contains(name) };

    private async Task AddAsync(
        RequestContext context,
        MetadataRequest request,
        List<MetadataRequest.MetadataRequestTopic> wanted,
        CatalogImage image,
        List<MetadataResponse.MetadataResponseTopic> answers)
    {
        var missing = new List<string>();
        foreach (string name in wanted.Where(IsByName).Select(static topic => topic.Name!).Distinct(StringComparer.Ordinal))
        {
            if (image.Find(name) is { } topic)
                answers.Add(Describe(context, image, topic));
            else if (TopicName.Validate(name) is not null)
                answers.Add(Failed(name, Guid.Empty, ErrorCode.InvalidTopicException));
            else
                missing.Add(name);
        }
        foreach (MetadataRequest.MetadataRequestTopic topic in wanted.Where(static topic => !IsByName(topic)).DistinctBy(static topic => topic.TopicId))
            answers.Add(DescribeById(context, image, topic));
        if (request.AllowAutoTopicCreation && image.CreatesTopicsByItself(cluster))
            await CreateAsync(context, missing, answers);
        else
            answers.AddRange(missing.Select(name => Failed(name, Guid.Empty, ErrorOfMissing(image, name))));

        static bool IsByName(MetadataRequest.MetadataRequestTopic topic) => topic.Name is not null && topic.TopicId == Guid.Empty;
    }

    private MetadataResponse.MetadataResponseTopic DescribeById(
        RequestContext context, CatalogImage image, MetadataRequest.MetadataRequestTopic wanted)
    {
        if (context.Version < FirstVersionOfIds)
            return Failed(wanted.Name ?? "", wanted.TopicId, ErrorCode.InvalidRequest);
        return image.Find(wanted.TopicId) is { } topic ? Describe(context, image, topic) : Failed(null, wanted.TopicId, ErrorCode.UnknownTopicId);
    }

    private async Task CreateAsync(
        RequestContext context, List<string> missing, List<MetadataResponse.MetadataResponseTopic> answers)
    {
        List<string> creatable = [.. missing.Where(static name => !InternalTopics.Contains(name))];
        answers.AddRange(missing.Except(creatable).Select(static name => Failed(name, Guid.Empty, ErrorCode.UnknownTopicOrPartition)));
        IReadOnlyList<TopicResult> results = await catalog.CreateTopicsAsync(
            [.. creatable.Select(static name => new NewTopic(name, -1, -1, []))], validateOnly: false, s_creationWait, context.ConnectionClosed);
        CatalogImage image = catalog.Image;
        for (int i = 0; i < creatable.Count; i++)
        {
            // Whoever created it first, it may be there now.
            answers.Add(image.Find(creatable[i]) is { } topic
                ? Describe(context, image, topic)
                : Failed(creatable[i], Guid.Empty, ErrorOfUncreated(results[i].Error)));
        }
    }

    /// <summary>
    /// Kafka's clients wait for a topic without a leader; everything else but a name that is refused would end their patience.
    /// </summary>
    private static ErrorCode ErrorOfUncreated(ErrorCode error) =>
        error is ErrorCode.InvalidTopicException or ErrorCode.PolicyViolation ? error : ErrorCode.LeaderNotAvailable;

    private static ErrorCode ErrorOfMissing(CatalogImage image, string name) =>
        image.ByName.ContainsKey(name) ? ErrorCode.LeaderNotAvailable : ErrorCode.UnknownTopicOrPartition;

    private MetadataResponse.MetadataResponseTopic Describe(RequestContext context, CatalogImage image, TopicImage topic)
    {
        var answer = new MetadataResponse.MetadataResponseTopic
        {
            Name = topic.Name,
            TopicId = topic.Id,
            IsInternal = InternalTopics.Contains(topic.Name),
        };
        int leader = cluster.LeaderFor(context, image.RoutingNodeIds);
        for (int i = 0; i < topic.OpenPartitionCount; i++)
        {
            List<int> replicas = cluster.ReplicasOf(leader, i, topic.ReplicationFactor);
            answer.Partitions.Add(new MetadataResponse.MetadataResponsePartition
            {
                PartitionIndex = i,
                LeaderId = leader,
                LeaderEpoch = image.RoutingGeneration,
                ReplicaNodes = replicas,
                IsrNodes = replicas,
            });
        }
        return answer;
    }
}
