using Warp.Actors.Catalog;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// DescribeTopicPartitions (KIP-966), version 0: topics in the order of their names, as many partitions as the limit allows, and a cursor
/// for the rest.
/// </summary>
public sealed class DescribeTopicPartitionsHandler(CatalogClient catalog, ClusterView cluster)
    : ApiHandler<DescribeTopicPartitionsRequest>(ApiKey.DescribeTopicPartitions, 0, 0)
{
    /// <summary>As Kafka's <c>max.request.partition.size.limit</c>.</summary>
    private const int MaxPartitions = 2000;

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeTopicPartitionsRequest request)
    {
        CatalogImage image = catalog.Image;
        IEnumerable<string> names = request.Topics.Count == 0
            ? image.ByName.Values.Where(static topic => topic.IsOpen).Select(static topic => topic.Name)
            : request.Topics.Select(static topic => topic.Name).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal);
        string from = request.Cursor?.TopicName ?? "";
        int left = Math.Clamp(request.ResponsePartitionLimit, 1, MaxPartitions);
        var response = new DescribeTopicPartitionsResponse();
        foreach (string name in names.Where(name => string.CompareOrdinal(name, from) >= 0))
        {
            int first = request.Cursor is { } cursor && cursor.TopicName == name ? Math.Max(0, cursor.PartitionIndex) : 0;
            if (left == 0)
            {
                response.NextCursor = new DescribeTopicPartitionsResponse.Cursor { TopicName = name, PartitionIndex = first };
                break;
            }
            if (image.Find(name) is not { } topic)
            {
                response.Topics.Add(Unknown(name));
                continue;
            }
            int end = (int)Math.Min(topic.OpenPartitionCount, (long)first + left);
            response.Topics.Add(Describe(context, image, topic, first, end));
            left -= Math.Max(0, end - first);
            if (end < topic.OpenPartitionCount)
            {
                response.NextCursor = new DescribeTopicPartitionsResponse.Cursor { TopicName = name, PartitionIndex = end };
                break;
            }
        }
        return ValueTask.FromResult<IResponse?>(response);
    }

    private static DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic Unknown(string name) => new()
    {
        Name = name,
        IsInternal = InternalTopics.Contains(name),
        ErrorCode = TopicName.Validate(name) is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.InvalidTopicException,
    };

    private DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic Describe(
        RequestContext context, CatalogImage image, TopicImage topic, int first, int end)
    {
        var answer = new DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponseTopic
        {
            Name = topic.Name,
            TopicId = topic.Id,
            IsInternal = InternalTopics.Contains(topic.Name),
            TopicAuthorizedOperations = AuthorizedOperations.Topic,
        };
        int leader = cluster.LeaderFor(context, image.RoutingNodeIds);
        for (int i = first; i < end; i++)
        {
            List<int> replicas = cluster.ReplicasOf(leader, i, topic.ReplicationFactor);
            answer.Partitions.Add(new DescribeTopicPartitionsResponse.DescribeTopicPartitionsResponsePartition
            {
                PartitionIndex = i,
                LeaderId = leader,
                LeaderEpoch = image.RoutingGeneration,
                ReplicaNodes = replicas,
                IsrNodes = replicas,
                EligibleLeaderReplicas = [],
                LastKnownElr = [],
            });
        }
        return answer;
    }
}
