using Microsoft.Extensions.Logging;
using Warp.Actors.Catalog;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>DeleteRecords (KIP-107), versions 0 to 2. A topic that is only compacted keeps its records: POLICY_VIOLATION.</summary>
public sealed partial class DeleteRecordsHandler(CatalogClient catalog, ShardRegion region, ILogger<DeleteRecordsHandler> log)
    : ApiHandler<DeleteRecordsRequest>(ApiKey.DeleteRecords, 0, 2)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, DeleteRecordsRequest request)
    {
        CatalogImage image = catalog.Image;
        TimeSpan wait = ActorQuestions.WaitOf(request.TimeoutMs);
        var response = new DeleteRecordsResponse();
        response.Topics.AddRange(await Task.WhenAll(request.Topics.Select(async wanted =>
        {
            TopicImage? topic = image.Find(wanted.Name);
            var answer = new DeleteRecordsResponse.DeleteRecordsTopicResult { Name = wanted.Name };
            answer.Partitions.AddRange(await Task.WhenAll(
                wanted.Partitions.Select(partition => DeleteAsync(topic, partition, wait, context.ConnectionClosed))));
            return answer;
        })));
        return response;
    }

    private async Task<DeleteRecordsResponse.DeleteRecordsPartitionResult> DeleteAsync(
        TopicImage? topic, DeleteRecordsRequest.DeleteRecordsPartition wanted, TimeSpan wait, CancellationToken cancellationToken)
    {
        DeleteRecordsReply reply;
        if (topic is null || wanted.PartitionIndex < 0 || wanted.PartitionIndex >= topic.OpenPartitionCount)
        {
            reply = new DeleteRecordsReply(ErrorCode.UnknownTopicOrPartition, -1);
        }
        else if (!topic.Config.IsDeleted)
        {
            reply = new DeleteRecordsReply(ErrorCode.PolicyViolation, -1);
        }
        else
        {
            var partition = new TopicPartition(topic.Id, wanted.PartitionIndex);
            try
            {
                reply = await region.SequencerOf(partition).AskAsync<DeleteRecordsReply>(
                    reply => new SequencerMessage.DeleteRecords(partition, wanted.Offset, reply), wait, cancellationToken);
            }
            catch (Exception error) when (error is not OperationCanceledException)
            {
                LogNoAnswer(topic.Name, wanted.PartitionIndex, error.Message);
                reply = new DeleteRecordsReply(ActorQuestions.PartitionErrorOf(error), -1);
            }
        }
        return new DeleteRecordsResponse.DeleteRecordsPartitionResult
        {
            PartitionIndex = wanted.PartitionIndex,
            LowWatermark = reply.LowWatermark,
            ErrorCode = reply.Error,
        };
    }

    [LoggerMessage(LogLevel.Warning, "Records of {Topic}-{Partition} could not be deleted: {Reason}")]
    private partial void LogNoAnswer(string topic, int partition, string reason);
}
