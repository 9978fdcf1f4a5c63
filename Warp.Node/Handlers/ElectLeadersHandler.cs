using Warp.Actors.Catalog;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// ElectLeaders (KIP-183, KIP-460), versions 0 to 2. Every node serves every partition, so there is never a leader to elect:
/// ELECTION_NOT_NEEDED for each partition that is named, and, as in Kafka, nothing to tell when all are meant.
/// </summary>
public sealed class ElectLeadersHandler(CatalogClient catalog) : ApiHandler<ElectLeadersRequest>(ApiKey.ElectLeaders, 0, 2)
{
    private const sbyte Preferred = 0;
    private const sbyte Unclean = 1;

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, ElectLeadersRequest request)
    {
        CatalogImage image = catalog.Image;
        var response = new ElectLeadersResponse();
        if (request.ElectionType is not (Preferred or Unclean))
            response.ErrorCode = ErrorCode.InvalidRequest;
        else if (request.TopicPartitions is not null)
            response.ReplicaElectionResults.AddRange(request.TopicPartitions.Select(wanted => Answer(image.Find(wanted.Topic), wanted)));
        return ValueTask.FromResult<IResponse?>(response);
    }

    private static ElectLeadersResponse.ReplicaElectionResult Answer(
        TopicImage? topic, ElectLeadersRequest.ElectableTopicPartitions wanted) => new()
    {
        Topic = wanted.Topic,
        PartitionResult = [.. wanted.Partitions.Select(partition => partition >= 0 && partition < topic?.OpenPartitionCount
            ? Result(partition, ErrorCode.ElectionNotNeeded, "Every node serves the partition; there is no leader to elect.")
            : Result(partition, ErrorCode.UnknownTopicOrPartition, $"There is no partition {wanted.Topic}-{partition}."))],
    };

    private static ElectLeadersResponse.ElectionResult Result(int partition, ErrorCode error, string message) =>
        new() { PartitionId = partition, ErrorCode = error, ErrorMessage = message };
}
