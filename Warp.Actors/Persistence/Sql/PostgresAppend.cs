using Npgsql;
using static Warp.Actors.Persistence.Sql.PostgresParameter;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// Writes a group of <see cref="ActorWrite"/> by one statement, which is a transaction of its own: no lock is ever held while the database
/// waits for its client. Each write is checked against its fence, its sequence, its deadline and its objects, and is dropped alone when
/// refused.
/// </summary>
/// <remarks>
/// Why one statement can check and write, though all of it sees the rows as they were when it began (READ COMMITTED takes one snapshot a
/// statement):
/// <list type="bullet">
/// <item>The shards' rows are locked first, by their ids, and of a locked row the newest version is what counts, whatever the snapshot
/// says. A takeover updates the same row, so it comes wholly before or wholly after: before, and the epoch is not the fence's any more;
/// after, and it waits until all of this is committed, and whoever recovers then finds it.</item>
/// <item>An actor's last number and its snapshot are read as of the beginning. They can have changed since only by a writer under the same
/// fence; a node has one append under way at a time, and raises the epoch before it goes on after one whose outcome it does not know. If
/// two wrote nevertheless, the unique index of the journal stops the second, and the statement is run again on what it finds then.</item>
/// <item>An object that is being deleted is refused by the snapshot: that state is final. One that was turned to it since shows when its
/// row is updated, because an upsert meets the newest version; but then the events of the same statement are written already. So the
/// statement fails as a whole (it divides by zero, for want of a portable way to say so), and is run again on what it finds then. All
/// changes of an object by the whole group are folded into one, as a statement must not touch a row twice.</item>
/// </list>
/// Whatever fails a statement undoes all of it. Locks are taken in the order shard id, object id.
/// </remarks>
internal static class PostgresAppend
{
    private const int Add = 0;
    private const int AddRegistered = 1;
    private const int Drop = 2;

    /// <summary>
    /// Answers one row for each write that is refused, and one without a number if there is none. The numbers of writes begin with 1.
    /// Rows of arrays are looked up by position instead of joined, so that no plan can make a large group slow.
    /// </summary>
    private const string Statement = """
        WITH held AS MATERIALIZED (
          SELECT shard_id, epoch, owner_node, lease_until FROM shard WHERE shard_id = ANY ($1) ORDER BY shard_id FOR UPDATE
        ), moment AS MATERIALIZED (
          -- Once all locks of shards have been waited for.
          SELECT CASE WHEN (SELECT count(*) FROM held) >= 0 THEN clock_timestamp() END AS at
        ), ref AS MATERIALIZED (
          SELECT r.write_nr, r.object_id, r.size, r.level, r.created_at, r.change, r.bit, r.nr,
            (SELECT o.state FROM object o WHERE o.object_id = r.object_id) AS state
          FROM unnest($7::INT[], $8::BYTEA[], $9::BIGINT[], $10::INT[], $11::TIMESTAMPTZ[], $12::INT[], $13::BIGINT[]) WITH ORDINALITY
            AS r (write_nr, object_id, size, level, created_at, change, bit, nr)
        ), gone AS MATERIALIZED (
          SELECT write_nr, min(nr) AS ref_nr FROM ref
          WHERE (change <> 2 AND state = 'deleting') OR (change = 1 AND state IS NULL) GROUP BY write_nr
        ), looked AS MATERIALIZED (
          SELECT w.nr, w.persistence_id, w.first_nr, w.epoch, w.not_after, h.epoch AS found_epoch, h.owner_node, h.lease_until, gone.ref_nr,
            CASE WHEN w.first_nr IS NOT NULL THEN greatest(0,
              (SELECT max(j.sequence_nr) FROM journal j WHERE j.persistence_id = w.persistence_id),
              (SELECT s.sequence_nr FROM snapshot s WHERE s.persistence_id = w.persistence_id)) END AS last_nr
          FROM unnest($2::INT[], $3::BIGINT[], $4::TEXT[], $5::BIGINT[], $6::TIMESTAMPTZ[]) WITH ORDINALITY
              AS w (shard_id, epoch, persistence_id, first_nr, not_after, nr)
            LEFT JOIN held h ON h.shard_id = w.shard_id LEFT JOIN gone ON gone.write_nr = w.nr
        ), checked AS MATERIALIZED (
          SELECT l.nr, l.persistence_id, l.first_nr, l.found_epoch, l.last_nr, l.ref_nr,
            CASE
              WHEN l.owner_node IS NULL OR l.found_epoch <> l.epoch THEN 1
              WHEN l.lease_until <= moment.at THEN 2
              WHEN l.not_after < moment.at THEN 3
              WHEN l.first_nr <> l.last_nr + 1 THEN 4
              WHEN l.ref_nr IS NOT NULL THEN 5
              ELSE 0
            END AS refusal
          FROM looked l CROSS JOIN moment
        ), decided AS MATERIALIZED (
          -- The events of an actor after ones that were refused do not follow on the last one either.
          SELECT c.nr, c.found_epoch, c.last_nr, c.ref_nr, CASE
              WHEN c.refusal = 0 AND c.first_nr IS NOT NULL AND coalesce(bool_or(c.refusal <> 0 AND c.first_nr IS NOT NULL) OVER (
                PARTITION BY c.persistence_id ORDER BY c.nr ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), FALSE) THEN 4
              ELSE c.refusal
            END AS refusal
          FROM checked c
        ), verdict AS MATERIALIZED (
          SELECT array_agg(refusal = 0 ORDER BY nr) AS accepted FROM decided
        ), events AS (
          INSERT INTO journal (persistence_id, sequence_nr, epoch, kind, version, payload, written_at)
          SELECT e.persistence_id, e.sequence_nr, e.epoch, e.kind, e.version, e.payload, (SELECT at FROM moment)
          FROM unnest($14::INT[], $15::TEXT[], $16::BIGINT[], $17::BIGINT[], $18::INT[], $19::INT[], $20::BYTEA[])
            AS e (write_nr, persistence_id, sequence_nr, epoch, kind, version, payload)
          WHERE (SELECT accepted FROM verdict)[e.write_nr]
        ), snapshots AS (
          INSERT INTO snapshot (persistence_id, sequence_nr, epoch, payload)
          SELECT s.persistence_id, s.sequence_nr, s.epoch, s.payload
          FROM unnest($21::INT[], $22::TEXT[], $23::BIGINT[], $24::BIGINT[], $25::BYTEA[])
            AS s (write_nr, persistence_id, sequence_nr, epoch, payload)
          WHERE (SELECT accepted FROM verdict)[s.write_nr]
          ORDER BY s.persistence_id
          ON CONFLICT (persistence_id) DO UPDATE
          SET sequence_nr = excluded.sequence_nr, epoch = excluded.epoch, payload = excluded.payload
          WHERE excluded.sequence_nr > snapshot.sequence_nr
        ), changed AS MATERIALIZED (
          -- Of several changes of a shard's bit the last one counts.
          SELECT r.object_id, r.size, r.level, r.created_at, r.change, r.bit, r.state,
            row_number() OVER (PARTITION BY r.object_id, r.bit ORDER BY r.nr DESC) = 1 AS is_last
          FROM ref r WHERE (SELECT accepted FROM verdict)[r.write_nr]
        ), folded AS MATERIALIZED (
          SELECT object_id, max(size) AS size, max(level) AS level, max(created_at) AS created_at, min(change) AS change,
            coalesce(bit_or(CASE WHEN is_last AND change <> 2 THEN bit END), 0) AS added,
            coalesce(bit_or(CASE WHEN is_last AND change = 2 THEN bit END), 0) AS dropped
          FROM changed GROUP BY object_id HAVING min(change) < 2 OR min(state) IS NOT NULL
        ), drops AS MATERIALIZED (
          SELECT jsonb_object_agg(encode(object_id, 'hex'), dropped) AS bits FROM folded WHERE dropped <> 0
        ), objects AS (
          -- The states 'registered' and 'dropped' are for objects that must have a row. They never stay: see race.
          INSERT INTO object (object_id, size, level, state, created_at, live_shards, released_at)
          SELECT f.object_id, f.size, f.level, CASE f.change WHEN 0 THEN 'live' WHEN 1 THEN 'registered' ELSE 'dropped' END, f.created_at,
            f.added, CASE WHEN f.added = 0 THEN (SELECT at FROM moment) END
          FROM folded f ORDER BY f.object_id
          ON CONFLICT (object_id) DO UPDATE SET
            size = CASE WHEN excluded.state = 'dropped' THEN object.size ELSE excluded.size END,
            state = CASE WHEN object.state = 'deleting' OR excluded.state = 'dropped' THEN object.state ELSE 'live' END,
            deadline = CASE WHEN excluded.state = 'dropped' THEN object.deadline END,
            live_shards = (object.live_shards | excluded.live_shards)
              & ~coalesce(((SELECT bits FROM drops) ->> encode(excluded.object_id, 'hex'))::BIGINT, 0),
            released_at = CASE WHEN (object.live_shards | excluded.live_shards)
              & ~coalesce(((SELECT bits FROM drops) ->> encode(excluded.object_id, 'hex'))::BIGINT, 0) = 0 THEN (SELECT at FROM moment) END
          RETURNING object_id, state
        ), race AS MATERIALIZED (
          SELECT 1 / CASE WHEN count(*) = 0 THEN 1 ELSE 0 END AS lost
          FROM objects o JOIN folded f ON f.object_id = o.object_id
          WHERE o.state IN ('registered', 'dropped') OR (o.state = 'deleting' AND f.change < 2)
        )
        SELECT race.lost, d.nr, d.refusal, d.found_epoch, d.last_nr, d.ref_nr FROM race LEFT JOIN decided d ON d.refusal <> 0
        """;

    /// <summary>What the database says of a write that it refused.</summary>
    public readonly record struct Refusal(int Index, int Code, long? FoundEpoch, long? LastSequenceNr, long? ReferenceNr);

    /// <summary>
    /// Whether a statement that failed so may succeed on what it finds when it is run again: two that wrote the same, an object that was
    /// turned to deleting meanwhile, a deadlock.
    /// </summary>
    public static bool MayRepeat(Exception error) =>
        PostgresErrors.IsCollision(error)
        || (PostgresErrors.IsRolledBack(error)
            && ((PostgresException)error).SqlState is PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DivisionByZero);

    /// <summary>
    /// Which writes may go in one statement, as their numbers one after the other: up to one that does not follow on the events of the
    /// same actor before it, which is checked alone, or that has a second snapshot of an actor. Actors write one thing at a time, so that
    /// is all of them.
    /// </summary>
    public static IEnumerable<int> CountTogether(IReadOnlyList<ActorWrite> writes)
    {
        var next = new Dictionary<string, long>();
        var alone = new HashSet<string>();
        var snapshots = new HashSet<string>();
        int count = 0;
        foreach (ActorWrite write in writes)
        {
            string id = write.PersistenceId;
            bool follows = write.Events.Count == 0
                || (!alone.Contains(id) && (!next.TryGetValue(id, out long expected) || expected == write.FirstSequenceNr));
            if (!follows || (write.Snapshot is not null && snapshots.Contains(id)))
            {
                yield return count;
                count = 0;
                alone.Clear();
                snapshots.Clear();
                if (next.TryGetValue(id, out long known) && known != write.FirstSequenceNr)
                    alone.Add(id);
            }
            if (write.Snapshot is not null)
                snapshots.Add(id);
            if (write.Events.Count > 0 && !alone.Contains(id))
                next[id] = write.FirstSequenceNr + write.Events.Count;
            count++;
        }
        if (count > 0)
            yield return count;
    }

    /// <summary>The statement for writes that may go together.</summary>
    public static NpgsqlCommand Command(NpgsqlConnection connection, IReadOnlyList<ActorWrite> writes, int first, int count)
    {
        ActorWrite[] group = [.. writes.Skip(first).Take(count)];
        // The check of an actor's events is that of the first ones in the group.
        var firstNumbers = new Dictionary<string, long>();
        foreach (ActorWrite write in group)
        {
            if (write.Events.Count > 0)
                firstNumbers.TryAdd(write.PersistenceId, write.FirstSequenceNr);
        }
        (ActorWrite Write, int Nr)[] numbered = [.. group.Select(static (write, i) => (write, i + 1))];
        (ActorWrite Write, int Nr, int Index)[] events =
            [.. numbered.SelectMany(static w => Enumerable.Range(0, w.Write.Events.Count).Select(i => (w.Write, w.Nr, i)))];
        (ActorWrite Write, int Nr)[] snapshots = [.. numbered.Where(static w => w.Write.Snapshot is not null)];
        (ActorWrite Write, int Nr, ObjectReference Reference)[] references =
            [.. numbered.SelectMany(static w => w.Write.References.Select(reference => (w.Write, w.Nr, reference)))];

        var command = new NpgsqlCommand(Statement, connection);
        command.Parameters.AddRange(new[]
        {
            Of(group.Select(static w => w.Fence.ShardId).Distinct().ToArray()),
            Of(group.Select(static w => w.Fence.ShardId).ToArray()),
            Of(group.Select(static w => w.Fence.Epoch).ToArray()),
            Of(group.Select(static w => w.PersistenceId).ToArray()),
            Of(group.Select(w => w.Events.Count > 0 ? firstNumbers[w.PersistenceId] : (long?)null).ToArray()),
            Times(group.Select(static w => w.NotAfter)),
            Of(references.Select(static r => r.Nr).ToArray()),
            Ids(references.Select(static r => r.Reference.Id)),
            Of(references.Select(static r => r.Reference.SizeBytes).ToArray()),
            Of(references.Select(static r => r.Reference.Level).ToArray()),
            Times(references.Select(static r => (DateTimeOffset?)r.Reference.Id.Time)),
            Of(references.Select(static r => CodeOf(r.Reference.Change)).ToArray()),
            Of(references.Select(static r => 1L << r.Write.Fence.ShardId).ToArray()),
            Of(events.Select(static e => e.Nr).ToArray()),
            Of(events.Select(static e => e.Write.PersistenceId).ToArray()),
            Of(events.Select(static e => e.Write.FirstSequenceNr + e.Index).ToArray()),
            Of(events.Select(static e => e.Write.Fence.Epoch).ToArray()),
            Of(events.Select(static e => (int)e.Write.Events[e.Index].Kind).ToArray()),
            Of(events.Select(static e => (int)e.Write.Events[e.Index].Version).ToArray()),
            Of(events.Select(static e => e.Write.Events[e.Index].Payload).ToArray()),
            Of(snapshots.Select(static s => s.Nr).ToArray()),
            Of(snapshots.Select(static s => s.Write.PersistenceId).ToArray()),
            Of(snapshots.Select(static s => s.Write.Snapshot!.SequenceNr).ToArray()),
            Of(snapshots.Select(static s => s.Write.Fence.Epoch).ToArray()),
            Of(snapshots.Select(static s => s.Write.Snapshot!.Payload).ToArray()),
        });
        return command;
    }

    /// <summary>Reads a row of the answer; null for the one that says that nothing was refused.</summary>
    public static Refusal? ReadRefusal(NpgsqlDataReader row)
    {
        if (row.IsDBNull(1))
            return null;
        return new Refusal((int)row.GetInt64(1) - 1, row.GetInt32(2), Number(3), Number(4), Number(5));

        long? Number(int column) => row.IsDBNull(column) ? null : row.GetInt64(column);
    }

    /// <summary>A refusal as a result of the write, told in the words of the embedded journal.</summary>
    public static WriteResult Explain(Refusal refusal, IReadOnlyList<ActorWrite> writes, int first)
    {
        ActorWrite write = writes[first + refusal.Index];
        int shard = write.Fence.ShardId;
        return refusal.Code switch
        {
            1 when refusal.FoundEpoch == write.Fence.Epoch => WriteResult.Refused(WriteRefusal.Fenced, $"shard {shard} was given up"),
            1 when refusal.FoundEpoch is { } epoch =>
                WriteResult.Refused(WriteRefusal.Fenced, $"shard {shard} has the epoch {epoch}, not {write.Fence.Epoch}"),
            1 => WriteResult.Refused(WriteRefusal.Fenced, $"shard {shard} was never taken over"),
            2 => WriteResult.Refused(WriteRefusal.LeaseExpired, $"the lease of shard {shard} has run out"),
            3 => WriteResult.Refused(WriteRefusal.TooLate, $"the commit's deadline {write.NotAfter:O} has passed"),
            4 => WriteResult.Refused(WriteRefusal.SequenceConflict,
                $"{write.PersistenceId} is at {refusal.LastSequenceNr}, the events start at {write.FirstSequenceNr}"),
            _ => WriteResult.Refused(WriteRefusal.ObjectDeleting, $"object {RefusedObject()} is being deleted, or is not registered (any more)"),
        };

        string RefusedObject()
        {
            int before = 0;
            for (int i = 0; i < refusal.Index; i++)
                before += writes[first + i].References.Count;
            int index = (int)(refusal.ReferenceNr ?? 0) - 1 - before;
            return index >= 0 && index < write.References.Count ? write.References[index].Id.ToString() : "?";
        }
    }

    private static int CodeOf(ReferenceChange change) => change switch
    {
        ReferenceChange.Add => Add,
        ReferenceChange.AddRegistered => AddRegistered,
        _ => Drop,
    };
}
