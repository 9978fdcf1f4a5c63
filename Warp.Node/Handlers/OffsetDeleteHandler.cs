using Warp.Actors.Catalog;
using Warp.Actors.Groups;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>OffsetDelete (KIP-496), version 0.</summary>
public sealed class OffsetDeleteHandler(GroupClient groups, PublishedCatalog catalog)
    : ApiHandler<OffsetDeleteRequest>(ApiKey.OffsetDelete, 0, 0)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, OffsetDeleteRequest request)
    {
        if (request.GroupId.Length == 0)
            return new OffsetDeleteResponse { ErrorCode = ErrorCode.InvalidGroupId };
        CatalogImage image = catalog.Current;
        var response = new OffsetDeleteResponse();
        var offsets = new List<OffsetToDelete>();
        var pending = new List<OffsetDeleteResponse.OffsetDeleteResponsePartition>();
        foreach (OffsetDeleteRequest.OffsetDeleteRequestTopic wanted in request.Topics)
        {
            TopicImage? topic = image.Find(wanted.Name);
            var answer = new OffsetDeleteResponse.OffsetDeleteResponseTopic { Name = wanted.Name };
            response.Topics.Add(answer);
            foreach (OffsetDeleteRequest.OffsetDeleteRequestPartition partition in wanted.Partitions)
            {
                var result = new OffsetDeleteResponse.OffsetDeleteResponsePartition { PartitionIndex = partition.PartitionIndex };
                answer.Partitions.Add(result);
                if (topic is null || partition.PartitionIndex < 0 || partition.PartitionIndex >= topic.OpenPartitionCount)
                {
                    result.ErrorCode = ErrorCode.UnknownTopicOrPartition;
                    continue;
                }
                pending.Add(result);
                offsets.Add(new OffsetToDelete(new TopicPartition(topic.Id, partition.PartitionIndex), topic.Name));
            }
        }
        GroupAnswer.Each deleted = await groups.RunAsync(
            request.GroupId,
            new GroupCommand.DeleteOffsets(offsets),
            static error => new GroupAnswer.Each(error, []),
            context.ConnectionClosed);
        if (deleted.Error != ErrorCode.None)
            return new OffsetDeleteResponse { ErrorCode = deleted.Error };
        for (int i = 0; i < pending.Count; i++)
            pending[i].ErrorCode = deleted.Errors[i];
        return response;
    }
}
