using Microsoft.Data.Sqlite;

namespace Warp.Actors.Persistence.Sql;

/// <summary>The tables of the embedded journal, and the settings that make a commit durable.</summary>
internal static class SqliteSchema
{
    /// <summary>Raised with every change of the tables; a node refuses a file of a newer one.</summary>
    public const int Version = 1;

    /// <summary>Takes the write lock at once, so that nothing in the transaction can fail for want of it.</summary>
    public const string Begin = "BEGIN IMMEDIATE";

    public const string Commit = "COMMIT";

    public const string Rollback = "ROLLBACK";

    /// <summary>
    /// An exclusive lock stands for the leases of a cluster: SQLite holds it from the first access until the process ends. FULL makes
    /// each commit wait for the disk.
    /// </summary>
    private const string Settings =
        "PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 0; PRAGMA cache_size = -16384;";

    /// <summary>Changes the file, unlike the settings: only for one that is, or becomes, a journal.</summary>
    private const string WriteAheadLog = "PRAGMA journal_mode = WAL;";

    /// <summary>
    /// Events are appended by rowid, which keeps a group of commits of many actors in a few pages; the unique index finds an actor's. The
    /// indexes of objects hold only what a collector looks for; a live object that is pointed into is in none.
    /// </summary>
    private const string Tables = """
        CREATE TABLE IF NOT EXISTS cluster (
          id INTEGER PRIMARY KEY CHECK (id = 1), schema_version INTEGER NOT NULL, cluster_id TEXT NOT NULL, lineage INTEGER NOT NULL,
          store_bound INTEGER NOT NULL, shard_count INTEGER NOT NULL, entity_hash TEXT NOT NULL, feature_level INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS shard (
          shard_id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, owner_node INTEGER, owner_incarnation INTEGER, lease_until INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS node (node_id INTEGER PRIMARY KEY, incarnation INTEGER NOT NULL, heartbeat_at INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS journal (
          ordinal INTEGER PRIMARY KEY, persistence_id TEXT NOT NULL, sequence_nr INTEGER NOT NULL, epoch INTEGER NOT NULL,
          kind INTEGER NOT NULL, version INTEGER NOT NULL, payload BLOB NOT NULL, written_at INTEGER NOT NULL);
        CREATE UNIQUE INDEX IF NOT EXISTS journal_by_actor ON journal (persistence_id, sequence_nr);
        CREATE TABLE IF NOT EXISTS snapshot (
          persistence_id TEXT PRIMARY KEY, sequence_nr INTEGER NOT NULL, epoch INTEGER NOT NULL, payload BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS object (
          object_id BLOB PRIMARY KEY, size INTEGER NOT NULL, level INTEGER NOT NULL, state TEXT NOT NULL, created_at INTEGER NOT NULL,
          deadline INTEGER, live_shards INTEGER NOT NULL, released_at INTEGER, deleted_at INTEGER) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS object_released ON object (released_at, object_id) WHERE state = 'live' AND live_shards = 0;
        CREATE INDEX IF NOT EXISTS object_pending ON object (deadline, object_id) WHERE state = 'pending' AND live_shards = 0;
        CREATE INDEX IF NOT EXISTS object_deleting ON object (deleted_at, object_id) WHERE state = 'deleting';
        """;

    public static void Configure(SqliteConnection connection) => Execute(connection, Settings);

    /// <summary>Whether there is anything in the file: a process that died while it made one leaves an empty database.</summary>
    public static bool HasTables(SqliteConnection connection)
    {
        using var count = new SqlStatement(connection, "SELECT count(*) FROM sqlite_schema", 0);
        return count.Scalar() is not 0L;
    }

    public static bool HasTable(SqliteConnection connection, string name)
    {
        using var count = new SqlStatement(connection, "SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND name = $0", 1);
        return count.Scalar(name) is not 0L;
    }

    public static void UseWriteAheadLog(SqliteConnection connection) => Execute(connection, WriteAheadLog);

    public static void CreateTables(SqliteConnection connection) => Execute(connection, Tables);

    public static void Execute(SqliteConnection connection, string sql)
    {
        using SqliteCommand command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    /// <summary>Undoes what a transaction has done that has failed.</summary>
    public static void RollBack(SqliteConnection connection)
    {
        try
        {
            Execute(connection, Rollback);
        }
        catch (SqliteException)
        {
            // SQLite has rolled back by itself, as it does after most errors. Its complaint would hide the error that matters.
        }
    }

    /// <summary>Runs a job in a transaction, all of it or nothing.</summary>
    public static T InTransaction<T>(SqliteConnection connection, Func<T> job)
    {
        Execute(connection, Begin);
        try
        {
            T result = job();
            Execute(connection, Commit);
            return result;
        }
        catch
        {
            RollBack(connection);
            throw;
        }
    }
}
