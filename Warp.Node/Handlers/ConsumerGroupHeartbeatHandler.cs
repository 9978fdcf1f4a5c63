using Warp.Actors.Groups;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// ConsumerGroupHeartbeat (KIP-848), versions 0 and 1. In version 0 the broker makes the member id; from 1 on (KIP-1082) the client does,
/// and it can subscribe by a regular expression.
/// </summary>
public sealed class ConsumerGroupHeartbeatHandler(GroupClient groups)
    : ApiHandler<ConsumerGroupHeartbeatRequest>(ApiKey.ConsumerGroupHeartbeat, 0, 1)
{
    private const short FirstVersionOfClientMemberIds = 1;

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, ConsumerGroupHeartbeatRequest request)
    {
        if (request.GroupId.Length == 0)
            return new ConsumerGroupHeartbeatResponse { ErrorCode = ErrorCode.InvalidGroupId };
        if (request.MemberId.Length == 0 && context.Version >= FirstVersionOfClientMemberIds)
            return new ConsumerGroupHeartbeatResponse { ErrorCode = ErrorCode.InvalidRequest, ErrorMessage = "MemberId can't be empty." };
        GroupAnswer.ConsumerHeartbeat answer = await groups.RunAsync(
            request.GroupId, CommandOf(context, request), static error => new GroupAnswer.ConsumerHeartbeat(error), context.ConnectionClosed);
        return new ConsumerGroupHeartbeatResponse
        {
            ErrorCode = answer.Error,
            ErrorMessage = answer.Message,
            MemberId = answer.MemberId,
            MemberEpoch = answer.MemberEpoch,
            HeartbeatIntervalMs = answer.HeartbeatIntervalMs,
            Assignment = answer.Assignment is null ? null : new ConsumerGroupHeartbeatResponse.MemberAssignment
            {
                TopicPartitions = [.. answer.Assignment.GroupBy(static partition => partition.TopicId).Select(static topic =>
                    new ConsumerGroupHeartbeatResponse.AssignedTopicPartitions
                    {
                        TopicId = topic.Key,
                        Partitions = [.. topic.Select(static partition => partition.Partition).Order()],
                    })],
            },
        };
    }

    private static GroupCommand.ConsumerHeartbeat CommandOf(RequestContext context, ConsumerGroupHeartbeatRequest request) => new()
    {
        MemberId = request.MemberId,
        MemberEpoch = request.MemberEpoch,
        InstanceId = request.InstanceId,
        RackId = request.RackId,
        ClientId = context.Header.ClientId ?? "",
        ClientHost = context.ClientHost,
        RebalanceTimeoutMs = request.RebalanceTimeoutMs,
        SubscribedTopics = request.SubscribedTopicNames,
        SubscribedRegex = request.SubscribedTopicRegex,
        ServerAssignor = request.ServerAssignor,
        Owned = request.TopicPartitions?.SelectMany(static topic =>
            topic.Partitions.Select(partition => new TopicPartition(topic.TopicId, partition))).ToHashSet(),
        UniqueId = Guid.NewGuid().ToString(),
    };
}
