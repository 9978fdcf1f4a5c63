using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;

namespace Warp.Actors.Sequencing;

public abstract partial record SequencerMessage
{
    /// <summary>Takes the extents that compaction made in the place of those that it read. Safe to repeat.</summary>
    public sealed record ReplaceExtents(ExtentReplacement Swap, Reply<ReplaceReply> Reply) : Command, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>How are the objects of some levels used by this shard?</summary>
    /// <param name="MinLevel">The lowest level that is asked about.</param>
    /// <param name="MaxLevel">The highest.</param>
    /// <param name="Limit">At most so many objects, those with the lowest ids.</param>
    /// <param name="Reply">Answered from what is journaled.</param>
    public sealed record DescribeObjects(int MinLevel, int MaxLevel, int Limit, Reply<ObjectsReply> Reply) : Question, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Which partition is to be compacted by key next?</summary>
    /// <param name="Policies">Of the topics that are compacted, by id.</param>
    /// <param name="Except">Partitions that are not to be tried now.</param>
    /// <param name="Reply">Answered from what is journaled; null when there is nothing to do.</param>
    public sealed record FindCleanable(
        IReadOnlyDictionary<Guid, CleaningPolicy> Policies, IReadOnlySet<TopicPartition> Except, Reply<CleanablePartition?> Reply)
        : Question, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Which extents does this shard have in these objects?</summary>
    public sealed record FindExtents(IReadOnlySet<ObjectId> Objects, Reply<FindExtentsReply> Reply) : Question, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }
}

/// <summary>How one shard uses an object.</summary>
/// <param name="Id">The object.</param>
/// <param name="Level">Its level.</param>
/// <param name="SizeBytes">Bytes of the whole object.</param>
/// <param name="Extents">How many extents the shard has in it; 1 or more.</param>
/// <param name="LiveBytes">Bytes of those extents.</param>
public readonly record struct ShardObject(ObjectId Id, int Level, long SizeBytes, int Extents, long LiveBytes);

/// <summary>The answer to <see cref="SequencerMessage.DescribeObjects"/>, by object id.</summary>
/// <param name="Epoch">Under which it was given.</param>
/// <param name="Objects">Those with the lowest ids.</param>
/// <param name="IsWhole">Whether there are no others.</param>
public sealed record ObjectsReply(long Epoch, IReadOnlyList<ShardObject> Objects, bool IsWhole);

/// <summary>
/// The answer to <see cref="SequencerMessage.FindExtents"/>: the extents of one partition follow each other by offset, partitions come in
/// no order.
/// </summary>
public sealed record FindExtentsReply(long Epoch, IReadOnlyList<PartitionExtent> Extents);

/// <summary>An extent, with the partition that it belongs to.</summary>
public readonly record struct PartitionExtent(TopicPartition Partition, Extent Extent);
