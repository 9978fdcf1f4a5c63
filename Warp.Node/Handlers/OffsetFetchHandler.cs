using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Actors.Groups;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// OffsetFetch, versions 1 to 10. From 2 on null topics mean all, from 8 on many groups can be asked at once, from 10 on topics go by id.
/// What was never committed is −1 without an error, in a group that does not exist too. Every offset shown is durable and nothing pending
/// can be ahead of it, so RequireStable finds nothing to wait for.
/// </summary>
public sealed class OffsetFetchHandler(GroupClient groups, PublishedCatalog catalog)
    : ApiHandler<OffsetFetchRequest>(ApiKey.OffsetFetch, 1, 10)
{
    private const short FirstVersionOfGroupErrors = 2;
    private const short FirstVersionOfManyGroups = 8;
    private const short FirstVersionOfTopicIds = 10;

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, OffsetFetchRequest request)
    {
        if (context.Version >= FirstVersionOfManyGroups)
        {
            return new OffsetFetchResponse
            {
                Groups = [.. await Task.WhenAll(request.Groups.Select(group => FetchAsync(context, group)))],
            };
        }
        OffsetFetchResponse.OffsetFetchResponseGroup answer = await FetchAsync(context, new OffsetFetchRequest.OffsetFetchRequestGroup
        {
            GroupId = request.GroupId,
            Topics = request.Topics?.ConvertAll(static topic => new OffsetFetchRequest.OffsetFetchRequestTopics
            {
                Name = topic.Name,
                PartitionIndexes = topic.PartitionIndexes,
            }),
        });
        return new OffsetFetchResponse
        {
            ErrorCode = answer.ErrorCode,
            Topics = [.. answer.Topics.Select(static topic => new OffsetFetchResponse.OffsetFetchResponseTopic
            {
                Name = topic.Name,
                Partitions = [.. topic.Partitions.Select(static partition => new OffsetFetchResponse.OffsetFetchResponsePartition
                {
                    PartitionIndex = partition.PartitionIndex,
                    CommittedOffset = partition.CommittedOffset,
                    CommittedLeaderEpoch = partition.CommittedLeaderEpoch,
                    Metadata = partition.Metadata,
                    ErrorCode = partition.ErrorCode,
                })],
            })],
        };
    }

    private static OffsetFetchResponse.OffsetFetchResponsePartitions Answer(int partition, CommittedOffset? committed, ErrorCode error) => new()
    {
        PartitionIndex = partition,
        CommittedOffset = committed?.Offset ?? -1,
        CommittedLeaderEpoch = committed?.LeaderEpoch ?? -1,
        Metadata = committed?.Metadata ?? "",
        ErrorCode = error,
    };

    private async Task<OffsetFetchResponse.OffsetFetchResponseGroup> FetchAsync(
        RequestContext context, OffsetFetchRequest.OffsetFetchRequestGroup wanted)
    {
        var (error, offsets) = await groups.ReadOffsetsAsync(wanted.GroupId, context.ConnectionClosed);
        if (error == ErrorCode.None && (wanted.MemberId is not null || wanted.MemberEpoch >= 0))
            error = await groups.CheckMemberAsync(wanted.GroupId, wanted.MemberId ?? "", wanted.MemberEpoch, context.ConnectionClosed);
        CatalogImage image = catalog.Current;
        var answer = new OffsetFetchResponse.OffsetFetchResponseGroup { GroupId = wanted.GroupId };
        if (error != ErrorCode.None && context.Version >= FirstVersionOfGroupErrors)
            answer.ErrorCode = error;
        else if (wanted.Topics is null)
            answer.Topics = All(image, offsets);
        else
            answer.Topics = [.. wanted.Topics.Select(topic => Some(context.Version, image, offsets, topic, error))];
        return answer;
    }

    private static List<OffsetFetchResponse.OffsetFetchResponseTopics> All(
        CatalogImage image, ImmutableDictionary<TopicPartition, CommittedOffset> offsets) =>
        [.. from entry in offsets
            orderby entry.Key.Partition
            group Answer(entry.Key.Partition, entry.Value, ErrorCode.None) by entry.Key.TopicId into byTopic
            let topic = image.Find(byTopic.Key)
            where topic is not null
            orderby topic.Name
            select new OffsetFetchResponse.OffsetFetchResponseTopics
            {
                Name = topic.Name,
                TopicId = topic.Id,
                Partitions = [.. byTopic],
            }];

    private static OffsetFetchResponse.OffsetFetchResponseTopics Some(
        short version,
        CatalogImage image,
        ImmutableDictionary<TopicPartition, CommittedOffset> offsets,
        OffsetFetchRequest.OffsetFetchRequestTopics wanted,
        ErrorCode error)
    {
        bool byId = version >= FirstVersionOfTopicIds;
        TopicImage? topic = byId ? image.Find(wanted.TopicId) : image.Find(wanted.Name);
        if (topic is null && byId)
            error = ErrorCode.UnknownTopicId;
        return new OffsetFetchResponse.OffsetFetchResponseTopics
        {
            Name = wanted.Name,
            TopicId = wanted.TopicId,
            Partitions = [.. wanted.PartitionIndexes.Select(partition => Answer(
                partition,
                topic is null ? null : offsets.GetValueOrDefault(new TopicPartition(topic.Id, partition)),
                error))],
        };
    }
}
