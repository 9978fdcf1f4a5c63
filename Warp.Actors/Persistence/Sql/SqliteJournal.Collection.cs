using Microsoft.Data.Sqlite;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Persistence.Sql;

public sealed partial class SqliteJournal
{
    private const string ObjectColumns = "SELECT object_id, size, level, state, live_shards, deadline, released_at, deleted_at FROM object";

    private const string WhileFenced = "EXISTS (SELECT 1 FROM shard WHERE shard_id = $0 AND epoch = $1 AND owner_node IS NOT NULL)";

    public async ValueTask<IReadOnlyList<ObjectRow>> ListObjectsAsync(
        ObjectRowKind kind, TimeSpan age, ObjectRow? after, int limit, CancellationToken cancellationToken) =>
        await _database.RunAsync(connection =>
        {
            (string where, string? time, DateTimeOffset? afterTime) = kind switch
            {
                ObjectRowKind.Released => ("state = 'live' AND live_shards = 0", "released_at", after?.ReleasedAt),
                ObjectRowKind.Expired => ("state = 'pending' AND live_shards = 0", "deadline", after?.Deadline),
                ObjectRowKind.Deleted => ("state = 'deleting'", "deleted_at", after?.DeletedAt),
                ObjectRowKind.Deleting => ("state = 'deleting' AND deleted_at IS NULL", null, null),
                _ => ("TRUE", null, (DateTimeOffset?)null),
            };
            string page = time is null
                ? $"{where} AND object_id > $1 ORDER BY object_id"
                : $"{where} AND {time} <= $3 AND ({time}, object_id) > ($2, $1) ORDER BY {time}, object_id";
            using var list = new SqlStatement(connection, $"{ObjectColumns} WHERE {page} LIMIT $0", time is null ? 2 : 4);
            byte[] afterId = after?.Id.ToByteArray() ?? [];
            using SqliteDataReader row = time is null
                ? list.Query(limit, afterId)
                : list.Query(limit, afterId, afterTime?.ToUnixTimeMilliseconds() ?? long.MinValue, (Now() - age).ToUnixTimeMilliseconds());
            return ReadObjects(row);
        });

    public async ValueTask<IReadOnlyList<ObjectRow>> FindObjectsAsync(IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken) =>
        await _database.RunAsync(connection =>
        {
            using var find = new SqlStatement(connection, $"{ObjectColumns} WHERE object_id = $0", 1);
            var found = new List<ObjectRow>(ids.Count);
            foreach (ObjectId id in ids)
            {
                using SqliteDataReader row = find.Query(id.ToByteArray());
                found.AddRange(ReadObjects(row));
            }
            return found;
        });

    public ValueTask<IReadOnlyList<ObjectId>> BeginDeletingAsync(
        Fence fence, IReadOnlyList<ObjectId> ids, TimeSpan grace, CancellationToken cancellationToken) =>
        ChangeAsync(fence, ids, static id => [id.ToByteArray()], grace, parameters: 4,
            $"""
            UPDATE object SET state = 'deleting' WHERE object_id = $3 AND live_shards = 0 AND {WhileFenced}
              AND ((state = 'live' AND released_at <= $2) OR (state = 'pending' AND deadline <= $2))
            """);

    public async ValueTask<IReadOnlyList<ObjectId>> InsertDeletingAsync(
        Fence fence, IReadOnlyList<OrphanObject> orphans, CancellationToken cancellationToken)
    {
        IReadOnlyList<OrphanObject> inserted = await ChangeAsync(
            fence,
            orphans,
            static orphan => [orphan.Id.ToByteArray(), orphan.SizeBytes, orphan.Level, orphan.Id.Time.ToUnixTimeMilliseconds()],
            age: TimeSpan.Zero,
            parameters: 7,
            $"""
            INSERT INTO object (object_id, size, level, state, created_at, live_shards)
              SELECT $3, $4, $5, 'deleting', $6, 0 WHERE {WhileFenced} ON CONFLICT (object_id) DO NOTHING
            """);
        return [.. inserted.Select(static orphan => orphan.Id)];
    }

    public async ValueTask ConfirmDeletedAsync(Fence fence, IReadOnlyList<ObjectId> ids, CancellationToken cancellationToken) =>
        await ChangeAsync(fence, ids, static id => [id.ToByteArray()], age: TimeSpan.Zero, parameters: 4,
            $"UPDATE object SET deleted_at = $2 WHERE object_id = $3 AND state = 'deleting' AND {WhileFenced}");

    public async ValueTask RemoveTombstonesAsync(
        Fence fence, IReadOnlyList<ObjectId> ids, TimeSpan age, CancellationToken cancellationToken) =>
        await ChangeAsync(fence, ids, static id => [id.ToByteArray()], age, parameters: 4,
            $"DELETE FROM object WHERE object_id = $3 AND state = 'deleting' AND deleted_at <= $2 AND {WhileFenced}");

    /// <summary>
    /// Runs a statement for each entry, all in one transaction, and answers the entries that it changed something for. Its parameters are
    /// the fence ($0 and $1), the time so long ago ($2), and what the entry gives.
    /// </summary>
    private async ValueTask<IReadOnlyList<T>> ChangeAsync<T>(
        Fence fence, IReadOnlyList<T> entries, Func<T, object?[]> values, TimeSpan age, int parameters, string sql) =>
        await _database.RunAsync(connection => SqliteSchema.InTransaction(connection, () =>
        {
            using var change = new SqlStatement(connection, sql, parameters);
            long time = (Now() - age).ToUnixTimeMilliseconds();
            return entries.Where(entry => change.Execute([fence.ShardId, fence.Epoch, time, .. values(entry)]) == 1).ToList();
        }));

    private static List<ObjectRow> ReadObjects(SqliteDataReader row)
    {
        var rows = new List<ObjectRow>();
        while (row.Read())
        {
            rows.Add(new ObjectRow(
                ObjectId.FromBytes((byte[])row.GetValue(0)), row.GetInt64(1), row.GetInt32(2), SqlObjectState.Parse(row.GetString(3)),
                (ulong)row.GetInt64(4),
                TimeAt(5), TimeAt(6), TimeAt(7)));
        }
        return rows;

        DateTimeOffset? TimeAt(int column) => row.IsDBNull(column) ? null : DateTimeOffset.FromUnixTimeMilliseconds(row.GetInt64(column));
    }
}
