namespace Warp.Actors.Sequencing;

/// <summary>
/// What compaction asks of one shard: to let its partitions point at copies of their records instead of at the originals. Both copies are
/// valid until then, and each partition changes over in one moment or not at all.
/// </summary>
public sealed record ExtentReplacement
{
    /// <summary>Minted when the message is first sent; a repeated message has the same, and one that is too old is refused.</summary>
    public required ObjectId SwapId { get; init; }

    /// <summary>The objects that hold the copies. They were registered as pending before they were uploaded.</summary>
    public required IReadOnlyList<OutputObject> Outputs { get; init; }

    /// <summary>Each partition at most once.</summary>
    public required IReadOnlyList<PartitionReplacement> Partitions { get; init; }
}

/// <summary>An object that compaction has written.</summary>
public readonly record struct OutputObject(ObjectId Id, long SizeBytes, int Level);

/// <summary>One partition's part of a swap.</summary>
/// <param name="Partition">The partition.</param>
/// <param name="Replaced">The extents that go, exactly as the sequencer told them, by offset.</param>
/// <param name="Added">The extents that come, by offset. Together they have the very offsets of those that go.</param>
public sealed record PartitionReplacement(TopicPartition Partition, IReadOnlyList<Extent> Replaced, IReadOnlyList<Extent> Added)
{
    /// <summary>What log compaction has made of the extents; null when they are mere copies.</summary>
    public LogCleaning? Cleaning { get; init; }
}

/// <summary>How far a partition's log has been compacted by key.</summary>
/// <param name="UpToOffset">Below it each key is there once.</param>
/// <param name="DeleteHorizonMs">When the first of its tombstones may go, in ms since 1970; 0 when it has none.</param>
public readonly record struct LogCleaning(long UpToOffset, long DeleteHorizonMs);

/// <summary>The answer to a swap.</summary>
/// <param name="Refusal">None, or why nothing of the swap counts.</param>
/// <param name="Partitions">What became of each partition, in the order of the question; empty when the swap was refused.</param>
public sealed record ReplaceReply(SwapRefusal Refusal, IReadOnlyList<PartitionRefusal> Partitions);

/// <summary>Why a whole swap was refused: it is not, and never will be, in the journal.</summary>
public enum SwapRefusal
{
    None,

    /// <summary>The swap's id is older than the commit deadline.</summary>
    TooLate,

    /// <summary>The swap's id lies more than 5 s in the future: a clock is wrong.</summary>
    FromTheFuture,

    /// <summary>An output is being deleted or was, since its deadline had passed. It must be written anew.</summary>
    OutputGone,

    /// <summary>The journal could not take it.</summary>
    NotWritten,
}

/// <summary>Why one partition of a swap keeps the extents that it has. Frozen numbers: they are in the journal.</summary>
public enum PartitionRefusal : sbyte
{
    /// <summary>It does not: the swap was done.</summary>
    None = 0,

    /// <summary>There is no such partition: its topic was deleted.</summary>
    UnknownPartition = 1,

    /// <summary>An extent that was to go is not there, and not because it fell below the log start.</summary>
    ExtentsMissing = 2,

    /// <summary>The extents that come are not in the outputs, or do not have the offsets of those that go.</summary>
    Malformed = 3,
}
