using Warp.Actors.Catalog;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// CreatePartitions (KIP-195), versions 0 to 3. Assignments are checked and otherwise have no effect: any node serves any partition.
/// </summary>
public sealed class CreatePartitionsHandler(CatalogClient catalog, ClusterView cluster)
    : ApiHandler<CreatePartitionsRequest>(ApiKey.CreatePartitions, 0, 3)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, CreatePartitionsRequest request)
    {
        CatalogImage image = catalog.Image;
        TimeSpan wait = ActorQuestions.WaitOf(request.TimeoutMs);
        var response = new CreatePartitionsResponse();
        var byName = request.Topics.GroupBy(static topic => topic.Name, StringComparer.Ordinal);
        long added = request.Topics.Sum(topic => Math.Max(0L, (long)topic.Count - (image.Find(topic.Name)?.PartitionCount ?? topic.Count)));
        TopicResult? refusal = added > CatalogRules.MaxPartitionsOfRequest ? CatalogRules.TooManyPartitions : null;
        response.Results.AddRange(await Task.WhenAll(byName.Select(async sameName =>
        {
            CreatePartitionsRequest.CreatePartitionsTopic topic = sameName.First();
            TopicResult result = sameName.Count() > 1
                ? new TopicResult(ErrorCode.InvalidRequest, $"Topic '{topic.Name}' appears more than once in the request.")
                : refusal ?? RefusalOf(image, topic)
                ?? await catalog.CreatePartitionsAsync(topic.Name, topic.Count, request.ValidateOnly, wait, context.ConnectionClosed);
            return new CreatePartitionsResponse.CreatePartitionsTopicResult
            {
                Name = topic.Name,
                ErrorCode = result.Error,
                ErrorMessage = result.Message,
            };
        })));
        return response;
    }

    /// <summary>What is wrong with a manual assignment. Some clients send an empty list for none.</summary>
    private TopicResult? RefusalOf(CatalogImage image, CreatePartitionsRequest.CreatePartitionsTopic wanted)
    {
        if (wanted.Assignments is not { Count: > 0 } assignments || image.Find(wanted.Name) is not { } topic)
            return null;
        int added = wanted.Count - topic.PartitionCount;
        if (added <= 0)
            return null;
        string? fault = added != assignments.Count
            ? $"{added} partition(s) would be added, but {assignments.Count} are assigned."
            : ReplicaAssignments.FaultOf([.. assignments.Select(static assignment => assignment.BrokerIds)], cluster);
        return fault is null ? null : new TopicResult(ErrorCode.InvalidReplicaAssignment, fault);
    }
}
