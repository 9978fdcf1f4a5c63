using Warp.Actors.Sequencing;

namespace Warp.Actors.Persistence;

/// <summary>
/// The journal's rows of objects, for those who clean up and check. Every change is one statement under the row's lock that looks again at
/// all that allows it, and does nothing where the fence no longer stands; so it does not matter what the caller believed.
/// </summary>
public interface IObjectRows
{
    /// <summary>A page of the rows of one kind, in an order of their own.</summary>
    /// <param name="kind">Which rows.</param>
    /// <param name="age">
    /// For kinds that depend on a time: how long it must have passed, by the database's clock. Not looked at for the others.
    /// </param>
    /// <param name="after">The last row of the page before, or null.</param>
    /// <param name="limit">The most rows.</param>
    /// <param name="cancellationToken">Gives up.</param>
    ValueTask<IReadOnlyList<ObjectRow>> ListObjectsAsync(
        ObjectRowKind kind, TimeSpan age, ObjectRow? after, int limit, CancellationToken cancellationToken);

    /// <summary>The rows of these objects; those without one are left out.</summary>
    ValueTask<IReadOnlyList<ObjectRow>> FindObjectsAsync(IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken);

    /// <summary>
    /// Turns rows to <see cref="ObjectState.Deleting"/>: from then on no reference to the object is accepted.
    /// </summary>
    /// <param name="fence">The collector's.</param>
    /// <param name="ids">Objects that were found released or expired.</param>
    /// <param name="grace">How long ago that must have been, by the database's clock.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Those that still are, and were turned.</returns>
    ValueTask<IReadOnlyList<ObjectId>> BeginDeletingAsync(
        Fence fence, IReadOnlyList<ObjectId> ids, TimeSpan grace, CancellationToken cancellationToken);

    /// <summary>
    /// Makes rows in <see cref="ObjectState.Deleting"/> for objects that have none: a commit that comes now is refused.
    /// </summary>
    /// <returns>Those that had none. Only they may be deleted; for the others a commit was quicker.</returns>
    ValueTask<IReadOnlyList<ObjectId>> InsertDeletingAsync(
        Fence fence, IReadOnlyList<OrphanObject> orphans, CancellationToken cancellationToken);

    /// <summary>Notes that the objects of deleting rows are gone from the store; their rows stay, as tombstones.</summary>
    ValueTask ConfirmDeletedAsync(Fence fence, IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken);

    /// <summary>Removes tombstones whose object was deleted so long ago.</summary>
    ValueTask RemoveTombstonesAsync(Fence fence, IReadOnlyList<ObjectId> ids, TimeSpan age, CancellationToken cancellationToken);
}

/// <summary>Rows that have something in common.</summary>
public enum ObjectRowKind
{
    /// <summary>Every row, by id.</summary>
    All,

    /// <summary>Live, but no shard points into it since <see cref="ObjectRow.ReleasedAt"/>; the earliest first.</summary>
    Released,

    /// <summary>Pending past its <see cref="ObjectRow.Deadline"/>; the earliest first.</summary>
    Expired,

    /// <summary>Deleting, and perhaps still in the store; by id.</summary>
    Deleting,

    /// <summary>A tombstone: deleting, and gone from the store since <see cref="ObjectRow.DeletedAt"/>; the earliest first.</summary>
    Deleted,
}

/// <summary>How far an object is in its life.</summary>
public enum ObjectState
{
    /// <summary>Registered before it is uploaded; nobody points into it yet.</summary>
    Pending,

    /// <summary>It may be read.</summary>
    Live,

    /// <summary>It is being, or was, deleted, and will never be pointed into again.</summary>
    Deleting,
}

/// <summary>A row of the object table. Times are of the database's clock.</summary>
/// <param name="Id">The object.</param>
/// <param name="SizeBytes">Its size; 0 while it is pending.</param>
/// <param name="Level">Its level.</param>
/// <param name="State">How far it is.</param>
/// <param name="LiveShards">A bit for each shard that points into it.</param>
/// <param name="Deadline">Until when a pending object is left alone.</param>
/// <param name="ReleasedAt">Since when no shard points into it; null while one does.</param>
/// <param name="DeletedAt">When its object was seen to be gone.</param>
public sealed record ObjectRow(
    ObjectId Id,
    long SizeBytes,
    int Level,
    ObjectState State,
    ulong LiveShards,
    DateTimeOffset? Deadline,
    DateTimeOffset? ReleasedAt,
    DateTimeOffset? DeletedAt);

/// <summary>An object of the store that no row knows.</summary>
public readonly record struct OrphanObject(ObjectId Id, long SizeBytes, int Level);
