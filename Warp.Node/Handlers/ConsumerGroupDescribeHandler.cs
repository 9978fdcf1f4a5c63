using Warp.Actors.Catalog;
using Warp.Actors.Groups;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// ConsumerGroupDescribe (KIP-848), versions 0 and 1. A classic group is not found, so that clients fall back to DescribeGroups. From 1 on
/// it says which protocol a member speaks.
/// </summary>
public sealed class ConsumerGroupDescribeHandler(GroupClient groups, PublishedCatalog catalog)
    : ApiHandler<ConsumerGroupDescribeRequest>(ApiKey.ConsumerGroupDescribe, 0, 1)
{
    private const sbyte ClassicMemberType = 0;
    private const sbyte ConsumerMemberType = 1;

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, ConsumerGroupDescribeRequest request) => new ConsumerGroupDescribeResponse
    {
        Groups = [.. await Task.WhenAll(request.GroupIds.Select(id => DescribeAsync(context, id, request.IncludeAuthorizedOperations)))],
    };

    private async Task<ConsumerGroupDescribeResponse.DescribedGroup> DescribeAsync(RequestContext context, string id, bool withOperations)
    {
        if (id.Length == 0)
            return new ConsumerGroupDescribeResponse.DescribedGroup { GroupId = id, ErrorCode = ErrorCode.InvalidGroupId };
        var (error, group) = await groups.DescribeAsync(id, context.ConnectionClosed);
        if (error != ErrorCode.None)
            return new ConsumerGroupDescribeResponse.DescribedGroup { GroupId = id, ErrorCode = error };
        if (group?.Consumer is not { } consumer)
        {
            return new ConsumerGroupDescribeResponse.DescribedGroup
            {
                GroupId = id,
                ErrorCode = ErrorCode.GroupIdNotFound,
                ErrorMessage = group is null ? $"Group {id} not found." : $"Group {id} is not a consumer group.",
            };
        }
        CatalogImage image = catalog.Current;
        var answer = new ConsumerGroupDescribeResponse.DescribedGroup
        {
            GroupId = id,
            GroupState = group.State,
            GroupEpoch = consumer.Epoch,
            AssignmentEpoch = consumer.TargetEpoch,
            AssignorName = group.ProtocolName,
            Members = [.. consumer.Members.Values.Select(member => Describe(member, image))],
        };
        if (withOperations)
            answer.AuthorizedOperations = AuthorizedOperations.Group;
        return answer;
    }

    private static ConsumerGroupDescribeResponse.Member Describe(ConsumerMember member, CatalogImage image) => new()
    {
        MemberId = member.Id,
        InstanceId = member.InstanceId,
        RackId = member.RackId,
        MemberEpoch = member.Epoch,
        ClientId = member.ClientId,
        ClientHost = member.ClientHost,
        SubscribedTopicNames = [.. member.SubscribedTopics],
        SubscribedTopicRegex = member.SubscribedPattern?.Text,
        Assignment = Describe(member.Assigned, image),
        TargetAssignment = Describe(member.Target, image),
        MemberType = member.Classic is null ? ConsumerMemberType : ClassicMemberType,
    };

    private static ConsumerGroupDescribeResponse.MemberAssignment Describe(IEnumerable<TopicPartition> partitions, CatalogImage image) => new()
    {
        TopicPartitions = [.. from partition in partitions
                              group partition.Partition by image.Find(partition.TopicId) into byTopic
                              where byTopic.Key is not null
                              orderby byTopic.Key.Name
                              select new ConsumerGroupDescribeResponse.AssignedTopicPartitions
                              {
                                  TopicId = byTopic.Key.Id,
                                  TopicName = byTopic.Key.Name,
                                  Partitions = [.. byTopic.Order()],
                              }],
    };
}
