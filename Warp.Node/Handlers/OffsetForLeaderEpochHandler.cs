using Warp.Actors.Catalog;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// OffsetForLeaderEpoch, versions 2 to 4. Nothing is ever truncated here, so every epoch reaches to the end of the log. The end comes from
/// the partition's owner: a consumer that was told less than it has read would believe that records were lost. The client's own idea of
/// the leader's epoch is not looked at.
/// </summary>
public sealed class OffsetForLeaderEpochHandler(CatalogClient catalog, SequencerQuestions sequencers)
    : ApiHandler<OffsetForLeaderEpochRequest>(ApiKey.OffsetForLeaderEpoch, 2, 4)
{
    private const int UndefinedEpoch = -1;

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
        LogEnds[] logs = await sequencers.DescribeLogsAsync([.. asked.Select(static entry => entry.Partition)], context.ConnectionClosed);
        for (int i = 0; i < logs.Length; i++)
            Fill(asked[i].Answer, logs[i].Error, logs[i].HighWatermark);
        return response;
    }

    private static void Fill(OffsetForLeaderEpochResponse.EpochEndOffset answer, ErrorCode error, long endOffset)
    {
        answer.ErrorCode = error;
        answer.EndOffset = endOffset;
        if (error != ErrorCode.None)
            answer.LeaderEpoch = UndefinedEpoch;
    }
}
