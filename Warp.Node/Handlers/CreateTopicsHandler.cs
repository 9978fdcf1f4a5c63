using Warp.Actors.Catalog;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// CreateTopics, versions 0 to 7. Any replication factor is taken and reported back: object storage replicates by itself. Manual
/// assignments are checked as Kafka does, and count as the number of partitions and replicas that they name.
/// </summary>
public sealed class CreateTopicsHandler(CatalogClient catalog, ClusterView cluster)
    : ApiHandler<CreateTopicsRequest>(ApiKey.CreateTopics, 0, 7)
{
    private const int Default = -1;

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, CreateTopicsRequest request)
    {
        // One result for each name, in the order of the request.
        var results = new List<(string Name, TopicResult? Result)>();
        var accepted = new List<NewTopic>();
        foreach (var sameName in request.Topics.GroupBy(static topic => topic.Name, StringComparer.Ordinal))
        {
            CreateTopicsRequest.CreatableTopic topic = sameName.First();
            TopicResult? refusal = sameName.Count() > 1
                ? new TopicResult(ErrorCode.InvalidRequest, $"Topic '{topic.Name}' appears more than once in the request.")
                : RefusalOf(topic);
            results.Add((topic.Name, refusal));
            if (refusal is null)
                accepted.Add(NewTopicOf(topic));
        }
        IReadOnlyList<TopicResult> answers = await catalog.CreateTopicsAsync(
            accepted, request.ValidateOnly, ActorQuestions.WaitOf(request.TimeoutMs), context.ConnectionClosed);

        var response = new CreateTopicsResponse();
        int next = 0;
        foreach ((string name, TopicResult? refusal) in results)
            response.Topics.Add(ResultOf(name, refusal ?? answers[next++], request.ValidateOnly));
        return response;
    }

    private static NewTopic NewTopicOf(CreateTopicsRequest.CreatableTopic topic) => new(
        topic.Name,
        topic.Assignments.Count > 0 ? topic.Assignments.Count : topic.NumPartitions,
        topic.Assignments.Count > 0 ? (short)topic.Assignments[0].BrokerIds.Count : topic.ReplicationFactor,
        [.. topic.Configs.Select(static config => KeyValuePair.Create(config.Name, config.Value))]);

    /// <summary>What is wrong with a topic's numbers, as far as the catalog does not check it.</summary>
    private TopicResult? RefusalOf(CreateTopicsRequest.CreatableTopic topic)
    {
        if (topic.Assignments.Count == 0)
        {
            if (topic.NumPartitions is 0 or < Default)
                return new TopicResult(ErrorCode.InvalidPartitions, "The number of partitions must be 1 or more, or -1 for the default.");
            if (topic.ReplicationFactor is 0 or < Default)
            {
                return new TopicResult(
                    ErrorCode.InvalidReplicationFactor, "The replication factor must be 1 or more, or -1 for the default.");
            }
            return null;
        }
        if (topic.NumPartitions != Default || topic.ReplicationFactor != Default)
        {
            return new TopicResult(ErrorCode.InvalidRequest,
                "With a manual assignment the number of partitions and the replication factor must both be -1.");
        }
        var assignments = topic.Assignments.OrderBy(static assignment => assignment.PartitionIndex).ToList();
        if (assignments.Where(static (assignment, i) => assignment.PartitionIndex != i).Any())
        {
            return new TopicResult(ErrorCode.InvalidReplicaAssignment,
                "A manual assignment must name every partition from 0 on once.");
        }
        return ReplicaAssignments.FaultOf([.. assignments.Select(static assignment => assignment.BrokerIds)], cluster) is { } fault
            ? new TopicResult(ErrorCode.InvalidReplicaAssignment, fault)
            : null;
    }

    private CreateTopicsResponse.CreatableTopicResult ResultOf(string name, TopicResult result, bool validateOnly)
    {
        var answer = new CreateTopicsResponse.CreatableTopicResult { Name = name, ErrorCode = result.Error, ErrorMessage = result.Message };
        if (result.Error != ErrorCode.None || result.Topic is not { } topic)
            return answer;
        // A topic that was only checked has no id: nobody could ever find it.
        answer.TopicId = validateOnly ? Guid.Empty : topic.Id;
        answer.NumPartitions = topic.PartitionCount;
        answer.ReplicationFactor = topic.ReplicationFactor;
        answer.Configs =
        [
            .. TopicConfigs.Describe(topic.Overrides, catalog.Image.BrokerConfigsOf(CatalogImage.AllNodes)).Select(static config =>
                new CreateTopicsResponse.CreatableTopicConfigs
                {
                    Name = config.Name,
                    Value = config.Value,
                    ReadOnly = config.IsReadOnly,
                    ConfigSource = (sbyte)config.Source,
                    IsSensitive = config.IsSensitive,
                }),
        ];
        return answer;
    }
}
