using Npgsql;
using Warp.Actors.Sequencing;
using static Warp.Actors.Persistence.Sql.PostgresParameter;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// Rows of objects. A change locks the fence's row, then the objects' by their ids, and looks at their newest versions.
/// </summary>
public sealed partial class PostgresJournal
{
    private const string ObjectColumns = "SELECT object_id, size, level, state, live_shards, deadline, released_at, deleted_at FROM object";

    private const string LockObjects =
        $"locked AS MATERIALIZED (SELECT object_id FROM object WHERE object_id = ANY ($3) AND {WhileFenced} ORDER BY object_id FOR UPDATE)";

    public async ValueTask<bool> RegisterPendingAsync(
        ObjectId id, int level, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        // Changing nothing is how one statement reads the newest version of a row that another one may have inserted meanwhile.
        List<string> states = await _connections.QueryAsync(
            """
            INSERT INTO object (object_id, size, level, state, created_at, deadline, live_shards) VALUES ($1, 0, $2, 'pending', $3, $4, 0)
            ON CONFLICT (object_id) DO UPDATE SET level = object.level RETURNING state
            """,
            static row => row.GetString(0),
            cancellationToken,
            Of(id), Of(level), Of(id.Time), Of(deadline));
        return states[0] == "pending";
    }

    public async ValueTask<bool> RenewPendingAsync(ObjectId id, DateTimeOffset deadline, CancellationToken cancellationToken)
    {
        List<string> states = await _connections.QueryAsync(
            "UPDATE object SET deadline = greatest(deadline, $2) WHERE object_id = $1 AND state = 'pending' RETURNING state",
            static row => row.GetString(0),
            cancellationToken,
            Of(id), Of(deadline));
        return states.Count == 1;
    }

    public async ValueTask<IReadOnlyList<ObjectRow>> ListObjectsAsync(
        ObjectRowKind kind, TimeSpan age, ObjectRow? after, int limit, CancellationToken cancellationToken)
    {
        (string where, string? time, DateTimeOffset? afterTime) = kind switch
        {
            ObjectRowKind.Released => ("state = 'live' AND live_shards = 0", "released_at", after?.ReleasedAt),
            ObjectRowKind.Expired => ("state = 'pending' AND live_shards = 0", "deadline", after?.Deadline),
            ObjectRowKind.Deleted => ("state = 'deleting'", "deleted_at", after?.DeletedAt),
            ObjectRowKind.Deleting => ("state = 'deleting' AND deleted_at IS NULL", null, null),
            _ => ("TRUE", null, (DateTimeOffset?)null),
        };
        var parameters = new List<NpgsqlParameter> { Of(limit) };
        if (time is not null)
        {
            parameters.Add(Of(age));
            where += $" AND {time} <= clock_timestamp() - ${parameters.Count}";
        }
        if (after is not null)
        {
            parameters.Add(Of(after.Id));
            string past = $"object_id > ${parameters.Count}";
            if (time is not null)
            {
                parameters.Add(Of(afterTime!.Value));
                past = $"({time}, object_id) > (${parameters.Count}, ${parameters.Count - 1})";
            }
            where += $" AND {past}";
        }
        string order = time is null ? "object_id" : $"{time}, object_id";
        return await _connections.QueryAsync(
            $"{ObjectColumns} WHERE {where} ORDER BY {order} LIMIT $1", ReadObject, cancellationToken, [.. parameters]);
    }

    public async ValueTask<IReadOnlyList<ObjectRow>> FindObjectsAsync(IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken)
    {
        List<ObjectRow> found = await _connections.QueryAsync(
            $"{ObjectColumns} WHERE object_id = ANY ($1)", ReadObject, cancellationToken, Ids(ids));
        return InOrder(ids, found, static row => row.Id);
    }

    public ValueTask<IReadOnlyList<ObjectId>> BeginDeletingAsync(
        Fence fence, IReadOnlyList<ObjectId> ids, TimeSpan grace, CancellationToken cancellationToken) =>
        ChangeAsync(
            $"""
            WITH {FenceRow}, {LockObjects}
            UPDATE object o SET state = 'deleting' FROM locked l
            WHERE o.object_id = l.object_id AND o.object_id = ANY ($3) AND o.live_shards = 0
              AND ((o.state = 'live' AND o.released_at <= clock_timestamp() - $4)
                OR (o.state = 'pending' AND o.deadline <= clock_timestamp() - $4))
            RETURNING o.object_id
            """,
            fence, ids, cancellationToken, Of(grace));

    public ValueTask<IReadOnlyList<ObjectId>> InsertDeletingAsync(
        Fence fence, IReadOnlyList<OrphanObject> orphans, CancellationToken cancellationToken) =>
        ChangeAsync(
            $"""
            WITH {FenceRow}
            INSERT INTO object (object_id, size, level, state, created_at, live_shards)
            SELECT n.object_id, n.size, n.level, 'deleting', n.created_at, 0
            FROM unnest($3::BYTEA[], $4::BIGINT[], $5::INT[], $6::TIMESTAMPTZ[]) AS n (object_id, size, level, created_at)
            WHERE {WhileFenced} ORDER BY n.object_id
            ON CONFLICT (object_id) DO NOTHING RETURNING object_id
            """,
            fence,
            [.. orphans.Select(static orphan => orphan.Id)],
            cancellationToken,
            Of(orphans.Select(static orphan => orphan.SizeBytes).ToArray()),
            Of(orphans.Select(static orphan => orphan.Level).ToArray()),
            Times(orphans.Select(static orphan => (DateTimeOffset?)orphan.Id.Time)));

    public async ValueTask ConfirmDeletedAsync(Fence fence, IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken) =>
        await ChangeAsync(
            $"""
            WITH {FenceRow}, {LockObjects}
            UPDATE object o SET deleted_at = clock_timestamp() FROM locked l
            WHERE o.object_id = l.object_id AND o.object_id = ANY ($3) AND o.state = 'deleting'
            RETURNING o.object_id
            """,
            fence, ids, cancellationToken);

    public async ValueTask RemoveTombstonesAsync(
        Fence fence, IReadOnlyList<ObjectId> ids, TimeSpan age, CancellationToken cancellationToken) =>
        await ChangeAsync(
            $"""
            WITH {FenceRow}, {LockObjects}
            DELETE FROM object o USING locked l
            WHERE o.object_id = l.object_id AND o.object_id = ANY ($3) AND o.state = 'deleting' AND o.deleted_at <= clock_timestamp() - $4
            RETURNING o.object_id
            """,
            fence, ids, cancellationToken, Of(age));

    /// <summary>
    /// Runs a statement on objects ($3) under a fence ($1 and $2), and answers those that it changed. Further parameters begin with $4.
    /// </summary>
    private async ValueTask<IReadOnlyList<ObjectId>> ChangeAsync(
        string sql, Fence fence, IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken, params NpgsqlParameter[] further)
    {
        List<ObjectId> changed = await _connections.QueryAsync(
            sql,
            static row => ObjectId.FromBytes(row.GetFieldValue<byte[]>(0)),
            cancellationToken,
            [Of(fence.ShardId), Of(fence.Epoch), Ids(ids), .. further]);
        return InOrder(ids, changed, static id => id);
    }

    private static ObjectRow ReadObject(NpgsqlDataReader row)
    {
        return new ObjectRow(
            ObjectId.FromBytes(row.GetFieldValue<byte[]>(0)), row.GetInt64(1), row.GetInt32(2), SqlObjectState.Parse(row.GetString(3)),
            (ulong)row.GetInt64(4), TimeAt(5), TimeAt(6), TimeAt(7));

        DateTimeOffset? TimeAt(int column) => row.IsDBNull(column) ? null : row.GetFieldValue<DateTimeOffset>(column);
    }
}
