using Microsoft.Data.Sqlite;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// Writes a group of <see cref="ActorWrite"/> in one transaction: each is checked against its fence, its sequence, its deadline and its
/// objects, and is dropped alone when refused. Used by the database's thread only.
/// </summary>
internal sealed class SqliteAppender : IDisposable
{
    /// <summary>From so many dead bytes on, twice as many are deleted as are written, until they have become fewer.</summary>
    private const long MuchDeadBytes = 1 << 20;

    private readonly SqliteConnection _connection;
    private readonly PreparedStatement _begin;
    private readonly PreparedStatement _commit;
    private readonly PreparedStatement _epoch;
    private readonly PreparedStatement _insertActor;
    private readonly PreparedStatement _insertEvent;
    private readonly PreparedStatement _upsertSnapshot;
    private readonly PreparedStatement _isDeleting;
    private readonly PreparedStatement _addReference;
    private readonly PreparedStatement _addRegistered;
    private readonly PreparedStatement _dropReference;
    private readonly PreparedStatement _deleteRun;
    private readonly PreparedStatement _moveEvent;
    private SqliteEvents? _events;
    private long _toDelete;

    public SqliteAppender(SqliteConnection connection)
    {
        _connection = connection;
        _begin = new PreparedStatement(connection, SqliteSchema.Begin);
        _commit = new PreparedStatement(connection, SqliteSchema.Commit);
        _epoch = new PreparedStatement(connection, "SELECT epoch FROM shard WHERE shard_id = ?1 AND owner_node IS NOT NULL");
        _insertActor = new PreparedStatement(connection, "INSERT INTO actor (persistence_id) VALUES (?1) RETURNING actor_id");
        _insertEvent = new PreparedStatement(connection,
            """
            INSERT INTO journal (ordinal, actor_id, sequence_nr, epoch, kind, version, payload, written_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
            """);
        _deleteRun = new PreparedStatement(connection, "DELETE FROM journal WHERE ordinal BETWEEN ?1 AND ?2");
        _upsertSnapshot = new PreparedStatement(connection,
            """
            INSERT INTO snapshot (persistence_id, sequence_nr, epoch, payload) VALUES (?1, ?2, ?3, ?4)
            ON CONFLICT (persistence_id) DO UPDATE SET sequence_nr = excluded.sequence_nr, epoch = excluded.epoch, payload = excluded.payload
            WHERE excluded.sequence_nr > snapshot.sequence_nr
            """);
        _moveEvent = new PreparedStatement(connection,
            """
            INSERT INTO journal (ordinal, actor_id, sequence_nr, epoch, kind, version, payload, written_at)
            SELECT ?1, actor_id, sequence_nr, epoch, kind, version, payload, ?3 FROM journal WHERE ordinal = ?2
            """);
        _isDeleting = new PreparedStatement(connection, "SELECT state = 'deleting' FROM object WHERE object_id = ?1");
        _addReference = new PreparedStatement(connection,
            """
            INSERT INTO object (object_id, size, level, state, created_at, live_shards) VALUES (?1, ?2, ?3, 'live', ?4, ?5)
            ON CONFLICT (object_id) DO UPDATE SET live_shards = live_shards | excluded.live_shards, released_at = NULL, state = 'live',
              deadline = NULL
            """);
        _addRegistered = new PreparedStatement(connection,
            """
            UPDATE object SET size = ?2, state = 'live', deadline = NULL, live_shards = live_shards | ?3, released_at = NULL
            WHERE object_id = ?1
            """);
        _dropReference = new PreparedStatement(connection,
            """
            UPDATE object SET live_shards = live_shards & ~?2, released_at = CASE WHEN live_shards & ~?2 = 0 THEN ?3 ELSE released_at END
            WHERE object_id = ?1
            """);
    }

    /// <summary>Which events there are; read again after a failure, which may have left something out.</summary>
    public SqliteEvents Events => _events ??= SqliteEvents.Load(_connection);

    /// <summary>Runs the transaction. A failure before the commit is a certain rollback; one of the commit itself is unknown.</summary>
    public IReadOnlyList<WriteResult> Append(IReadOnlyList<ActorWrite> writes, DateTimeOffset now)
    {
        var results = new WriteResult[writes.Count];
        try
        {
            _begin.Execute();
            DeleteDead(writes, now);
            for (int i = 0; i < writes.Count; i++)
                results[i] = Check(writes[i], now) is { } refusal ? refusal : Write(writes[i], now);
        }
        catch (Exception error)
        {
            SqliteSchema.RollBack(_connection);
            return AllFailed(results, WriteResult.Refused(WriteRefusal.RolledBack, error.Message));
        }
        try
        {
            _commit.Execute();
        }
        catch (SqliteException error)
        {
            SqliteSchema.RollBack(_connection);
            return AllFailed(results, new WriteResult(WriteOutcome.Unknown, WriteRefusal.None, error.Message));
        }
        return results;
    }

    /// <summary>Whether the shard's epoch is the fence's, and the shard was not given up.</summary>
    public bool Holds(Fence fence) => _epoch.Find(fence.ShardId) == fence.Epoch;

    public void Dispose()
    {
        foreach (PreparedStatement statement in (PreparedStatement[])
        [
            _begin, _commit, _epoch, _insertActor, _insertEvent, _moveEvent, _deleteRun, _upsertSnapshot, _isDeleting, _addReference,
            _addRegistered, _dropReference,
        ])
        {
            statement.Dispose();
        }
    }

    /// <summary>
    /// Deletes as many bytes of dead events as are about to be written: the pages that this empties take the new events, so that they are
    /// written once. Deleted on their own, they would be written twice, in a commit and out of the write-ahead log, to say that they are empty.
    /// </summary>
    private void DeleteDead(IReadOnlyList<ActorWrite> writes, DateTimeOffset now)
    {
        int times = Events.DeadBytes > MuchDeadBytes ? 2 : 1;
        for (int i = 0; i < writes.Count; i++)
            _toDelete += times * writes[i].PayloadBytes;
        while (_toDelete > 0)
        {
            if (!Events.TryTakeDead(out SqliteEvents.Run? run))
            {
                if (!Events.TryTakeSparse(out run))
                    break;
                _toDelete += MoveAlive(run, now);
            }
            _deleteRun.Execute(run.FirstOrdinal, run.LastOrdinal);
            _toDelete -= run.Bytes;
        }
        _toDelete = Math.Min(_toDelete, 0);
    }

    /// <summary>Appends what is alive in a run anew.</summary>
    /// <returns>Payload bytes.</returns>
    private long MoveAlive(SqliteEvents.Run run, DateTimeOffset now)
    {
        long bytes = run.LiveBytes;
        foreach (LiveEvent moved in run.Alive)
        {
            // The last row tells the clock of the journal's last use.
            if (_moveEvent.Execute(Events.NextOrdinal, moved.Ordinal, now.ToUnixTimeMilliseconds()) != 1)
                throw new InvalidOperationException($"row {moved.Ordinal} is gone");
            Events.Move(moved);
        }
        return bytes;
    }

    private WriteResult[] AllFailed(WriteResult[] results, WriteResult failure)
    {
        _events = null;
        Array.Fill(results, failure);
        return results;
    }

    /// <summary>The refusal of a write, or null when nothing speaks against it. Nothing has been changed by then.</summary>
    private WriteResult? Check(ActorWrite write, DateTimeOffset now)
    {
        if (!Holds(write.Fence))
            return WriteResult.Refused(WriteRefusal.Fenced, $"shard {write.Fence.ShardId} has a newer epoch than {write.Fence.Epoch}, or was given up");
        if (write.NotAfter is { } deadline && now > deadline)
            return WriteResult.Refused(WriteRefusal.TooLate, $"the commit's deadline passed {(now - deadline).TotalMilliseconds:F0} ms ago");
        if (write.Events.Count > 0 && write.FirstSequenceNr != Events.LastSequenceNr(write.PersistenceId) + 1)
        {
            return WriteResult.Refused(WriteRefusal.SequenceConflict,
                $"{write.PersistenceId} is at {Events.LastSequenceNr(write.PersistenceId)}, the events start at {write.FirstSequenceNr}");
        }
        for (int i = 0; i < write.References.Count; i++)
        {
            ObjectReference reference = write.References[i];
            if (reference.Change == ReferenceChange.Drop)
                continue;
            long? isDeleting = _isDeleting.Find(reference.Id);
            if (isDeleting == 1)
                return WriteResult.Refused(WriteRefusal.ObjectDeleting, $"object {reference.Id} is being deleted");
            if (isDeleting is null && reference.Change == ReferenceChange.AddRegistered)
                return WriteResult.Refused(WriteRefusal.ObjectDeleting, $"object {reference.Id} is not registered (any more)");
        }
        return null;
    }

    private WriteResult Write(ActorWrite write, DateTimeOffset now)
    {
        long nowMs = now.ToUnixTimeMilliseconds();
        long actorId = write.Events.Count > 0 || write.Snapshot is not null ? ActorIdOf(write.PersistenceId) : 0;
        long sequenceNr = write.FirstSequenceNr;
        for (int i = 0; i < write.Events.Count; i++)
        {
            EventRecord record = write.Events[i];
            _insertEvent.Execute(
                Events.NextOrdinal, actorId, sequenceNr, write.Fence.Epoch, record.Kind, record.Version, record.Payload, nowMs);
            Events.Add(write.PersistenceId, sequenceNr++, record.Payload.Length);
        }
        for (int i = 0; i < write.References.Count; i++)
        {
            ObjectReference reference = write.References[i];
            ObjectId id = reference.Id;
            long bit = 1L << write.Fence.ShardId;
            if (reference.Change == ReferenceChange.Add)
                _addReference.Execute(id, reference.SizeBytes, reference.Level, reference.Id.Time.ToUnixTimeMilliseconds(), bit);
            else if (reference.Change == ReferenceChange.AddRegistered)
                _addRegistered.Execute(id, reference.SizeBytes, bit);
            else
                _dropReference.Execute(id, bit, nowMs);
        }
        if (write.Snapshot is { } snapshot)
            _upsertSnapshot.Execute(write.PersistenceId, snapshot.SequenceNr, write.Fence.Epoch, snapshot.Payload);
        return WriteResult.Written;
    }

    private long ActorIdOf(string persistenceId)
    {
        if (Events.ActorIdOf(persistenceId) is { } known)
            return known;
        long actorId = _insertActor.Find(persistenceId)!.Value;
        Events.AddActor(persistenceId, actorId);
        return actorId;
    }
}
