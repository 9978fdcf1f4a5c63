using Warp.Actors.Sequencing;

namespace Warp.Actors.Persistence;

/// <summary>Proof of ownership that goes with every write: the shard and the epoch under which its owner acts.</summary>
public readonly record struct Fence(int ShardId, long Epoch);

/// <summary>One life of one node process. Of a node id, only the latest incarnation may own anything.</summary>
public readonly record struct NodeIncarnation(int NodeId, long Incarnation)
{
    public override string ToString() => $"{NodeId}/{Incarnation}";
}

/// <summary>An event as the journal keeps it: what it is, in which version of its layout, and its bytes.</summary>
public readonly record struct EventRecord(ushort Kind, ushort Version, ReadOnlyMemory<byte> Payload);

/// <summary>An actor's folded state after the event <see cref="SequenceNr"/>.</summary>
public sealed record SnapshotRecord(long SequenceNr, ReadOnlyMemory<byte> Payload);

/// <summary>What an append does to the shard's bit of an object's row.</summary>
public enum ReferenceChange
{
    /// <summary>The shard now has an extent in the object. Refused when the object is being deleted.</summary>
    Add,

    /// <summary>
    /// The shard now has an extent in an object that was registered before it was uploaded (<see cref="IJournal.RegisterPendingAsync"/>).
    /// Refused when its row is gone or the object is being deleted: unlike a commit, a swap has no age at which it comes too late for that.
    /// </summary>
    AddRegistered,

    /// <summary>The shard dropped its last extent in the object.</summary>
    Drop,
}

/// <summary>A change of the set of shards that point into an object (the architecture's rule 8).</summary>
public readonly record struct ObjectReference(ObjectId Id, long SizeBytes, int Level, ReferenceChange Change);

/// <summary>All that one actor wants written at once: either all of it is, or none.</summary>
public readonly record struct ActorWrite
{
    public ActorWrite()
    {
    }

    public required Fence Fence { get; init; }

    public required string PersistenceId { get; init; }

    /// <summary>The number of the first event; they follow without gaps on the last one in the journal.</summary>
    public required long FirstSequenceNr { get; init; }

    public IReadOnlyList<EventRecord> Events { get; init; } = [];

    /// <summary>Bytes of the events.</summary>
    public int PayloadBytes
    {
        get
        {
            int bytes = 0;
            for (int i = 0; i < Events.Count; i++)
                bytes += Events[i].Payload.Length;
            return bytes;
        }
    }

    public IReadOnlyList<ObjectReference> References { get; init; } = [];

    /// <summary>Replaces the actor's snapshot if its number is higher.</summary>
    public SnapshotRecord? Snapshot { get; init; }

    /// <summary>The write is refused when the database's clock has passed this moment (a commit's deadline).</summary>
    public DateTimeOffset? NotAfter { get; init; }
}

/// <summary>What became of an <see cref="ActorWrite"/>.</summary>
public enum WriteOutcome
{
    /// <summary>It is durable.</summary>
    Written,

    /// <summary>It is not in the journal and never will be; <see cref="WriteResult.Refusal"/> says why.</summary>
    Refused,

    /// <summary>Nobody can say (the connection broke during the commit). The actor must recover before it answers anything.</summary>
    Unknown,
}

/// <summary>Why a write was refused.</summary>
public enum WriteRefusal
{
    None,

    /// <summary>The shard has a newer epoch: another owner, or this one after it raised the epoch itself.</summary>
    Fenced,

    /// <summary>The shard's lease has run out. Its epoch still stands: after a renewal the same write is accepted.</summary>
    LeaseExpired,

    /// <summary>The events do not follow on the last one in the journal.</summary>
    SequenceConflict,

    /// <summary>An object that the write refers to is being deleted, or was.</summary>
    ObjectDeleting,

    /// <summary><see cref="ActorWrite.NotAfter"/> has passed.</summary>
    TooLate,

    /// <summary>The database rolled the transaction back for sure (a full disk, for one); trying again may help.</summary>
    RolledBack,
}

/// <summary>The answer to one <see cref="ActorWrite"/>.</summary>
public readonly record struct WriteResult(WriteOutcome Outcome, WriteRefusal Refusal = WriteRefusal.None, string? Detail = null)
{
    public static readonly WriteResult Written = new(WriteOutcome.Written);

    public static WriteResult Refused(WriteRefusal why, string? detail = null) => new(WriteOutcome.Refused, why, detail);
}

/// <summary>What an actor finds when it recovers: its latest snapshot, if any, and the events after it, in order.</summary>
public sealed record RecoveredJournal(SnapshotRecord? Snapshot, IReadOnlyList<EventRecord> Events)
{
    /// <summary>The number of the last event, 0 for an actor without history.</summary>
    public long LastSequenceNr => (Snapshot?.SequenceNr ?? 0) + Events.Count;
}

/// <summary>What the journal says of the cluster that it belongs to.</summary>
/// <param name="ClusterId">22 characters, minted with the journal.</param>
/// <param name="Lineage">Raised in step with the store's; a journal behind its store is an old copy (the architecture's rule 9).</param>
/// <param name="StoreBound">Whether the store's identity object has been written.</param>
/// <param name="ShardCount">Fixed at creation.</param>
/// <param name="EntityHash">The name of the rule from entity to shard, fixed at creation.</param>
/// <param name="FeatureLevel">Gates new event kinds, RPCs and object versions.</param>
public sealed record ClusterRecord(string ClusterId, long Lineage, bool StoreBound, int ShardCount, string EntityHash, int FeatureLevel);
