using Warp.Protocol.Messages;

namespace Warp.Actors.Sequencing;

public sealed partial class SequencerState
{
    /// <summary>The most extents in one answer for one partition; a reader asks again for more.</summary>
    private const int MaxExtents = 256;

    /// <summary>Whether one of the reads begins past the end of its partition.</summary>
    public bool IsBeyondEnd(IReadOnlyList<ExtentRead> reads)
    {
        for (int i = 0; i < reads.Count; i++)
        {
            if (Find(reads[i].Partition) is { } log && reads[i].Offset > log.NextOffset)
                return true;
        }
        return false;
    }

    /// <summary>Answers several reads, in their order.</summary>
    public PartitionExtents[] Read(IReadOnlyList<ExtentRead> reads)
    {
        var found = new PartitionExtents[reads.Count];
        for (int i = 0; i < found.Length; i++)
            found[i] = Read(reads[i]);
        return found;
    }

    /// <summary>The extents from an offset on, until about as many bytes as asked for.</summary>
    public PartitionExtents Read(in ExtentRead read)
    {
        PartitionLog? log = Find(read.Partition);
        var ends = LogEnds.Of(log);
        if (log is null)
            return new PartitionExtents(ends, []);
        if (read.Offset < log.LogStartOffset || read.Offset > log.NextOffset)
            return new PartitionExtents(ends with { Error = ErrorCode.OffsetOutOfRange }, []);

        ExtentRange extents = log.Extents[log.FindExtent(read.Offset)..];
        extents = extents[..CountOf(extents, read)];
        if (extents.Length == 0)
            return new PartitionExtents(ends, []);
        var found = new ReadableExtent[extents.Length];
        int next = 0;
        foreach (Extent extent in extents)
            found[next++] = Readable(extent);
        return new PartitionExtents(ends, found);
    }

    /// <summary>How many of the extents are read: as many as it takes, and one at least if there is any.</summary>
    private static int CountOf(ExtentRange extents, in ExtentRead read)
    {
        int count = 0;
        long bytes = 0;
        foreach (Extent extent in extents)
        {
            if (count == MaxExtents || (bytes >= read.MaxBytes && count > 0))
                break;
            bytes += extent.BytesFrom(read.Offset);
            count++;
        }
        return count;
    }

    /// <summary>
    /// The first extent that has a record of this time or later; with −3 (KIP-734), the first of those with the latest record.
    /// </summary>
    public TimestampReply FindTimestamp(TopicPartition partition, long timestamp)
    {
        PartitionLog? log = Find(partition);
        if (log is null)
            return new TimestampReply(LogEnds.Of(log), null);
        Extent? found = null;
        foreach (Extent extent in log.Extents)
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
