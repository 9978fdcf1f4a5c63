using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Actors.Sequencing;
using Warp.Protocol.Compression;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Streams.Fetch;
using Warp.Streams.Format;
using Warp.Streams.Objects;

namespace Warp.Node.Handlers;

/// <summary>
/// ListOffsets, versions 0 to 11, with all special timestamps. A real timestamp is resolved to the record, inside compressed batches too.
/// </summary>
public sealed class ListOffsetsHandler(PublishedCatalog catalog, FetchPlanner planner) : ApiHandler<ListOffsetsRequest>(ApiKey.ListOffsets, 0, 11)
{
    private const sbyte ReadCommitted = 1;

    // The special timestamps, and the first version that knows each (KIP-79, KIP-734, KIP-405, KIP-1005, KIP-1023).
    private const long Latest = -1;
    private const long Earliest = -2;
    private const long MaxTimestamp = -3;
    private const long EarliestLocal = -4;
    private const long LatestTiered = -5;
    private const long EarliestPendingUpload = -6;

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, ListOffsetsRequest request)
    {
        var response = new ListOffsetsResponse();
        CatalogImage image = catalog.Current;
        var asked = new HashSet<(string, int)>();
        var duplicates = new HashSet<(string, int)>();
        foreach (ListOffsetsRequest.ListOffsetsTopic topic in request.Topics)
        {
            foreach (ListOffsetsRequest.ListOffsetsPartition partition in topic.Partitions)
            {
                if (!asked.Add((topic.Name, partition.PartitionIndex)))
                    duplicates.Add((topic.Name, partition.PartitionIndex));
            }
        }
        var answers = new List<Task<ListOffsetsResponse.ListOffsetsPartitionResponse>>();
        foreach (ListOffsetsRequest.ListOffsetsTopic topic in request.Topics)
        {
            foreach (ListOffsetsRequest.ListOffsetsPartition partition in topic.Partitions)
            {
                answers.Add(duplicates.Contains((topic.Name, partition.PartitionIndex))
                    ? Task.FromResult(Failed(partition.PartitionIndex, ErrorCode.InvalidRequest))
                    : AnswerAsync(context, request, image.Find(topic.Name), partition));
            }
        }
        ListOffsetsResponse.ListOffsetsPartitionResponse[] found = await Task.WhenAll(answers);
        int next = 0;
        foreach (ListOffsetsRequest.ListOffsetsTopic topic in request.Topics)
        {
            response.Topics.Add(new ListOffsetsResponse.ListOffsetsTopicResponse
            {
                Name = topic.Name,
                Partitions = [.. found[next..(next + topic.Partitions.Count)]],
            });
            next += topic.Partitions.Count;
        }
        return response;
    }

    private async Task<ListOffsetsResponse.ListOffsetsPartitionResponse> AnswerAsync(
        RequestContext context, ListOffsetsRequest request, TopicImage? topic, ListOffsetsRequest.ListOffsetsPartition partition)
    {
        int index = partition.PartitionIndex;
        if (topic is null || index < 0 || index >= topic.OpenPartitionCount)
            return Failed(index, ErrorCode.UnknownTopicOrPartition);
        if (!IsKnown(partition.Timestamp, context.Version))
            return Failed(index, ErrorCode.UnsupportedVersion);
        try
        {
            var key = new TopicPartition(topic.Id, index);
            (ErrorCode error, TimestampedOffset? found) = partition.Timestamp is >= 0 or MaxTimestamp
                ? await planner.FindTimestampAsync(key, partition.Timestamp, context.ConnectionClosed)
                : await FindEndAsync(key, partition.Timestamp, request.IsolationLevel == ReadCommitted, context.ConnectionClosed);
            return error == ErrorCode.None ? Found(index, found, context.Version) : Failed(index, error);
        }
        catch (Exception error) when (error is TimeoutException or ActorStoppedException)
        {
            return Failed(index, ErrorCode.NotLeaderOrFollower);
        }
        catch (Exception error) when (error is ObjectStoreException or CorruptObjectException or CorruptRecordException or CodecUnavailableException)
        {
            return Failed(index, ErrorCode.KafkaStorageError);
        }
    }

    private async Task<(ErrorCode Error, TimestampedOffset? Found)> FindEndAsync(
        TopicPartition partition, long timestamp, bool readCommitted, CancellationToken cancellationToken)
    {
        LogEnds ends = await planner.DescribeAsync(partition, cancellationToken);
        long offset = timestamp switch
        {
            Latest => readCommitted ? ends.LastStableOffset : ends.HighWatermark,
            Earliest or EarliestLocal => ends.LogStartOffset,
            // There are no tiers: nothing is tiered, and nothing waits to be.
            _ => -1,
        };
        return (ends.Error, offset >= 0 ? new TimestampedOffset(offset, -1) : null);
    }

    private static bool IsKnown(long timestamp, short version) => timestamp switch
    {
        >= 0 or Latest or Earliest => true,
        MaxTimestamp => version >= 7,
        EarliestLocal => version >= 8,
        LatestTiered => version >= 9,
        EarliestPendingUpload => version >= 11,
        _ => false,
    };

    private static ListOffsetsResponse.ListOffsetsPartitionResponse Failed(int index, ErrorCode error) => new() { PartitionIndex = index, ErrorCode = error };

    private static ListOffsetsResponse.ListOffsetsPartitionResponse Found(int index, TimestampedOffset? found, short version)
    {
        var answer = new ListOffsetsResponse.ListOffsetsPartitionResponse { PartitionIndex = index };
        if (found is not { } record)
            return answer;
        if (version == 0)
        {
            answer.OldStyleOffsets.Add(record.Offset);
            return answer;
        }
        answer.Offset = record.Offset;
        answer.Timestamp = record.Timestamp;
        answer.LeaderEpoch = 0;
        return answer;
    }
}
