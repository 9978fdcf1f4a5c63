using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Node.Configuration;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
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
    : ApiHandler<FlatProduceRequest>(ApiKey.Produce, 0, 13)
{
    private const short FirstVersionOfBatches = 3;
    private const short FirstVersionOfZstd = 7;
    private const short FirstVersionOfTopicIds = 13;

    /// <summary>The answer for a partition where nothing went wrong.</summary>
    private const int PartitionAnswerBytes = 33;

    /// <summary>A request may ask for less patience than a flush takes; then it would never be answered well.</summary>
    private static readonly TimeSpan s_shortestTimeout = TimeSpan.FromSeconds(2);

    private static readonly TimeSpan s_longestTimeout = TimeSpan.FromMinutes(10);

    /// <summary>A request is done with before the handler returns, so that few are enough.</summary>
    private readonly ObjectPool<FlatProduceRequest> _requests = new(maxIdle: 64);

    private readonly ObjectPool<ProduceCall> _calls = new(maxIdle: 1024);

    /// <summary>Answers are small, and a connection's come about in the order of its requests.</summary>
    public override bool AnswersInOrder => true;

    public override IRequest Read(in RequestFrame frame)
    {
        FlatProduceRequest request = _requests.TryRent() ?? new FlatProduceRequest();
        WireReader reader = frame.OpenBody();
        request.Read(ref reader, frame.Header.ApiVersion);
        return request;
    }

    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, FlatProduceRequest request)
    {
        // Everything up to the pipeline's mailbox happens here and now, which keeps the batches of a connection in their order.
        ProduceCall call = _calls.TryRent() ?? new ProduceCall(_calls);
        try
        {
            Accept(context, request, call);
        }
        catch
        {
            call.Abandon();
            throw;
        }
        TimeSpan timeout = TimeSpan.FromMilliseconds(
            Math.Clamp(request.TimeoutMs, s_shortestTimeout.TotalMilliseconds, s_longestTimeout.TotalMilliseconds));
        context.ExpectedBytes = request.Partitions.Length * PartitionAnswerBytes;
        short acks = request.Acks;
        request.Clear();
        _requests.Return(request);
        // The batches have references of their own, which end when the object is encoded: long before the answer.
        context.ReleaseFrame();
        return call.SendAsync(context, acks, timeout, pipeline);
    }

    private void Accept(RequestContext context, FlatProduceRequest request, ProduceCall call)
    {
        ErrorCode refusal = RefusalOf(context, request);
        CatalogImage image = catalog.Current;
        ReadOnlySpan<FlatProduceRequest.Partition> partitions = request.Partitions;
        foreach (ref readonly FlatProduceRequest.Topic asked in request.Topics)
        {
            call.Answers.Add(asked);
            bool byId = context.Version >= FirstVersionOfTopicIds;
            TopicImage? topic = byId ? image.Find(asked.TopicId) : image.Find(asked.Name);
            ErrorCode error = refusal != ErrorCode.None ? refusal
                : topic is not null ? ErrorCode.None
                : byId ? ErrorCode.UnknownTopicId
                : TopicName.Validate(asked.Name) is null ? ErrorCode.UnknownTopicOrPartition : ErrorCode.InvalidTopicException;
            foreach (ref readonly FlatProduceRequest.Partition partition in partitions[..asked.PartitionCount])
            {
                var answer = new FlatProduceResponse.Partition(partition.Index) { ErrorCode = error };
                if (error == ErrorCode.None)
                    Accept(context, topic!, partition, call, ref answer);
                call.Answers.Add(answer);
            }
            partitions = partitions[asked.PartitionCount..];
        }
    }

    private ErrorCode RefusalOf(RequestContext context, FlatProduceRequest request)
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

    private void Accept(
        RequestContext context, TopicImage topic, in FlatProduceRequest.Partition partition, ProduceCall call, ref FlatProduceResponse.Partition answer)
    {
        if (partition.Index < 0 || partition.Index >= topic.OpenPartitionCount)
        {
            answer.ErrorCode = ErrorCode.UnknownTopicOrPartition;
            return;
        }
        IntakeResult result = intake.Accept(
            topic, partition.Index, partition.Records.GetValueOrDefault(), context.Frame, context.Version >= FirstVersionOfZstd, call.Spare);
        answer.ErrorCode = result.Error;
        answer.ErrorMessage = result.Message;
        answer.LogAppendTimeMs = result.LogAppendTimeMs;
        answer.BadRecords = result.BadRecords;
        if (result.Batch is { } batch)
            call.Accept(batch);
    }
}
