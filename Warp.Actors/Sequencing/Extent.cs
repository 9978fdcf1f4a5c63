namespace Warp.Actors.Sequencing;

/// <summary>Where the bytes of an extent are. Frozen numbers: they are in snapshots.</summary>
public enum ExtentSource : sbyte
{
    /// <summary>In an object of the store.</summary>
    Object = 0,

    /// <summary>In the journal itself (reserved).</summary>
    Inline = 1,

    /// <summary>Nowhere: a transaction marker, made up when it is read (reserved).</summary>
    Marker = 2,
}

/// <summary>
/// A run of record batches of one partition that lie side by side in one object and follow each other in offsets.
/// </summary>
/// <param name="BaseOffset">Offset of the first record.</param>
/// <param name="LastOffset">Offset of the last record.</param>
/// <param name="Source">Where the bytes are.</param>
/// <param name="ObjectId">The object.</param>
/// <param name="Position">Where the run starts in the object, in bytes.</param>
/// <param name="Length">Its length in bytes.</param>
/// <param name="MaxTimestamp">The latest record's time, in ms since 1970.</param>
public readonly record struct Extent(
    long BaseOffset, long LastOffset, ExtentSource Source, ObjectId ObjectId, long Position, long Length, long MaxTimestamp)
{
    /// <summary>
    /// The latest record's time, in ms since 1970. Records without one are as old as their object, as Kafka takes the time of the file.
    /// </summary>
    public long TimeMs => MaxTimestamp >= 0 ? MaxTimestamp : ObjectId.Time.ToUnixTimeMilliseconds();

    /// <summary>How many offsets it spans.</summary>
    public long OffsetCount => LastOffset - BaseOffset + 1;

    /// <summary>Whether <paramref name="next"/> goes on where this one ends, in bytes and in offsets.</summary>
    public bool IsContinuedBy(in Extent next) =>
        Source == next.Source && ObjectId == next.ObjectId && Position + Length == next.Position && LastOffset + 1 == next.BaseOffset;

    /// <summary>This extent and the one that continues it as one.</summary>
    public Extent With(in Extent next) => this with
    {
        LastOffset = next.LastOffset,
        Length = Length + next.Length,
        MaxTimestamp = Math.Max(MaxTimestamp, next.MaxTimestamp),
    };

    /// <summary>About how many bytes lie at or after an offset: batches are not known here, so their sizes are taken to be alike.</summary>
    public long BytesFrom(long offset)
    {
        if (offset <= BaseOffset)
            return Length;
        return Math.Max(1, (long)(Length * ((double)(LastOffset - offset + 1) / OffsetCount)));
    }
}
