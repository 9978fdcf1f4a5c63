using Microsoft.Data.Sqlite;

namespace Warp.Actors.Persistence.Sql;

/// <summary>The tables of the embedded journal, and the settings that make a commit durable.</summary>
internal static class SqliteSchema
{
    /// <summary>Raised with every change of the tables; a node refuses a file of a newer one.</summary>
    public const int Version = 3;

    /// <summary>Takes the write lock at once, so that nothing in the transaction can fail for want of it.</summary>
    public const string Begin = "BEGIN IMMEDIATE";

    public const string Commit = "COMMIT";

    public const string Rollback = "ROLLBACK";

    /// <summary>Of a new file. A commit writes whole pages, some of which it changes in a few bytes only, so they are small.</summary>
    private const int PageBytes = 1024;

    /// <summary>
    /// How long the write-ahead log becomes before it is moved into the file. Pages that many commits change are moved once, so it is not
    /// short; it is read as a whole after a crash, so it is not long.
    /// </summary>
    private const int WriteAheadLogBytes = 8 << 20;

    /// <summary>
    /// An exclusive lock stands for the leases of a cluster: SQLite holds it from the first access until the process ends. FULL makes
    /// each commit wait for the disk.
    /// </summary>
    private static readonly string s_settings =
        $"""
        PRAGMA page_size = {PageBytes}; PRAGMA locking_mode = EXCLUSIVE; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 0;
        PRAGMA cache_size = -16384; PRAGMA wal_autocheckpoint = {WriteAheadLogBytes / PageBytes};
        """;

    /// <summary>Changes the file, unlike the settings: only for one that is, or becomes, a journal.</summary>
    private const string WriteAheadLog = "PRAGMA journal_mode = WAL;";

    /// <summary>
    /// Events are appended by rowid, which keeps a group of commits of many actors in a few pages. No index finds an actor's: it would have
    /// a page for each actor that commits, which is more than the events need; <see cref="SqliteEvents"/> knows them. The indexes of objects
    /// hold only what a collector looks for; a live object that is pointed into is in none.
    /// </summary>
    private const string Tables = """
        CREATE TABLE IF NOT EXISTS cluster (
          id INTEGER PRIMARY KEY CHECK (id = 1), schema_version INTEGER NOT NULL, cluster_id TEXT NOT NULL, lineage INTEGER NOT NULL,
          store_bound INTEGER NOT NULL, shard_count INTEGER NOT NULL, entity_hash TEXT NOT NULL, feature_level INTEGER NOT NULL,
          last_incarnation INTEGER NOT NULL DEFAULT 0);
        CREATE TABLE IF NOT EXISTS shard (
          shard_id INTEGER PRIMARY KEY, epoch INTEGER NOT NULL, owner_node INTEGER, owner_incarnation INTEGER, lease_until INTEGER NOT NULL,
          assigned_node INTEGER);
        CREATE TABLE IF NOT EXISTS node (
          node_id INTEGER PRIMARY KEY, incarnation INTEGER NOT NULL, heartbeat_at INTEGER NOT NULL,
          kafka_host TEXT NOT NULL DEFAULT '', kafka_port INTEGER NOT NULL DEFAULT 0, rpc_host TEXT NOT NULL DEFAULT '',
          rpc_port INTEGER NOT NULL DEFAULT 0, http_host TEXT NOT NULL DEFAULT '', http_port INTEGER NOT NULL DEFAULT 0,
          zone TEXT NOT NULL DEFAULT '', node_group TEXT NOT NULL DEFAULT '', roles INTEGER NOT NULL DEFAULT 0,
          version TEXT NOT NULL DEFAULT '', feature_level INTEGER NOT NULL DEFAULT 0, draining INTEGER NOT NULL DEFAULT 0,
          unreached TEXT NOT NULL DEFAULT '');
        CREATE TABLE IF NOT EXISTS actor (actor_id INTEGER PRIMARY KEY, persistence_id TEXT NOT NULL UNIQUE);
        CREATE TABLE IF NOT EXISTS journal (
          ordinal INTEGER PRIMARY KEY, actor_id INTEGER NOT NULL, sequence_nr INTEGER NOT NULL, epoch INTEGER NOT NULL,
          kind INTEGER NOT NULL, version INTEGER NOT NULL, payload BLOB NOT NULL, written_at INTEGER NOT NULL);
        CREATE TABLE IF NOT EXISTS snapshot (
          persistence_id TEXT PRIMARY KEY, sequence_nr INTEGER NOT NULL, epoch INTEGER NOT NULL, payload BLOB NOT NULL) WITHOUT ROWID;
        CREATE TABLE IF NOT EXISTS object (
          object_id BLOB PRIMARY KEY, size INTEGER NOT NULL, level INTEGER NOT NULL, state TEXT NOT NULL, created_at INTEGER NOT NULL,
          deadline INTEGER, live_shards INTEGER NOT NULL, released_at INTEGER, deleted_at INTEGER) WITHOUT ROWID;
        CREATE INDEX IF NOT EXISTS object_released ON object (released_at, object_id) WHERE state = 'live' AND live_shards = 0;
        CREATE INDEX IF NOT EXISTS object_pending ON object (deadline, object_id) WHERE state = 'pending' AND live_shards = 0;
        CREATE INDEX IF NOT EXISTS object_deleting ON object (deleted_at, object_id) WHERE state = 'deleting';
        """;

    /// <summary>What each version added, for files of the versions before: the first entry makes version 2 of version 1.</summary>
    private static readonly string[] s_upgrades =
    [
        """
        ALTER TABLE cluster ADD COLUMN last_incarnation INTEGER NOT NULL DEFAULT 0;
        UPDATE cluster SET last_incarnation = ifnull((SELECT max(incarnation) FROM node), 0);
        ALTER TABLE shard ADD COLUMN assigned_node INTEGER;
        ALTER TABLE node ADD COLUMN kafka_host TEXT NOT NULL DEFAULT '';
        ALTER TABLE node ADD COLUMN kafka_port INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE node ADD COLUMN rpc_host TEXT NOT NULL DEFAULT '';
        ALTER TABLE node ADD COLUMN rpc_port INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE node ADD COLUMN http_host TEXT NOT NULL DEFAULT '';
        ALTER TABLE node ADD COLUMN http_port INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE node ADD COLUMN zone TEXT NOT NULL DEFAULT '';
        ALTER TABLE node ADD COLUMN node_group TEXT NOT NULL DEFAULT '';
        ALTER TABLE node ADD COLUMN roles INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE node ADD COLUMN version TEXT NOT NULL DEFAULT '';
        ALTER TABLE node ADD COLUMN feature_level INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE node ADD COLUMN draining INTEGER NOT NULL DEFAULT 0;
        ALTER TABLE node ADD COLUMN unreached TEXT NOT NULL DEFAULT '';
        """,
        """
        INSERT INTO actor (persistence_id) SELECT persistence_id FROM journal UNION SELECT persistence_id FROM snapshot;
        ALTER TABLE journal RENAME TO old_journal;
        CREATE TABLE journal (
          ordinal INTEGER PRIMARY KEY, actor_id INTEGER NOT NULL, sequence_nr INTEGER NOT NULL, epoch INTEGER NOT NULL,
          kind INTEGER NOT NULL, version INTEGER NOT NULL, payload BLOB NOT NULL, written_at INTEGER NOT NULL);
        INSERT INTO journal (ordinal, actor_id, sequence_nr, epoch, kind, version, payload, written_at)
          SELECT ordinal, actor_id, sequence_nr, epoch, kind, version, payload, written_at
          FROM old_journal JOIN actor USING (persistence_id) ORDER BY ordinal;
        DROP TABLE old_journal;
        """,
    ];

    public static void Configure(SqliteConnection connection) => Execute(connection, s_settings);

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

    /// <summary>Brings the tables of an older version up to this one. In a transaction with whatever else is done.</summary>
    public static void Upgrade(SqliteConnection connection)
    {
        using var statement = new SqlStatement(connection, "SELECT schema_version FROM cluster", 0);
        long found = (long)(statement.Scalar() ?? (long)Version);
        for (long version = found; version < Version; version++)
            Execute(connection, s_upgrades[version - 1]);
        if (found < Version)
            Execute(connection, $"UPDATE cluster SET schema_version = {Version}");
    }

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
