using System.Collections.Frozen;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// How the messages to sequencers travel: all that can be asked from outside, but for commits and watches, which take more than a call.
/// </summary>
internal static class SequencerExchanges
{
    public static IReadOnlyList<IExchange<SequencerMessage>> All { get; } =
    [
        Of<SequencerMessage.OpenPartitions, OpenPartitionsRequest, OpenPartitionsResponse, ErrorCode>(
            PrivateApis.OpenPartitions,
            static message => message.Reply,
            static message => new OpenPartitionsRequest { TopicId = message.TopicId, Partitions = [.. message.Partitions] },
            static (request, reply) => new SequencerMessage.OpenPartitions(request.TopicId, request.Partitions, reply),
            static error => new OpenPartitionsResponse { Error = error },
            static response => response.Error),

        Of<SequencerMessage.DeleteTopic, DropPartitionsRequest, DropPartitionsResponse, ErrorCode>(
            PrivateApis.DropPartitions,
            static message => message.Reply,
            static message => new DropPartitionsRequest { TopicId = message.TopicId },
            static (request, reply) => new SequencerMessage.DeleteTopic(request.TopicId, reply),
            static error => new DropPartitionsResponse { Error = error },
            static response => response.Error),

        Of<SequencerMessage.DeleteRecords, TrimLogRequest, TrimLogResponse, DeleteRecordsReply>(
            PrivateApis.TrimLog,
            static message => message.Reply,
            static message => new TrimLogRequest { Partition = message.Partition.ToPeer(), BeforeOffset = message.BeforeOffset },
            static (request, reply) => new SequencerMessage.DeleteRecords(request.Partition.FromPeer(), request.BeforeOffset, reply),
            static answer => new TrimLogResponse { Error = answer.Error, LowWatermark = answer.LowWatermark },
            static response => new DeleteRecordsReply(response.Error, response.LowWatermark)),

        Of<SequencerMessage.ApplyRetention, ApplyRetentionRequest, ApplyRetentionResponse, RetentionReply>(
            PrivateApis.ApplyRetention,
            static message => message.Reply,
            static message => new ApplyRetentionRequest
            {
                Policies = [.. message.Policies.Select(static policy => new ApplyRetentionRequest.TopicRetention
                {
                    TopicId = policy.Key,
                    RetentionMs = policy.Value.RetentionMs,
                    RetentionBytes = policy.Value.RetentionBytes,
                })],
            },
            static (request, reply) => new SequencerMessage.ApplyRetention(PoliciesOf(request), reply),
            static answer => new ApplyRetentionResponse { Extents = answer.Extents, Bytes = answer.Bytes, IsComplete = answer.IsComplete },
            static response => new RetentionReply(response.Extents, response.Bytes, response.IsComplete)),

        Of<SequencerMessage.ReadExtents, ReadExtentsRequest, ReadExtentsResponse, ReadExtentsReply>(
            PrivateApis.ReadExtents,
            static message => message.Reply,
            static message => new ReadExtentsRequest
            {
                Reads = [.. message.Reads.Select(static read => new ReadExtentsRequest.PartitionRead
                {
                    TopicId = read.Partition.TopicId,
                    Partition = read.Partition.Partition,
                    Offset = read.Offset,
                    MaxBytes = read.MaxBytes,
                })],
            },
            static (request, reply) => new SequencerMessage.ReadExtents(
                [.. request.Reads.Select(static read =>
                    new ExtentRead(new TopicPartition(read.TopicId, read.Partition), read.Offset, read.MaxBytes))],
                reply),
            static answer => new ReadExtentsResponse
            {
                Epoch = answer.Epoch,
                Partitions = [.. answer.Partitions.Select(static partition => new ReadExtentsResponse.PartitionPlan
                {
                    Ends = partition.Ends.ToPeer(),
                    Extents = [.. partition.Extents.Select(PeerConversions.ToPeer)],
                })],
            },
            static response => new ReadExtentsReply(
                response.Epoch,
                [.. response.Partitions.Select(static partition =>
                    new PartitionExtents(partition.Ends.FromPeer(), [.. partition.Extents.Select(PeerConversions.FromPeer)]))])),

        Of<SequencerMessage.DescribeLogs, DescribeLogsRequest, DescribeLogsResponse, IReadOnlyList<LogEnds>>(
            PrivateApis.DescribeLogs,
            static message => message.Reply,
            static message => new DescribeLogsRequest { Partitions = message.Partitions.ToPeer() },
            static (request, reply) => new SequencerMessage.DescribeLogs(request.Partitions.FromPeer(), reply),
            static answer => new DescribeLogsResponse { Logs = [.. answer.Select(PeerConversions.ToPeer)] },
            static response => [.. response.Logs.Select(PeerConversions.FromPeer)]),

        Of<
            SequencerMessage.DescribeProducers,
            DescribeLogProducersRequest,
            DescribeLogProducersResponse,
            IReadOnlyList<PartitionProducers>>(
            PrivateApis.DescribeLogProducers,
            static message => message.Reply,
            static message => new DescribeLogProducersRequest { Partitions = message.Partitions.ToPeer() },
            static (request, reply) => new SequencerMessage.DescribeProducers(request.Partitions.FromPeer(), reply),
            static answer => new DescribeLogProducersResponse
            {
                Partitions = [.. answer.Select(static partition => new DescribeLogProducersResponse.LogProducers
                {
                    Error = partition.Error,
                    Producers = [.. partition.Producers.Select(static producer => new DescribeLogProducersResponse.LogProducer
                    {
                        ProducerId = producer.ProducerId,
                        Epoch = producer.Epoch,
                        LastSequence = producer.LastSequence,
                        LastWriteMs = producer.LastWriteMs,
                    })],
                })],
            },
            static response =>
            [
                .. response.Partitions.Select(static partition => new PartitionProducers(
                    partition.Error,
                    [.. partition.Producers.Select(static producer =>
                        new ActiveProducer(producer.ProducerId, producer.Epoch, producer.LastSequence, producer.LastWriteMs))])),
            ]),

        Of<SequencerMessage.FindTimestamp, FindTimestampRequest, FindTimestampResponse, TimestampReply>(
            PrivateApis.FindTimestamp,
            static message => message.Reply,
            static message => new FindTimestampRequest { Partition = message.Partition.ToPeer(), Timestamp = message.Timestamp },
            static (request, reply) => new SequencerMessage.FindTimestamp(request.Partition.FromPeer(), request.Timestamp, reply),
            static answer => new FindTimestampResponse { Ends = answer.Ends.ToPeer(), Extent = answer.Extent?.ToPeer() },
            static response => new TimestampReply(response.Ends.FromPeer(), response.Extent?.FromPeer())),

        Of<SequencerMessage.DescribeObjects, DescribeObjectsRequest, DescribeObjectsResponse, ObjectsReply>(
            PrivateApis.DescribeObjects,
            static message => message.Reply,
            static message =>
                new DescribeObjectsRequest { MinLevel = message.MinLevel, MaxLevel = message.MaxLevel, Limit = message.Limit },
            static (request, reply) => new SequencerMessage.DescribeObjects(request.MinLevel, request.MaxLevel, request.Limit, reply),
            static answer => new DescribeObjectsResponse
            {
                Epoch = answer.Epoch,
                IsWhole = answer.IsWhole,
                Objects = [.. answer.Objects.Select(static used => new DescribeObjectsResponse.UsedObject
                {
                    ObjectId = used.Id.ToGuid(),
                    Level = used.Level,
                    SizeBytes = used.SizeBytes,
                    Extents = used.Extents,
                    LiveBytes = used.LiveBytes,
                })],
            },
            static response => new ObjectsReply(
                response.Epoch,
                [.. response.Objects.Select(static used =>
                    new ShardObject(used.ObjectId.ToObjectId(), used.Level, used.SizeBytes, used.Extents, used.LiveBytes))],
                response.IsWhole)),

        Of<SequencerMessage.FindCleanable, FindCleanableRequest, FindCleanableResponse, CleanablePartition?>(
            PrivateApis.FindCleanable,
            static message => message.Reply,
            static message => new FindCleanableRequest
            {
                Policies = [.. message.Policies.Select(static policy => new FindCleanableRequest.TopicCleaning
                {
                    TopicId = policy.Key,
                    MinDirtyRatio = policy.Value.MinDirtyRatio,
                    MinLagMs = policy.Value.MinLagMs,
                    MaxLagMs = policy.Value.MaxLagMs,
                    MinDirtyBytes = policy.Value.MinDirtyBytes,
                    DeleteRetentionMs = policy.Value.DeleteRetentionMs,
                })],
                Except = message.Except.ToPeer(),
            },
            static (request, reply) =>
                new SequencerMessage.FindCleanable(PoliciesOf(request), request.Except.FromPeer().ToFrozenSet(), reply),
            static answer => new FindCleanableResponse
            {
                Found = answer is null ? null : new FindCleanableResponse.Cleanable
                {
                    Partition = answer.Partition.ToPeer(),
                    Extents = [.. answer.Extents.Select(PeerConversions.ToPeer)],
                    DeleteRetentionMs = answer.DeleteRetentionMs,
                },
            },
            static response => response.Found is { } found
                ? new CleanablePartition(
                    found.Partition.FromPeer(), [.. found.Extents.Select(PeerConversions.FromPeer)], found.DeleteRetentionMs)
                : null),

        Of<SequencerMessage.FindExtents, FindExtentsRequest, FindExtentsResponse, FindExtentsReply>(
            PrivateApis.FindExtents,
            static message => message.Reply,
            static message => new FindExtentsRequest { Objects = [.. message.Objects.Select(ObjectIdConversions.ToGuid)] },
            static (request, reply) => new SequencerMessage.FindExtents(
                request.Objects.Select(ObjectIdConversions.ToObjectId).ToFrozenSet(), reply),
            static answer => new FindExtentsResponse
            {
                Epoch = answer.Epoch,
                Extents = [.. answer.Extents.Select(static found => new FindExtentsResponse.FoundExtent
                {
                    TopicId = found.Partition.TopicId,
                    Partition = found.Partition.Partition,
                    Extent = found.Extent.ToPeer(),
                })],
            },
            static response => new FindExtentsReply(
                response.Epoch,
                [.. response.Extents.Select(static found =>
                    new PartitionExtent(new TopicPartition(found.TopicId, found.Partition), found.Extent.FromPeer()))])),

        Of<SequencerMessage.ReplaceExtents, ReplaceExtentsRequest, ReplaceExtentsResponse, ReplaceReply>(
            PrivateApis.ReplaceExtents,
            static message => message.Reply,
            static message => SwapOf(message.Swap),
            static (request, reply) => new SequencerMessage.ReplaceExtents(SwapOf(request), reply),
            static answer => new ReplaceExtentsResponse
            {
                Refusal = (sbyte)answer.Refusal,
                Partitions = [.. answer.Partitions.Select(static refusal => (sbyte)refusal)],
            },
            static response => new ReplaceReply(
                (SwapRefusal)response.Refusal, [.. response.Partitions.Select(static refusal => (PartitionRefusal)refusal)])),
    ];

    private static Exchange<SequencerMessage, TQuestion, TRequest, TResponse, TReply> Of<TQuestion, TRequest, TResponse, TReply>(
        ApiKey key,
        Func<TQuestion, Reply<TReply>> replyOf,
        Func<TQuestion, TRequest> toRequest,
        Func<TRequest, Reply<TReply>, TQuestion> fromRequest,
        Func<TReply, TResponse> toResponse,
        Func<TResponse, TReply> fromResponse)
        where TQuestion : SequencerMessage
        where TRequest : class, IShardRequest
        where TResponse : class, IResponse =>
        new(key, replyOf, toRequest, fromRequest, toResponse, fromResponse);

    /// <summary>Of a topic that is named twice, the last counts: what comes from another node must not fail here.</summary>
    private static Dictionary<Guid, RetentionPolicy> PoliciesOf(ApplyRetentionRequest request)
    {
        var policies = new Dictionary<Guid, RetentionPolicy>(request.Policies.Count);
        foreach (ApplyRetentionRequest.TopicRetention policy in request.Policies)
            policies[policy.TopicId] = new RetentionPolicy(policy.RetentionMs, policy.RetentionBytes);
        return policies;
    }

    private static Dictionary<Guid, CleaningPolicy> PoliciesOf(FindCleanableRequest request)
    {
        var policies = new Dictionary<Guid, CleaningPolicy>(request.Policies.Count);
        foreach (FindCleanableRequest.TopicCleaning policy in request.Policies)
        {
            policies[policy.TopicId] = new CleaningPolicy(
                policy.MinDirtyRatio, policy.MinLagMs, policy.MaxLagMs, policy.MinDirtyBytes, policy.DeleteRetentionMs);
        }
        return policies;
    }

    private static ReplaceExtentsRequest SwapOf(ExtentReplacement swap) => new()
    {
        SwapId = swap.SwapId.ToGuid(),
        Outputs = [.. swap.Outputs.Select(static output => new ReplaceExtentsRequest.SwapOutput
        {
            ObjectId = output.Id.ToGuid(),
            SizeBytes = output.SizeBytes,
            Level = output.Level,
        })],
        Partitions = [.. swap.Partitions.Select(static partition => new ReplaceExtentsRequest.SwapPartition
        {
            TopicId = partition.Partition.TopicId,
            Partition = partition.Partition.Partition,
            Cleaning = partition.Cleaning is { } cleaning
                ? new ReplaceExtentsRequest.SwapCleaning { UpToOffset = cleaning.UpToOffset, DeleteHorizonMs = cleaning.DeleteHorizonMs }
                : null,
            Replaced = [.. partition.Replaced.Select(PeerConversions.ToPeer)],
            Added = [.. partition.Added.Select(PeerConversions.ToPeer)],
        })],
    };

    private static ExtentReplacement SwapOf(ReplaceExtentsRequest swap) => new()
    {
        SwapId = swap.SwapId.ToObjectId(),
        Outputs = [.. swap.Outputs.Select(static output => new OutputObject(output.ObjectId.ToObjectId(), output.SizeBytes, output.Level))],
        Partitions = [.. swap.Partitions.Select(static partition => new PartitionReplacement(
            new TopicPartition(partition.TopicId, partition.Partition),
            [.. partition.Replaced.Select(PeerConversions.FromPeer)],
            [.. partition.Added.Select(PeerConversions.FromPeer)])
        {
            Cleaning = partition.Cleaning is { } cleaning ? new LogCleaning(cleaning.UpToOffset, cleaning.DeleteHorizonMs) : null,
        })],
    };
}
