using System.Collections;
using Warp.Actors.Sequencing;

namespace Warp.Streams.Produce;

/// <summary>One object in the making: its batches, and what each shard is to commit of it.</summary>
internal sealed class Flush(ObjectId objectId, FlushTrigger trigger, PendingBatch[] batches, int shards)
{
    /// <summary>Minted at dispatch; the flush is committed under this id or never.</summary>
    public ObjectId ObjectId { get; } = objectId;

    public FlushTrigger Trigger { get; } = trigger;

    /// <summary>Those of one shard next to each other, in the order of the gathering.</summary>
    public PendingBatch[] Batches { get; } = batches;

    /// <summary>One for each shard that has batches in it.</summary>
    public List<CommitSlot> Slots { get; } = new(shards);

    /// <summary>Set when the object is durable, or when it is certain that it never will be: not a moment before.</summary>
    public FlushState State { get; set; }

    /// <summary>Bytes of the whole object, once it is encoded.</summary>
    public long SizeBytes { get; set; }
}

/// <summary>One shard's part of a flush, in the order in which the shard will be told.</summary>
/// <param name="Flush">The flush.</param>
/// <param name="Shard">The shard.</param>
/// <param name="Batches">Its batches, a part of the flush's.</param>
internal readonly record struct CommitSlot(Flush Flush, int Shard, ArraySegment<PendingBatch> Batches);

/// <summary>Batches as the sequencer wants them, made when it looks at them; it does not look at what it has answered.</summary>
internal sealed class BatchesToCommit(ArraySegment<PendingBatch> batches) : IReadOnlyList<BatchToCommit>
{
    public int Count => batches.Count;

    public BatchToCommit this[int index] => batches[index].ToCommit();

    public IEnumerator<BatchToCommit> GetEnumerator() => batches.Select(static batch => batch.ToCommit()).GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => GetEnumerator();
}

/// <summary>How far a <see cref="Flush"/> is.</summary>
internal enum FlushState
{
    /// <summary>The object is on its way to the store.</summary>
    Waiting,

    /// <summary>The object is durable; its batches may be given offsets.</summary>
    Durable,

    /// <summary>The object could not be stored, for good.</summary>
    Failed,
}
