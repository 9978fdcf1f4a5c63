using Warp.Actors.Sequencing;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Streams.Cache;
using Warp.Streams.Format;
using Warp.Streams.Objects;

namespace Warp.Streams.Fetch;

/// <summary>Reads record batches out of extents, through the chunk cache. Thread-safe.</summary>
public sealed class ExtentReader(ChunkCache chunks, FooterCache footers, ObjectKeys keys)
{
    /// <summary>Below this many bytes it is not worth looking into an object's footer: going from batch to batch is as quick.</summary>
    private const int SeekFromBytes = 256 << 10;

    /// <summary>What the records of one batch may take when they are looked into.</summary>
    private const int MaxDecompressedBytes = 64 << 20;

    /// <summary>Reads whole batches, the first of which holds the offset.</summary>
    /// <param name="extents">From the sequencer, in order; the first one holds the offset.</param>
    /// <param name="offset">Where to begin.</param>
    /// <param name="limits">How much.</param>
    /// <param name="builder">Receives the batches.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="CorruptObjectException">The object does not hold what the sequencer says.</exception>
    /// <exception cref="ObjectStoreException">The object cannot be read.</exception>
    public async Task ReadAsync(
        IReadOnlyList<ReadableExtent> extents,
        long offset,
        ReadLimits limits,
        RecordSetBuilder builder,
        CancellationToken cancellationToken)
    {
        ReadAhead? ahead = null;
        using var window = new ObjectWindow(chunks, keys);
        foreach (ReadableExtent extent in extents)
        {
            window.Open(extent);
            (long position, long baseOffset) = await SeekAsync(extent, offset, cancellationToken);
            ahead ??= new ReadAhead(chunks, keys, extents, position, (long)limits.MaxBytes + limits.ReadAheadBytes);
            ahead.Continue();
            long end = extent.Extent.Position + extent.Extent.Length;
            while (position < end)
            {
                RecordBatchHeader header = await window.ReadHeaderAsync(position, end, cancellationToken);
                baseOffset = BaseOffsetOf(extent, position, baseOffset, header);
                if (baseOffset + header.LastOffsetDelta >= offset)
                {
                    bool fits = builder.Length + header.SizeBytes <= limits.MaxBytes;
                    if (!fits && !(limits.AtLeastOne && builder.Length == 0))
                        return;
                    if (extent.HasAbsoluteOffsets)
                        await window.AppendBatchAsync(builder, position, header.SizeBytes, cancellationToken);
                    else
                        await window.AppendBatchAsync(builder, position, header.SizeBytes, baseOffset, cancellationToken);
                }
                position += header.SizeBytes;
                baseOffset += header.LastOffsetDelta + 1;
            }
            // Fewer offsets than were given out: to go on with the next extent would hide that records are missing. Batches with offsets
            // of their own may leave some out.
            if (baseOffset != extent.Extent.LastOffset + 1 && !extent.HasAbsoluteOffsets)
            {
                throw new CorruptObjectException(
                    $"The run of object {extent.Extent.ObjectId} that ends at {end} ends with offset {baseOffset - 1}, "
                    + $"not with {extent.Extent.LastOffset}.");
            }
        }
    }

    /// <summary>Finds the first record of an extent that has a time or a later one.</summary>
    /// <param name="extent">Where to look.</param>
    /// <param name="timestamp">In ms since 1970.</param>
    /// <param name="fromOffset">Records before it do not count.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null when no record is that late.</returns>
    public Task<TimestampedOffset?> FindTimestampAsync(
        ReadableExtent extent, long timestamp, long fromOffset, CancellationToken cancellationToken) =>
        FindAsync(extent, timestamp, latest: false, fromOffset, cancellationToken);

    /// <summary>Finds the first of the records of an extent that have its latest time.</summary>
    /// <param name="extent">Where to look.</param>
    /// <param name="atLeast">In ms since 1970: records before that time do not count.</param>
    /// <param name="fromOffset">Records before it do not count.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Null when no record counts.</returns>
    public Task<TimestampedOffset?> FindLatestAsync(
        ReadableExtent extent, long atLeast, long fromOffset, CancellationToken cancellationToken) =>
        FindAsync(extent, atLeast, latest: true, fromOffset, cancellationToken);

    private async Task<TimestampedOffset?> FindAsync(
        ReadableExtent extent, long wanted, bool latest, long fromOffset, CancellationToken cancellationToken)
    {
        TimestampedOffset? found = null;
        using var window = new ObjectWindow(chunks, keys);
        window.Open(extent);
        long position = extent.Extent.Position;
        long baseOffset = extent.Extent.BaseOffset;
        long end = position + extent.Extent.Length;
        while (position < end)
        {
            RecordBatchHeader header = await window.ReadHeaderAsync(position, end, cancellationToken);
            baseOffset = BaseOffsetOf(extent, position, baseOffset, header);
            if (header.MaxTimestamp >= wanted && baseOffset + header.LastOffsetDelta >= fromOffset)
            {
                byte[] batch = await window.CopyBatchAsync(position, header, baseOffset, cancellationToken);
                if (Find(batch, wanted, latest, fromOffset) is { } hit)
                {
                    if (!latest)
                        return hit;
                    found = hit;
                    wanted = hit.Timestamp + 1;
                }
            }
            position += header.SizeBytes;
            baseOffset += header.LastOffsetDelta + 1;
        }
        return found;
    }

    private static TimestampedOffset? Find(byte[] batch, long wanted, bool latest, long fromOffset)
    {
        using RecordBatchReader reader = RecordBatchReader.Open(batch, MaxDecompressedBytes);
        // With LogAppendTime every record has the batch's time, and clients see it so.
        if (reader.Header.TimestampType == TimestampType.LogAppendTime)
            return new TimestampedOffset(Math.Max(reader.Header.BaseOffset, fromOffset), reader.Header.MaxTimestamp);
        TimestampedOffset? found = null;
        while (reader.TryRead(out Record record))
        {
            if (record.Timestamp < wanted || record.Offset < fromOffset)
                continue;
            found = new TimestampedOffset(record.Offset, record.Timestamp);
            if (!latest)
                break;
            wanted = record.Timestamp + 1;
        }
        return found;
    }

    /// <summary>The offset of a batch in the log: its own, or the next one, and inside the extent in any case.</summary>
    private static long BaseOffsetOf(in ReadableExtent extent, long position, long next, in RecordBatchHeader header)
    {
        long baseOffset = extent.HasAbsoluteOffsets ? header.BaseOffset : next;
        if (baseOffset < next)
        {
            throw new CorruptObjectException(
                $"The batch at {position} of object {extent.Extent.ObjectId} has base offset {baseOffset}; {next} or more is due.");
        }
        if (header.LastOffsetDelta < 0 || baseOffset > extent.Extent.LastOffset - header.LastOffsetDelta)
        {
            throw new CorruptObjectException(
                $"The batch at {position} of object {extent.Extent.ObjectId} goes past offset {extent.Extent.LastOffset}.");
        }
        return baseOffset;
    }

    /// <summary>
    /// Where to begin, and an offset that the batch there has, or that comes before it where batches have offsets of their own.
    /// </summary>
    private ValueTask<(long Position, long Offset)> SeekAsync(
        in ReadableExtent readable, long offset, CancellationToken cancellationToken)
    {
        Extent extent = readable.Extent;
        return offset <= extent.BaseOffset || extent.Length < SeekFromBytes
            ? ValueTask.FromResult((extent.Position, extent.BaseOffset))
            : SeekInFooterAsync(readable, offset, cancellationToken);
    }

    private async ValueTask<(long Position, long Offset)> SeekInFooterAsync(
        ReadableExtent readable, long offset, CancellationToken cancellationToken)
    {
        Extent extent = readable.Extent;
        string key = keys.Object(readable.Level, extent.ObjectId);
        ObjectFooter footer = await footers.GetAsync(extent.ObjectId, key, readable.ObjectSizeBytes, cancellationToken);
        if (footer.Flags.HasFlag(ObjectFlags.AbsoluteOffsets) != readable.HasAbsoluteOffsets)
            throw new CorruptObjectException($"The footer of {key} says {footer.Flags}, which no object of level {readable.Level} has.");
        FooterExtent run = ExtentOf(footer, extent);
        if (readable.HasAbsoluteOffsets)
            return (footer.SeekOffset(run.TopicId, run.Partition, extent.Position, offset), extent.BaseOffset);
        FooterPosition at = footer.Seek(run.TopicId, run.Partition, extent.Position, offset - extent.BaseOffset);
        return (at.Position, extent.BaseOffset + at.RelativeOffset);
    }

    private static FooterExtent ExtentOf(ObjectFooter footer, in Extent extent)
    {
        foreach (ref readonly FooterExtent candidate in footer.Extents)
        {
            // The extent's partition is the one whose bytes hold the run.
            if (extent.Position >= candidate.Position && extent.Position < candidate.End)
                return candidate;
        }
        throw new CorruptObjectException($"Object {extent.ObjectId} has no batch at {extent.Position}.");
    }
}

/// <summary>A record's offset and time (ms since 1970).</summary>
public readonly record struct TimestampedOffset(long Offset, long Timestamp);
