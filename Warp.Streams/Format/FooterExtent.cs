namespace Warp.Streams.Format;

/// <summary>All batches of one partition in one object; they lie next to each other, in the order they arrived.</summary>
/// <param name="TopicId">The topic.</param>
/// <param name="Partition">The partition, 0 or more.</param>
/// <param name="Position">Of the first byte, from the start of the object.</param>
/// <param name="Length">In bytes, 1 or more.</param>
/// <param name="BatchCount">1 or more.</param>
/// <param name="RecordCount">Records in the batches.</param>
/// <param name="OffsetCount">
/// Offsets from the first batch's base to after the last batch's last. The same as <paramref name="RecordCount"/> in level 0.
/// </param>
/// <param name="BaseOffset">The first batch's base offset with <see cref="ObjectFlags.AbsoluteOffsets"/>, otherwise 0.</param>
/// <param name="MaxTimestamp">The largest of the batches' max timestamps, in ms since 1970.</param>
public readonly record struct FooterExtent(
    Guid TopicId,
    int Partition,
    long Position,
    long Length,
    int BatchCount,
    long RecordCount,
    long OffsetCount,
    long BaseOffset,
    long MaxTimestamp)
{
    /// <summary>The position after the last byte.</summary>
    public long End => Position + Length;

    internal int IndexStart { get; init; }

    internal int IndexCount { get; init; }

    internal int CompareTo(Guid topicId, int partition)
    {
        int byTopic = TopicId.CompareTo(topicId);
        return byTopic != 0 ? byTopic : Partition.CompareTo(partition);
    }
}
