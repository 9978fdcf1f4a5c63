using Warp.Actors.Sequencing;

namespace Warp.Streams.Produce;

/// <summary>One object in the making: its batches, and what each shard is to commit of it.</summary>
internal sealed class Flush(ObjectId objectId, FlushTrigger trigger, IReadOnlyList<PendingBatch> batches)
{
    /// <summary>Minted at dispatch; the flush is committed under this id or never.</summary>
    public ObjectId ObjectId { get; } = objectId;

    public FlushTrigger Trigger { get; } = trigger;

    public IReadOnlyList<PendingBatch> Batches { get; } = batches;

    /// <summary>One for each shard that has batches in it.</summary>
    public List<CommitSlot> Slots { get; } = [];
}

/// <summary>One shard's part of a flush, in the order in which the shard will be told.</summary>
internal sealed class CommitSlot(Flush flush)
{
    public Flush Flush { get; } = flush;

    /// <summary>The shard's batches with their places in the object, once it is encoded.</summary>
    public List<(PendingBatch Batch, int Index)> Batches { get; } = [];

    /// <summary>What is to be committed, once the object is encoded.</summary>
    public IReadOnlyList<BatchToCommit> Encoded { get; set; } = [];

    /// <summary>Bytes of the whole object.</summary>
    public long ObjectSizeBytes { get; set; }

    /// <summary>Set when the object is durable, or when it is certain that it never will be: not a moment before.</summary>
    public SlotState State { get; set; }
}

/// <summary>How far a <see cref="CommitSlot"/> is.</summary>
internal enum SlotState
{
    /// <summary>The object is on its way to the store.</summary>
    Waiting,

    /// <summary>The object is durable; its batches may be given offsets.</summary>
    Durable,

    /// <summary>The object could not be stored, for good.</summary>
    Failed,
}
