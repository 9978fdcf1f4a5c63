namespace Warp.Streams.Format;

/// <summary>Finding a place inside an extent of the sequencer.</summary>
/// <remarks>
/// An extent of the sequencer is a run: batches of one partition next to each other in the bytes of one object and in offsets. The
/// footer knows no runs. Where the sequencer refused a batch in the middle of a partition, the footer's extent holds two runs and
/// the refused bytes between them, so that offsets inside a run are the footer's less the footer's offset at the run's start.
/// </remarks>
public sealed partial class ObjectFooter
{
    /// <summary>Finds a batch of a run, at or before an offset, from where the reader goes from batch to batch.</summary>
    /// <param name="topicId">The run's topic.</param>
    /// <param name="partition">The run's partition.</param>
    /// <param name="runPosition">Where the run's first batch begins in the object.</param>
    /// <param name="relativeOffset">The wanted offset less the run's base offset; 0 or more and inside the run.</param>
    /// <returns>
    /// A batch of the run whose offset, counted from the run's start, is known and not after the wanted one. At most one index span
    /// of bytes, or one batch, lies between them if the run begins at an index entry. Otherwise it is the run's start: the footer does
    /// not know that batch's offset, and nothing can be counted from it.
    /// </returns>
    /// <exception cref="CorruptObjectException">No batch of the partition lies at that position.</exception>
    public FooterPosition Seek(Guid topicId, int partition, long runPosition, long relativeOffset)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(relativeOffset);
        ReadOnlySpan<IndexEntry> index = IndexFrom(topicId, partition, runPosition, out bool runBeginsAtEntry);
        if (!runBeginsAtEntry)
            return new FooterPosition(runPosition, 0);
        long origin = index[0].RelativeOffset;
        int low = 0;
        int high = index.Length - 1;
        while (low < high)
        {
            int middle = (int)(((uint)low + (uint)high + 1) / 2);
            if (index[middle].RelativeOffset - origin <= relativeOffset)
                low = middle;
            else
                high = middle - 1;
        }
        return new FooterPosition(index[low].Position, index[low].RelativeOffset - origin);
    }

    /// <summary>Finds a batch of a run, at or before an offset, in an object whose batches carry absolute offsets.</summary>
    /// <param name="topicId">The run's topic.</param>
    /// <param name="partition">The run's partition.</param>
    /// <param name="runPosition">Where the run's first batch begins in the object.</param>
    /// <param name="offset">The wanted offset.</param>
    /// <returns>The position of a batch with a base offset at or before the wanted one, or of the run's first batch.</returns>
    /// <exception cref="CorruptObjectException">No batch of the partition lies at that position.</exception>
    public long SeekOffset(Guid topicId, int partition, long runPosition, long offset)
    {
        ReadOnlySpan<IndexEntry> index = IndexFrom(topicId, partition, runPosition, out _);
        TryFind(topicId, partition, out FooterExtent extent);
        int low = 0;
        int high = index.Length - 1;
        while (low < high)
        {
            int middle = (int)(((uint)low + (uint)high + 1) / 2);
            if (extent.BaseOffset + index[middle].RelativeOffset <= offset)
                low = middle;
            else
                high = middle - 1;
        }
        return Math.Max(runPosition, index[low].Position);
    }

    /// <summary>Finds where to look for the first batch of a run whose max timestamp reaches a time.</summary>
    /// <param name="topicId">The run's topic.</param>
    /// <param name="partition">The run's partition.</param>
    /// <param name="runPosition">Where the run's first batch begins in the object.</param>
    /// <param name="runLength">Bytes of the run.</param>
    /// <param name="timestamp">In ms since 1970.</param>
    /// <returns>A batch of the run, not after the one that is looked for; null if no batch of the run reaches that time.</returns>
    /// <exception cref="CorruptObjectException">No batch of the partition lies at that position.</exception>
    public FooterPosition? SeekTimestamp(Guid topicId, int partition, long runPosition, long runLength, long timestamp)
    {
        ReadOnlySpan<IndexEntry> index = IndexFrom(topicId, partition, runPosition, out bool runBeginsAtEntry);
        foreach (IndexEntry span in index)
        {
            if (span.Position - runPosition >= runLength)
                break;
            if (span.MaxTimestamp < timestamp)
                continue;
            return runBeginsAtEntry
                ? new FooterPosition(span.Position, span.RelativeOffset - index[0].RelativeOffset)
                : new FooterPosition(runPosition, 0);
        }
        return null;
    }

    /// <summary>The index from the span in which the run begins.</summary>
    private ReadOnlySpan<IndexEntry> IndexFrom(Guid topicId, int partition, long runPosition, out bool runBeginsAtEntry)
    {
        if (!TryFind(topicId, partition, out FooterExtent extent))
            throw new CorruptObjectException($"Object {ObjectId} has no batch of topic {topicId}, partition {partition}.");
        if (runPosition < extent.Position || runPosition >= extent.End)
            throw new CorruptObjectException(
                $"Topic {topicId}, partition {partition} lies at {extent.Position} to {extent.End} in object {ObjectId}, "
                + $"not at {runPosition}.");
        ReadOnlySpan<IndexEntry> index = IndexOf(extent);
        int low = 0;
        int high = index.Length - 1;
        while (low < high)
        {
            int middle = (int)(((uint)low + (uint)high + 1) / 2);
            if (index[middle].Position <= runPosition)
                low = middle;
            else
                high = middle - 1;
        }
        runBeginsAtEntry = index[low].Position == runPosition;
        return index[low..];
    }
}
