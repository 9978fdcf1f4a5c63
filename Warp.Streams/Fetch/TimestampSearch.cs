using System.Runtime.CompilerServices;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;

namespace Warp.Streams.Fetch;

/// <summary>
/// Finds offsets by time. The sequencer knows the latest time of each extent, as the headers of its batches gave it. That can be more than
/// any record has that can be read: the record is below the log start, or the producer's header was wrong. Then the search goes on, so
/// that it finds what looking at every record would find. Thread-safe.
/// </summary>
internal sealed class TimestampSearch(ShardRegion region, ExtentReader reader)
{
    private const long Latest = -3;

    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(10);

    /// <summary>The first record of a time (ms since 1970) or later.</summary>
    public async Task<(ErrorCode Error, TimestampedOffset? Found)> FindAsync(
        TopicPartition partition, long timestamp, CancellationToken cancellationToken)
    {
        TimestampReply reply = await AskAsync(partition, timestamp, cancellationToken);
        if (reply.Ends.Error != ErrorCode.None || reply.Extent is not { } first)
            return (reply.Ends.Error, null);
        TimestampedOffset? found = await reader.FindTimestampAsync(first, timestamp, reply.Ends.LogStartOffset, cancellationToken);
        if (found is not null)
            return (ErrorCode.None, found);
        await foreach (ReadableExtent extent in ExtentsAsync(partition, first.Extent.LastOffset + 1, cancellationToken))
        {
            if (extent.Extent.MaxTimestamp < timestamp)
                continue;
            found = await reader.FindTimestampAsync(extent, timestamp, reply.Ends.LogStartOffset, cancellationToken);
            if (found is not null)
                break;
        }
        return (ErrorCode.None, found);
    }

    /// <summary>The first of the records with the latest time (KIP-734).</summary>
    public async Task<(ErrorCode Error, TimestampedOffset? Found)> FindLatestAsync(
        TopicPartition partition, CancellationToken cancellationToken)
    {
        TimestampReply reply = await AskAsync(partition, Latest, cancellationToken);
        if (reply.Ends.Error != ErrorCode.None || reply.Extent is not { } likeliest)
            return (reply.Ends.Error, null);
        TimestampedOffset? found = await reader.FindLatestAsync(likeliest, long.MinValue, reply.Ends.LogStartOffset, cancellationToken);
        if (found?.Timestamp == likeliest.Extent.MaxTimestamp)
            return (ErrorCode.None, found);
        // What was found is only a bound: others may be later, or as late and before it.
        long atLeast = found?.Timestamp ?? long.MinValue;
        await foreach (ReadableExtent extent in ExtentsAsync(partition, reply.Ends.LogStartOffset, cancellationToken))
        {
            if (extent.Extent.MaxTimestamp < atLeast)
                continue;
            if (await reader.FindLatestAsync(extent, atLeast, reply.Ends.LogStartOffset, cancellationToken) is { } later)
            {
                found = later;
                atLeast = later.Timestamp + 1;
            }
        }
        return (ErrorCode.None, found);
    }

    private Task<TimestampReply> AskAsync(TopicPartition partition, long timestamp, CancellationToken cancellationToken) =>
        region.SequencerOf(partition).AskAsync<TimestampReply>(
            answer => new SequencerMessage.FindTimestamp(partition, timestamp, answer), s_ask, cancellationToken);

    /// <summary>The extents from an offset on, to the end of the log or to where somebody deletes it meanwhile.</summary>
    private async IAsyncEnumerable<ReadableExtent> ExtentsAsync(
        TopicPartition partition, long offset, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        while (true)
        {
            ExtentRead[] read = [new(partition, offset, long.MaxValue)];
            ReadExtentsReply reply = await region.SequencerOf(partition).AskAsync<ReadExtentsReply>(
                answer => new SequencerMessage.ReadExtents(read, answer), s_ask, cancellationToken);
            PartitionExtents page = reply.Partitions[0];
            if (page.Ends.Error == ErrorCode.OffsetOutOfRange && offset < page.Ends.LogStartOffset)
            {
                offset = page.Ends.LogStartOffset;
                continue;
            }
            if (page.Extents.Count == 0)
                yield break;
            foreach (ReadableExtent extent in page.Extents)
                yield return extent;
            offset = page.Extents[^1].Extent.LastOffset + 1;
        }
    }
}
