using Warp.Actors.Cluster;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Persistence;

/// <summary>
/// The database behind persistent actors: events, snapshots, object references, and who owns which shard. No SQL type crosses this
/// seam. All members are thread-safe.
/// </summary>
public interface IJournal : IObjectRows, IMembership, IAsyncDisposable
{
    /// <summary>Names the database in messages, without secrets.</summary>
    string Description { get; }

    /// <summary>The cluster's row.</summary>
    ValueTask<ClusterRecord> ReadClusterAsync(CancellationToken cancellationToken);

    /// <summary>Notes that the store now carries this cluster's identity, and raises the lineage to <paramref name="lineage"/>.</summary>
    ValueTask RaiseLineageAsync(long lineage, bool storeBound, CancellationToken cancellationToken);

    /// <summary>The database's clock, the only one that deadlines and leases are measured on.</summary>
    ValueTask<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken);

    /// <summary>
    /// Raises the epoch of each shard and takes its lease, where the lease has run out, nobody owns it, or the owner is an earlier
    /// incarnation of this node, unless it is assigned to another node. This incarnation may raise the epoch of what it owns in any case.
    /// </summary>
    /// <returns>What was taken, in the order of <paramref name="shards"/>; the others are left out. Nothing for an incarnation that is not the latest.</returns>
    ValueTask<IReadOnlyList<Fence>> TakeOverAsync(NodeIncarnation node, IReadOnlyList<int> shards, TimeSpan lease, CancellationToken cancellationToken);

    /// <summary>Gives shards up at once, so that a successor need not wait for the lease.</summary>
    ValueTask ReleaseAsync(NodeIncarnation node, IReadOnlyList<Fence> held, CancellationToken cancellationToken);

    /// <summary>
    /// Writes for many actors in one transaction. A refusal concerns one write alone; the others are committed. What the writes hold is lent:
    /// their actors may use it again once there are results.
    /// </summary>
    /// <returns>One result for each write, in order. This method does not throw for failures of the database: they are results.</returns>
    ValueTask<IReadOnlyList<WriteResult>> AppendAsync(IReadOnlyList<ActorWrite> writes, CancellationToken cancellationToken);

    /// <summary>
    /// Registers an object that is about to be uploaded and has no references yet, so that it is not taken for garbage before the deadline.
    /// The first reference makes it live and ends the deadline. Safe to repeat.
    /// </summary>
    /// <param name="id">The object.</param>
    /// <param name="level">Its level.</param>
    /// <param name="deadline">By the database's clock. Afterwards the object may be deleted at any moment.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <returns>Whether it is pending; not when the id belongs to an object that has come further.</returns>
    ValueTask<bool> RegisterPendingAsync(ObjectId id, int level, DateTimeOffset deadline, CancellationToken cancellationToken);

    /// <summary>Moves the deadline of a pending object on, also one that has passed; it never goes back.</summary>
    /// <returns>Whether the object is still pending; not when it has references, is being deleted or was.</returns>
    ValueTask<bool> RenewPendingAsync(ObjectId id, DateTimeOffset deadline, CancellationToken cancellationToken);

    /// <summary>Reads an actor's snapshot and the events after it, from the primary.</summary>
    ValueTask<RecoveredJournal> RecoverAsync(string persistenceId, CancellationToken cancellationToken);

    /// <summary>
    /// The persistence ids that begin with <paramref name="prefix"/> (not empty) and have a snapshot or events, each once, in no order.
    /// </summary>
    ValueTask<IReadOnlyList<string>> ListPersistenceIdsAsync(string prefix, CancellationToken cancellationToken);

    /// <summary>
    /// Has the events up to and including a number deleted, as far as a committed snapshot covers them; some of them perhaps later. Fenced.
    /// </summary>
    ValueTask TrimAsync(Fence fence, string persistenceId, long upToSequenceNr, CancellationToken cancellationToken);
}

/// <summary>The journal cannot be opened or used; the message says which one, what is wrong and what to do.</summary>
public class JournalException : Exception
{
    public JournalException(string message, Exception? cause = null)
        : base(message, cause)
    {
    }

    /// <summary>Whether it may pass by itself, so that waiting and trying again makes sense.</summary>
    public bool IsTransient { get; init; }
}
