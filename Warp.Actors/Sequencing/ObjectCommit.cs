using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Actors.Sequencing;

/// <summary>A record batch that lies in an object and wants an offset.</summary>
public readonly record struct BatchToCommit(
    TopicPartition Partition, long Position, int Length, int OffsetCount, long MaxTimestamp, long ProducerId, short ProducerEpoch, int BaseSequence);

/// <summary>All the batches of one flush that belong to one shard.</summary>
public sealed record ObjectCommit
{
    public required ObjectId ObjectId { get; init; }

    public required long SizeBytes { get; init; }

    /// <summary>Who flushed; its commits are numbered from 1 for each shard.</summary>
    public required NodeIncarnation Node { get; init; }

    /// <summary>Higher than that of every commit before, those that were given up included.</summary>
    public required long Number { get; init; }

    /// <summary>The number of the node's last commit to this shard that has not been given up; 0 for the first.</summary>
    public required long PreviousNumber { get; init; }

    /// <summary>In the order in which they arrived at the node, within each partition.</summary>
    public required IReadOnlyList<BatchToCommit> Batches { get; init; }
}

/// <summary>What became of one batch.</summary>
/// <param name="Error">None, or the Kafka error for the producer.</param>
/// <param name="BaseOffset">The batch's first offset, −1 with an error. A duplicate gets the offset of the first time.</param>
/// <param name="LogStartOffset">The partition's first offset, −1 when it is not known.</param>
public readonly record struct BatchAnswer(ErrorCode Error, long BaseOffset, long LogStartOffset)
{
    public static BatchAnswer Failed(ErrorCode error) => new(error, -1, -1);
}

/// <summary>The answer to a commit.</summary>
/// <param name="Refusal">None, or why nothing of the commit counts; then the commit's number has not been used.</param>
/// <param name="Batches">One outcome for each batch.</param>
public sealed record CommitReply(CommitRefusal Refusal, IReadOnlyList<BatchOutcome> Batches);

/// <summary>The answer of one batch, or, while it is held for its predecessor, the task that will have it.</summary>
public readonly record struct BatchOutcome(BatchAnswer Answer, Task<BatchAnswer>? Held = null);

/// <summary>Why a whole commit was refused, for good: it is not, and never will be, in the journal.</summary>
public enum CommitRefusal
{
    None,

    /// <summary>The object's id is older than the commit deadline, or its answers are no longer remembered.</summary>
    TooLate,

    /// <summary>The object's id lies more than 5 s in the future: a clock is wrong.</summary>
    FromTheFuture,

    /// <summary>An earlier commit of the node is missing.</summary>
    OutOfTurn,

    /// <summary>The journal could not take it, or the object is being deleted.</summary>
    NotWritten,
}
