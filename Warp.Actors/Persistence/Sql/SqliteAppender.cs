using Microsoft.Data.Sqlite;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// Writes a group of <see cref="ActorWrite"/> in one transaction: each is checked against its fence, its sequence, its deadline and its
/// objects, and is dropped alone when refused. Used by the database's thread only.
/// </summary>
internal sealed class SqliteAppender : IDisposable
{
    private readonly SqliteConnection _connection;
    private readonly SqlStatement _epoch;
    private readonly SqlStatement _lastEvent;
    private readonly SqlStatement _lastSnapshot;
    private readonly SqlStatement _insertEvent;
    private readonly SqlStatement _upsertSnapshot;
    private readonly SqlStatement _objectState;
    private readonly SqlStatement _addReference;
    private readonly SqlStatement _addRegistered;
    private readonly SqlStatement _dropReference;
    private readonly Dictionary<string, long> _lastSequence = [];

    public SqliteAppender(SqliteConnection connection)
    {
        _connection = connection;
        _epoch = new SqlStatement(connection, "SELECT epoch FROM shard WHERE shard_id = $0 AND owner_node IS NOT NULL", 1);
        _lastEvent = new SqlStatement(connection, "SELECT max(sequence_nr) FROM journal WHERE persistence_id = $0", 1);
        _lastSnapshot = new SqlStatement(connection, "SELECT sequence_nr FROM snapshot WHERE persistence_id = $0", 1);
        _insertEvent = new SqlStatement(connection,
            "INSERT INTO journal (persistence_id, sequence_nr, epoch, kind, version, payload, written_at) VALUES ($0, $1, $2, $3, $4, $5, $6)", 7);
        _upsertSnapshot = new SqlStatement(connection,
            """
            INSERT INTO snapshot (persistence_id, sequence_nr, epoch, payload) VALUES ($0, $1, $2, $3)
            ON CONFLICT (persistence_id) DO UPDATE SET sequence_nr = excluded.sequence_nr, epoch = excluded.epoch, payload = excluded.payload
            WHERE excluded.sequence_nr > snapshot.sequence_nr
            """, 4);
        _objectState = new SqlStatement(connection, "SELECT state FROM object WHERE object_id = $0", 1);
        _addReference = new SqlStatement(connection,
            """
            INSERT INTO object (object_id, size, level, state, created_at, live_shards) VALUES ($0, $1, $2, 'live', $3, $4)
            ON CONFLICT (object_id) DO UPDATE SET live_shards = live_shards | excluded.live_shards, released_at = NULL, state = 'live',
              deadline = NULL
            """, 5);
        _addRegistered = new SqlStatement(connection,
            """
            UPDATE object SET size = $1, state = 'live', deadline = NULL, live_shards = live_shards | $2, released_at = NULL
            WHERE object_id = $0
            """, 3);
        _dropReference = new SqlStatement(connection,
            """
            UPDATE object SET live_shards = live_shards & ~$1, released_at = CASE WHEN live_shards & ~$1 = 0 THEN $2 ELSE released_at END
            WHERE object_id = $0
            """, 3);
    }

    /// <summary>Runs the transaction. A failure before the commit is a certain rollback; one of the commit itself is unknown.</summary>
    public IReadOnlyList<WriteResult> Append(IReadOnlyList<ActorWrite> writes, DateTimeOffset now)
    {
        var results = new WriteResult[writes.Count];
        try
        {
            SqliteSchema.Execute(_connection, SqliteSchema.Begin);
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
            SqliteSchema.Execute(_connection, SqliteSchema.Commit);
        }
        catch (SqliteException error)
        {
            SqliteSchema.RollBack(_connection);
            return AllFailed(results, new WriteResult(WriteOutcome.Unknown, WriteRefusal.None, error.Message));
        }
        return results;
    }

    /// <summary>Whether the shard's epoch is the fence's, and the shard was not given up.</summary>
    public bool Holds(Fence fence) => _epoch.Scalar(fence.ShardId) is long epoch && epoch == fence.Epoch;

    public void Dispose()
    {
        foreach (SqlStatement statement in (SqlStatement[])
            [_epoch, _lastEvent, _lastSnapshot, _insertEvent, _upsertSnapshot, _objectState, _addReference, _addRegistered, _dropReference])
        {
            statement.Dispose();
        }
    }

    private WriteResult[] AllFailed(WriteResult[] results, WriteResult failure)
    {
        _lastSequence.Clear();
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
        if (write.Events.Count > 0 && write.FirstSequenceNr != LastSequenceNr(write.PersistenceId) + 1)
        {
            return WriteResult.Refused(WriteRefusal.SequenceConflict,
                $"{write.PersistenceId} is at {LastSequenceNr(write.PersistenceId)}, the events start at {write.FirstSequenceNr}");
        }
        foreach (ObjectReference reference in write.References)
        {
            if (reference.Change == ReferenceChange.Drop)
                continue;
            object? state = _objectState.Scalar(reference.Id.ToByteArray());
            if (state is "deleting")
                return WriteResult.Refused(WriteRefusal.ObjectDeleting, $"object {reference.Id} is being deleted");
            if (state is null && reference.Change == ReferenceChange.AddRegistered)
                return WriteResult.Refused(WriteRefusal.ObjectDeleting, $"object {reference.Id} is not registered (any more)");
        }
        return null;
    }

    private WriteResult Write(ActorWrite write, DateTimeOffset now)
    {
        long nowMs = now.ToUnixTimeMilliseconds();
        long sequenceNr = write.FirstSequenceNr;
        foreach (EventRecord record in write.Events)
        {
            _insertEvent.Execute(write.PersistenceId, sequenceNr, write.Fence.Epoch, (int)record.Kind, (int)record.Version,
                record.Payload.ToArray(), nowMs);
            _lastSequence[write.PersistenceId] = sequenceNr++;
        }
        foreach (ObjectReference reference in write.References)
        {
            long bit = 1L << write.Fence.ShardId;
            byte[] id = reference.Id.ToByteArray();
            if (reference.Change == ReferenceChange.Add)
                _addReference.Execute(id, reference.SizeBytes, reference.Level, reference.Id.Time.ToUnixTimeMilliseconds(), bit);
            else if (reference.Change == ReferenceChange.AddRegistered)
                _addRegistered.Execute(id, reference.SizeBytes, bit);
            else
                _dropReference.Execute(id, bit, nowMs);
        }
        if (write.Snapshot is { } snapshot)
            _upsertSnapshot.Execute(write.PersistenceId, snapshot.SequenceNr, write.Fence.Epoch, snapshot.Payload.ToArray());
        return WriteResult.Written;
    }

    private long LastSequenceNr(string persistenceId)
    {
        if (_lastSequence.TryGetValue(persistenceId, out long known))
            return known;
        long last = Math.Max(_lastEvent.Scalar(persistenceId) as long? ?? 0, _lastSnapshot.Scalar(persistenceId) as long? ?? 0);
        return _lastSequence[persistenceId] = last;
    }
}
