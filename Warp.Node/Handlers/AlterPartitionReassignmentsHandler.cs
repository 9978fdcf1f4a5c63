using Warp.Actors.Catalog;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// AlterPartitionReassignments (KIP-455), versions 0 and 1. The records are in the object store, whatever nodes are named as replicas: a
/// reassignment to nodes of the cluster is done as soon as it is asked for, and there is never one to cancel.
/// </summary>
public sealed class AlterPartitionReassignmentsHandler(CatalogClient catalog, ClusterView cluster)
    : ApiHandler<AlterPartitionReassignmentsRequest>(ApiKey.AlterPartitionReassignments, 0, 1)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, AlterPartitionReassignmentsRequest request)
    {
        CatalogImage image = catalog.Image;
        var response = new AlterPartitionReassignmentsResponse
        {
            AllowReplicationFactorChange = request.AllowReplicationFactorChange,
            ErrorMessage = null,
        };
        foreach (AlterPartitionReassignmentsRequest.ReassignableTopic wanted in request.Topics)
        {
            TopicImage? topic = image.Find(wanted.Name);
            var answers = new AlterPartitionReassignmentsResponse.ReassignableTopicResponse { Name = wanted.Name };
            response.Responses.Add(answers);
            foreach (AlterPartitionReassignmentsRequest.ReassignablePartition partition in wanted.Partitions)
            {
                TopicResult? refusal = topic is null || partition.PartitionIndex < 0 || partition.PartitionIndex >= topic.OpenPartitionCount
                    ? new TopicResult(ErrorCode.UnknownTopicOrPartition, $"There is no partition {wanted.Name}-{partition.PartitionIndex}.")
                    : RefusalOf(topic, partition.Replicas, request.AllowReplicationFactorChange);
                answers.Partitions.Add(new AlterPartitionReassignmentsResponse.ReassignablePartitionResponse
                {
                    PartitionIndex = partition.PartitionIndex,
                    ErrorCode = refusal?.Error ?? ErrorCode.None,
                    ErrorMessage = refusal?.Message,
                });
            }
        }
        return ValueTask.FromResult<IResponse?>(response);
    }

    private TopicResult? RefusalOf(TopicImage topic, List<int>? replicas, bool allowFactorChange)
    {
        if (replicas is null)
            return new TopicResult(ErrorCode.NoReassignmentInProgress, "The partition is not being reassigned.");
        if (ReplicaAssignments.FaultOf([replicas], cluster) is { } fault)
            return new TopicResult(ErrorCode.InvalidReplicaAssignment, fault);
        return allowFactorChange || replicas.Count == topic.ReplicationFactor
            ? null
            : new TopicResult(
                ErrorCode.InvalidReplicationFactor,
                $"The topic has the replication factor {topic.ReplicationFactor}, and the request does not allow {replicas.Count}.");
    }
}
