using Warp.Actors.Catalog;
using Warp.Actors.Sequencing;
using Warp.Node.Configuration;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Streams.Fetch;

namespace Warp.Node.Handlers;

/// <summary>
/// Fetch, versions 4 to 17. Fetch sessions (KIP-227) are declined by answering session id 0, after which clients send full requests.
/// Leader epochs in requests are not looked at: nothing is ever truncated here. A node without the role <c>fetch</c> answers with an error
/// that sends consumers elsewhere.
/// </summary>
public sealed class FetchHandler(PublishedCatalog catalog, FetchPlanner planner, NodeRoles roles = NodeRoles.All)
    : ApiHandler<FetchRequest>(ApiKey.Fetch, 4, 17)
{
    private const short FirstVersionOfTopicIds = 13;
    private const sbyte ReadCommitted = 1;

    /// <summary>
    /// As Kafka's <c>fetch.max.bytes</c> of a broker: the most that one answer holds, whatever the client asks for. Kafka's default is 55 MiB;
    /// clients take an answer in one piece, and one above 32 MiB in memory that is fresh each time, which is slower than two answers.
    /// </summary>
    private const int MaxResponseBytes = 16 << 20;

    private static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(5);

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, FetchRequest request)
    {
        var response = new FetchResponse();
        if (request.SessionId != 0)
        {
            response.ErrorCode = ErrorCode.FetchSessionIdNotFound;
            return response;
        }
        var queries = new List<PartitionQuery>();
        var answers = new List<FetchResponse.PartitionData>();
        bool anyError = false;
        CatalogImage image = catalog.Current;
        foreach (FetchRequest.FetchTopic topic in request.Topics)
        {
            var topicAnswer = new FetchResponse.FetchableTopicResponse { Topic = topic.Topic, TopicId = topic.TopicId };
            response.Responses.Add(topicAnswer);
            bool byId = context.Version >= FirstVersionOfTopicIds;
            TopicImage? found = byId ? image.Find(topic.TopicId) : image.Find(topic.Topic);
            foreach (FetchRequest.FetchPartition partition in topic.Partitions)
            {
                var answer = new FetchResponse.PartitionData { PartitionIndex = partition.Partition, HighWatermark = -1, Records = RecordSet.Empty };
                topicAnswer.Partitions.Add(answer);
                if (!roles.HasFlag(NodeRoles.Fetch))
                {
                    answer.ErrorCode = ErrorCode.NotLeaderOrFollower;
                    anyError = true;
                    continue;
                }
                if (found is null || partition.Partition < 0 || partition.Partition >= found.OpenPartitionCount)
                {
                    answer.ErrorCode = found is null && byId ? ErrorCode.UnknownTopicId : ErrorCode.UnknownTopicOrPartition;
                    anyError = true;
                    continue;
                }
                queries.Add(new PartitionQuery(new TopicPartition(found.Id, partition.Partition), partition.FetchOffset, Math.Max(0, partition.PartitionMaxBytes)));
                answers.Add(answer);
            }
        }
        // An error is told at once; there is nothing to wait for without partitions.
        TimeSpan wait = anyError || queries.Count == 0 ? TimeSpan.Zero : TimeSpan.FromMilliseconds(Math.Clamp(request.MaxWaitMs, 0, s_longestWait.TotalMilliseconds));
        var query = new FetchQuery(queries, request.MinBytes, wait, Math.Clamp(request.MaxBytes, 0, MaxResponseBytes), request.IsolationLevel == ReadCommitted);
        PartitionRecords[] results = await planner.FetchAsync(query, context.ConnectionClosed);
        for (int i = 0; i < results.Length; i++)
            Fill(answers[i], results[i]);
        return response;
    }

    private static void Fill(FetchResponse.PartitionData answer, PartitionRecords found)
    {
        answer.ErrorCode = found.Error;
        answer.Records = found.Records;
        bool known = found.Error is ErrorCode.None or ErrorCode.KafkaStorageError;
        answer.HighWatermark = known ? found.Ends.HighWatermark : -1;
        answer.LastStableOffset = known ? found.Ends.LastStableOffset : -1;
        answer.LogStartOffset = known ? found.Ends.LogStartOffset : -1;
    }
}
