using Warp.Actors.Catalog;
using Warp.Actors.Groups;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// OffsetCommit, versions 1 to 10. Versions 2 to 4 can ask for a retention of their own; from 10 on topics go by id. Partitions that do not
/// exist are refused one by one, the others go to the group together.
/// </summary>
public sealed class OffsetCommitHandler(GroupClient groups, PublishedCatalog catalog)
    : ApiHandler<OffsetCommitRequest>(ApiKey.OffsetCommit, 1, 10)
{
    private const short FirstVersionOfGroupIdNotFound = 9;
    private const short FirstVersionOfMemberEpochs = 9;
    private const short FirstVersionOfTopicIds = 10;

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, OffsetCommitRequest request)
    {
        CatalogImage image = catalog.Current;
        var response = new OffsetCommitResponse();
        var offsets = new List<OffsetToCommit>();
        var pending = new List<OffsetCommitResponse.OffsetCommitResponsePartition>();
        foreach (OffsetCommitRequest.OffsetCommitRequestTopic wanted in request.Topics)
        {
            bool byId = context.Version >= FirstVersionOfTopicIds;
            TopicImage? topic = byId ? image.Find(wanted.TopicId) : image.Find(wanted.Name);
            var answer = new OffsetCommitResponse.OffsetCommitResponseTopic { Name = wanted.Name, TopicId = wanted.TopicId };
            response.Topics.Add(answer);
            foreach (OffsetCommitRequest.OffsetCommitRequestPartition partition in wanted.Partitions)
            {
                var result = new OffsetCommitResponse.OffsetCommitResponsePartition { PartitionIndex = partition.PartitionIndex };
                answer.Partitions.Add(result);
                if (topic is null)
                {
                    result.ErrorCode = byId ? ErrorCode.UnknownTopicId : ErrorCode.UnknownTopicOrPartition;
                }
                else if (partition.PartitionIndex < 0 || partition.PartitionIndex >= topic.OpenPartitionCount)
                {
                    result.ErrorCode = ErrorCode.UnknownTopicOrPartition;
                }
                else
                {
                    pending.Add(result);
                    offsets.Add(new OffsetToCommit(
                        new TopicPartition(topic.Id, partition.PartitionIndex),
                        partition.CommittedOffset,
                        partition.CommittedLeaderEpoch,
                        partition.CommittedMetadata ?? ""));
                }
            }
        }
        if (offsets.Count > 0)
            await CommitAsync(context, request, offsets, pending);
        return response;
    }

    private async Task CommitAsync(
        RequestContext context,
        OffsetCommitRequest request,
        List<OffsetToCommit> offsets,
        List<OffsetCommitResponse.OffsetCommitResponsePartition> results)
    {
        var command = new GroupCommand.CommitOffsets(
            request.MemberId, request.GroupInstanceId, request.GenerationIdOrMemberEpoch, request.RetentionTimeMs, offsets)
        {
            KnowsGroupIdNotFound = context.Version >= FirstVersionOfGroupIdNotFound,
            KnowsMemberEpochs = context.Version >= FirstVersionOfMemberEpochs,
        };
        GroupAnswer.Each answer = await groups.RunAsync(
            request.GroupId, command, static error => new GroupAnswer.Each(error, []), context.ConnectionClosed);
        for (int i = 0; i < results.Count; i++)
            results[i].ErrorCode = answer.Error == ErrorCode.None ? answer.Errors[i] : answer.Error;
    }
}
