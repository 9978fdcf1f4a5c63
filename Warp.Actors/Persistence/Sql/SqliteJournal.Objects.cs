using Warp.Actors.Sequencing;

namespace Warp.Actors.Persistence.Sql;

public sealed partial class SqliteJournal
{
    public async ValueTask<bool> RegisterPendingAsync(
        ObjectId id, int level, DateTimeOffset deadline, CancellationToken cancellationToken) =>
        await _database.RunAsync(connection => SqliteSchema.InTransaction(connection, () =>
        {
            byte[] key = id.ToByteArray();
            using var insert = new SqlStatement(connection,
                """
                INSERT INTO object (object_id, size, level, state, created_at, deadline, live_shards)
                VALUES ($0, 0, $1, 'pending', $2, $3, 0)
                ON CONFLICT (object_id) DO NOTHING
                """, 4);
            insert.Execute(key, level, id.Time.ToUnixTimeMilliseconds(), deadline.ToUnixTimeMilliseconds());
            using var state = new SqlStatement(connection, "SELECT state FROM object WHERE object_id = $0", 1);
            return state.Scalar(key) is "pending";
        }));

    public async ValueTask<bool> RenewPendingAsync(ObjectId id, DateTimeOffset deadline, CancellationToken cancellationToken) =>
        await _database.RunAsync(connection =>
        {
            using var renew = new SqlStatement(connection,
                """
                UPDATE object SET deadline = CASE WHEN deadline < $1 THEN $1 ELSE deadline END WHERE object_id = $0 AND state = 'pending'
                """, 2);
            return renew.Execute(id.ToByteArray(), deadline.ToUnixTimeMilliseconds()) == 1;
        });
}
