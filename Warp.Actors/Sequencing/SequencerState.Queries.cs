using Warp.Protocol.Messages;

namespace Warp.Actors.Sequencing;

public sealed partial class SequencerState
{
    /// <summary>The most extents in one answer for one partition; a reader asks again for more.</summary>
    private const int MaxExtents = 256;

    /// <summary>The extents from an offset on, until about as many bytes as asked for.</summary>
    public PartitionExtents Read(in ExtentRead read)
    {
        PartitionLog? log = Find(read.Partition);
        var ends = LogEnds.Of(log);
        if (log is null)
            return new PartitionExtents(ends, []);
        if (read.Offset < log.LogStartOffset || read.Offset > log.NextOffset)
            return new PartitionExtents(ends with { Error = ErrorCode.OffsetOutOfRange }, []);

        var found = new List<ReadableExtent>();
        long bytes = 0;
        ReadOnlySpan<Extent> extents = log.Extents;
        for (int i = log.FindExtent(read.Offset); i < extents.Length && found.Count < MaxExtents && (bytes < read.MaxBytes || found.Count == 0); i++)
        {
            found.Add(Readable(extents[i]));
            bytes += extents[i].BytesFrom(read.Offset);
        }
        return new PartitionExtents(ends, found);
    }

    /// <summary>
    /// The first extent that has a record of this time or later; with −3 (KIP-734), the first of those with the latest record.
    /// </summary>
    public TimestampReply FindTimestamp(TopicPartition partition, long timestamp)
    {
        PartitionLog? log = Find(partition);
        Extent? found = null;
        foreach (Extent extent in log is null ? [] : log.Extents)
        {
            if (timestamp >= 0 && extent.MaxTimestamp >= timestamp)
            {
                found = extent;
                break;
            }
            if (timestamp < 0 && (found is null || extent.MaxTimestamp > found.Value.MaxTimestamp))
                found = extent;
        }
        return new TimestampReply(LogEnds.Of(log), found is { } hit ? Readable(hit) : null);
    }

    /// <summary>An extent of this shard, with its object's size and level.</summary>
    public ReadableExtent Readable(in Extent extent)
    {
        ObjectUse use = _objects[extent.ObjectId];
        return new ReadableExtent(extent, use.SizeBytes, use.Level);
    }
}
