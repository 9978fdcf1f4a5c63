using Microsoft.Extensions.Logging;
using Warp.Actors.Catalog;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// OffsetForLeaderEpoch, versions 2 to 4. Nothing is ever truncated here, so every epoch reaches to the end of the log. The end comes from
/// the partition's owner: a consumer that was told less than it has read would believe that records were lost. The client's own idea of
/// the leader's epoch is not looked at.
/// </summary>
public sealed partial class OffsetForLeaderEpochHandler(CatalogClient catalog, ShardRegion region, ILogger<OffsetForLeaderEpochHandler> log)
    : ApiHandler<OffsetForLeaderEpochRequest>(ApiKey.OffsetForLeaderEpoch, 2, 4)
{
    private const int UndefinedEpoch = -1;

    private static readonly TimeSpan s_wait = TimeSpan.FromSeconds(10);

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, OffsetForLeaderEpochRequest request)
    {
        CatalogImage image = catalog.Image;
        var response = new OffsetForLeaderEpochResponse();
        var asked = new List<(TopicPartition Partition, OffsetForLeaderEpochResponse.EpochEndOffset Answer)>();
        foreach (OffsetForLeaderEpochRequest.OffsetForLeaderTopic wanted in request.Topics)
        {
            TopicImage? topic = image.Find(wanted.Topic);
            var answers = new OffsetForLeaderEpochResponse.OffsetForLeaderTopicResult { Topic = wanted.Topic };
            response.Topics.Add(answers);
            foreach (OffsetForLeaderEpochRequest.OffsetForLeaderPartition partition in wanted.Partitions)
            {
                var answer = new OffsetForLeaderEpochResponse.EpochEndOffset { Partition = partition.Partition };
                answers.Partitions.Add(answer);
                if (topic is null || partition.Partition < 0 || partition.Partition >= topic.OpenPartitionCount)
                {
                    answer.ErrorCode = ErrorCode.UnknownTopicOrPartition;
                }
                else if (partition.LeaderEpoch > UndefinedEpoch)
                {
                    answer.LeaderEpoch = partition.LeaderEpoch;
                    asked.Add((new TopicPartition(topic.Id, partition.Partition), answer));
                }
            }
        }
        await Task.WhenAll(asked
            .GroupBy(entry => region.ShardOf(entry.Partition))
            .Select(shard => FillAsync(shard.Key, [.. shard], context.ConnectionClosed)));
        return response;
    }

    private async Task FillAsync(
        int shard,
        List<(TopicPartition Partition, OffsetForLeaderEpochResponse.EpochEndOffset Answer)> asked,
        CancellationToken cancellationToken)
    {
        List<TopicPartition> partitions = [.. asked.Select(static entry => entry.Partition)];
        try
        {
            IReadOnlyList<LogEnds> ends = await region.Sequencer(shard).AskAsync<IReadOnlyList<LogEnds>>(
                reply => new SequencerMessage.DescribeLogs(partitions, reply), s_wait, cancellationToken);
            for (int i = 0; i < asked.Count; i++)
                Fill(asked[i].Answer, ends[i].Error, ends[i].HighWatermark);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            LogNoAnswer(shard, error.Message);
            foreach ((_, OffsetForLeaderEpochResponse.EpochEndOffset answer) in asked)
                Fill(answer, ActorQuestions.PartitionErrorOf(error), -1);
        }
    }

    private static void Fill(OffsetForLeaderEpochResponse.EpochEndOffset answer, ErrorCode error, long endOffset)
    {
        answer.ErrorCode = error;
        answer.EndOffset = endOffset;
        if (error != ErrorCode.None)
            answer.LeaderEpoch = UndefinedEpoch;
    }

    [LoggerMessage(LogLevel.Warning, "Shard {Shard} did not tell the ends of its logs: {Reason}")]
    private partial void LogNoAnswer(int shard, string reason);
}
