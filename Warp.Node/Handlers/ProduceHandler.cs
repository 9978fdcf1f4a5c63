using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Node.Configuration;
using Warp.Protocol.Messages;
using Warp.Streams.Objects.Resilience;
using Warp.Streams.Produce;

namespace Warp.Node.Handlers;

/// <summary>
/// Produce, versions 0 to 13. Versions 0 to 2 are listed (librdkafka up to 2.10 compresses only then, KAFKA-18659) but refused: they carry
/// message formats of before Kafka 0.11. <c>acks=1</c> and <c>acks=all</c> mean the same: the bytes are in the store and the offsets in the
/// journal. <c>acks=0</c> takes the same way and gets no response; its connection is closed when the write fails. While the store is
/// unavailable, requests are refused at once with an error that clients retry; a node without the role <c>produce</c> refuses them with one
/// that sends clients elsewhere.
/// </summary>
public sealed class ProduceHandler(
    PublishedCatalog catalog,
    ProduceIntake intake,
    ActorRef<FlushMessage> pipeline,
    StoreHealth store,
    NodeRoles roles = NodeRoles.All)
    : ApiHandler<ProduceRequest>(ApiKey.Produce, 0, 13)
{
    private const short FirstVersionOfBatches = 3;
    private const short FirstVersionOfZstd = 7;
    private const short FirstVersionOfTopicIds = 13;

    /// <summary>A request may ask for less patience than a flush takes; then it would never be answered well.</summary>
    private static readonly TimeSpan s_shortestTimeout = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan s_longestTimeout = TimeSpan.FromMinutes(10);

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, ProduceRequest request)
    {
        // Everything up to the pipeline's mailbox happens here and now, which keeps the batches of a connection in their order.
        var response = new ProduceResponse();
        var batches = new List<PendingBatch>(request.TopicData.Count > 0 ? request.TopicData[0].PartitionData.Count : 0);
        ErrorCode refusal = RefusalOf(context, request);
        CatalogImage image = catalog.Current;
        response.Responses.Capacity = request.TopicData.Count;
        foreach (ProduceRequest.TopicProduceData data in request.TopicData)
        {
            var answers = new ProduceResponse.TopicProduceResponse { Name = data.Name, TopicId = data.TopicId };
            response.Responses.Add(answers);
            bool byId = context.Version >= FirstVersionOfTopicIds;
            TopicImage? topic = byId ? image.Find(data.TopicId) : image.Find(data.Name);
            ErrorCode error = refusal != ErrorCode.None ? refusal
                : topic is not null ? ErrorCode.None
                : byId ? ErrorCode.UnknownTopicId
                : TopicName.Validate(data.Name) is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.InvalidTopicException;
            answers.PartitionResponses.Capacity = data.PartitionData.Count;
            foreach (ProduceRequest.PartitionProduceData partition in data.PartitionData)
            {
                var answer = new ProduceResponse.PartitionProduceResponse { Index = partition.Index, BaseOffset = -1, ErrorCode = error };
                answers.PartitionResponses.Add(answer);
                if (error == ErrorCode.None && Accept(context, topic!, partition, answer) is { } batch)
                    batches.Add(batch);
            }
        }
        // The batches have references of their own, which end when the object is encoded: long before the answer.
        context.ReleaseFrame();
        if (batches.Count == 0)
            return ValueTask.FromResult(ProduceCall.Finish(context, request, response));
        TimeSpan timeout = TimeSpan.FromMilliseconds(
            Math.Clamp(request.TimeoutMs, s_shortestTimeout.TotalMilliseconds, s_longestTimeout.TotalMilliseconds));
        var call = new ProduceCall(context, request, response, batches, timeout);
        pipeline.Tell(new FlushMessage.Add(call));
        return call.Response;
    }

    private ErrorCode RefusalOf(RequestContext context, ProduceRequest request)
    {
        if (context.Version < FirstVersionOfBatches)
            return ErrorCode.UnsupportedVersion;
        if (request.TransactionalId is not null)
            return ErrorCode.InvalidTxnState;
        if (request.Acks is not (-1 or 0 or 1))
            return ErrorCode.InvalidRequiredAcks;
        if (!roles.HasFlag(NodeRoles.Produce))
            return ErrorCode.NotLeaderOrFollower;
        return store.State == StoreState.Unavailable ? ErrorCode.KafkaStorageError : ErrorCode.None;
    }

    private PendingBatch? Accept(
        RequestContext context, TopicImage topic, ProduceRequest.PartitionProduceData partition, ProduceResponse.PartitionProduceResponse answer)
    {
        if (partition.Index < 0 || partition.Index >= topic.OpenPartitionCount)
        {
            answer.ErrorCode = ErrorCode.UnknownTopicOrPartition;
            return null;
        }
        IntakeResult result = intake.Accept(topic, partition.Index, partition.Records.Memory, context.Frame, context.Version >= FirstVersionOfZstd);
        answer.ErrorCode = result.Error;
        answer.ErrorMessage = result.Message;
        answer.LogAppendTimeMs = result.LogAppendTimeMs;
        foreach (int index in result.BadRecords)
        {
            answer.RecordErrors.Add(new ProduceResponse.BatchIndexAndErrorMessage
            {
                BatchIndex = index,
                BatchIndexErrorMessage = result.Message,
            });
        }
        return result.Batch;
    }
}
