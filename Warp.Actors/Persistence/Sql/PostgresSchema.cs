using Npgsql;
using static Warp.Actors.Persistence.Sql.PostgresParameter;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// The tables of a journal in a PostgreSQL database, in SQL that the databases of its protocol share: no extension, no stored procedure,
/// no advisory lock. They have the shapes of the embedded journal's, with times as the database keeps them.
/// </summary>
internal static class PostgresSchema
{
    /// <summary>
    /// Raised with every change of the tables; a node refuses a database of a newer one. Who brings an older one up to date begins the
    /// transaction with raising the number in the cluster's row: that row is the lock.
    /// </summary>
    public const int Version = 1;

    private const string ReadCluster =
        "SELECT cluster_id, lineage, store_bound, shard_count, entity_hash, feature_level, schema_version FROM cluster WHERE id = 1";

    /// <summary>How often it is tried again when another node makes the tables at the same time.</summary>
    private const int MaxAttempts = 50;

    private static readonly TimeSpan s_wait = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// The table of the cluster is the first and its row the last that is made: while there is no row, the tables are being made, or whoever
    /// did died on the way, in databases that do not make them all in one transaction. Texts that are keys are compared by their bytes,
    /// as the search by prefix needs it. The indexes of objects hold only what a collector looks for; a live object that is pointed into is
    /// in none.
    /// </summary>
    private static readonly string[] s_tables =
    [
        """
        CREATE TABLE IF NOT EXISTS cluster (
          id INTEGER PRIMARY KEY CHECK (id = 1), schema_version INTEGER NOT NULL, cluster_id TEXT NOT NULL, lineage BIGINT NOT NULL,
          store_bound BOOLEAN NOT NULL, shard_count INTEGER NOT NULL, entity_hash TEXT NOT NULL, feature_level INTEGER NOT NULL,
          last_incarnation BIGINT NOT NULL)
        """,
        """
        CREATE TABLE IF NOT EXISTS shard (
          shard_id INTEGER PRIMARY KEY, epoch BIGINT NOT NULL, owner_node INTEGER, owner_incarnation BIGINT,
          lease_until TIMESTAMPTZ NOT NULL, assigned_node INTEGER)
        """,
        """
        CREATE TABLE IF NOT EXISTS node (
          node_id INTEGER PRIMARY KEY, incarnation BIGINT NOT NULL, heartbeat_at TIMESTAMPTZ NOT NULL, kafka_host TEXT NOT NULL,
          kafka_port INTEGER NOT NULL, rpc_host TEXT NOT NULL, rpc_port INTEGER NOT NULL, http_host TEXT NOT NULL,
          http_port INTEGER NOT NULL, zone TEXT NOT NULL, node_group TEXT NOT NULL, roles INTEGER NOT NULL, version TEXT NOT NULL,
          feature_level INTEGER NOT NULL, draining BOOLEAN NOT NULL, unreached TEXT NOT NULL)
        """,
        """
        CREATE TABLE IF NOT EXISTS journal (
          persistence_id TEXT COLLATE "C" NOT NULL, sequence_nr BIGINT NOT NULL, epoch BIGINT NOT NULL, kind INTEGER NOT NULL,
          version INTEGER NOT NULL, payload BYTEA NOT NULL, written_at TIMESTAMPTZ NOT NULL, PRIMARY KEY (persistence_id, sequence_nr))
        """,
        """
        CREATE TABLE IF NOT EXISTS snapshot (
          persistence_id TEXT COLLATE "C" PRIMARY KEY, sequence_nr BIGINT NOT NULL, epoch BIGINT NOT NULL, payload BYTEA NOT NULL)
        """,
        """
        CREATE TABLE IF NOT EXISTS object (
          object_id BYTEA PRIMARY KEY, size BIGINT NOT NULL, level INTEGER NOT NULL, state TEXT NOT NULL, created_at TIMESTAMPTZ NOT NULL,
          deadline TIMESTAMPTZ, live_shards BIGINT NOT NULL, released_at TIMESTAMPTZ, deleted_at TIMESTAMPTZ)
        """,
        "CREATE INDEX IF NOT EXISTS object_released ON object (released_at, object_id) WHERE state = 'live' AND live_shards = 0",
        "CREATE INDEX IF NOT EXISTS object_pending ON object (deadline, object_id) WHERE state = 'pending' AND live_shards = 0",
        "CREATE INDEX IF NOT EXISTS object_deleting ON object (deleted_at, object_id) WHERE state = 'deleting'",
    ];

    /// <summary>Finds the tables, or makes them and a new cluster in them.</summary>
    /// <param name="connections">The database.</param>
    /// <param name="description">Names it in messages.</param>
    /// <param name="newCluster">What a new cluster is like.</param>
    /// <param name="check">Sees the cluster, null for none; when it throws, nothing has been changed.</param>
    /// <param name="time">For waits.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="JournalException">The database is no journal, of a newer version, or cannot be used.</exception>
    public static async Task OpenAsync(
        PostgresConnections connections,
        string description,
        ClusterRecord newCluster,
        Action<ClusterRecord?>? check,
        TimeProvider time,
        CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            (ClusterRecord? found, int version) = await FindAsync(connections, description, cancellationToken);
            if (version > Version)
                throw new JournalException($"The journal {description} was written by a newer Warp (its tables are version {version}, this one knows {Version}); run that version.");
            check?.Invoke(found);
            if (found is not null)
                return;
            try
            {
                await CreateAsync(connections, newCluster, cancellationToken);
            }
            catch (PostgresException error) when (IsOthersWork(error) && attempt < MaxAttempts)
            {
                // Another node makes them. It is seen when it is done.
            }
            await Task.Delay(s_wait, time, cancellationToken);
        }
    }

    public static async ValueTask<ClusterRecord> ReadClusterAsync(
        PostgresConnections connections, string description, CancellationToken cancellationToken)
    {
        List<ClusterRecord> rows = await connections.QueryAsync(ReadCluster, Cluster, cancellationToken);
        return rows is [var cluster] ? cluster : throw new JournalException($"The journal {description} has no cluster row; restore it from a backup.");
    }

    private static async Task<(ClusterRecord? Cluster, int Version)> FindAsync(
        PostgresConnections connections, string description, CancellationToken cancellationToken)
    {
        List<string> tables = await connections.QueryAsync(
            """
            SELECT table_name FROM information_schema.tables
            WHERE table_schema = current_schema() AND table_name IN ('cluster', 'shard', 'node', 'journal', 'snapshot', 'object')
            """,
            static row => row.GetString(0),
            cancellationToken);
        if (tables.Count == 0)
            return (null, 0);
        List<string> columns = await connections.QueryAsync(
            """
            SELECT column_name FROM information_schema.columns
            WHERE table_schema = current_schema() AND table_name = 'cluster' AND column_name IN ('schema_version', 'cluster_id', 'lineage')
            """,
            static row => row.GetString(0),
            cancellationToken);
        if (columns.Count < 3)
            throw new JournalException($"The database {description} has a table '{tables.Order().First()}' that is no journal's; give the journal a database of its own (warp.journal.url).");
        List<(ClusterRecord, int)> found = await connections.QueryAsync(
            ReadCluster, static row => (Cluster(row), row.GetInt32(6)), cancellationToken);
        return found is [var (cluster, version)] ? (cluster, version) : (null, 0);
    }

    /// <summary>
    /// All in one transaction: who makes the same tables meanwhile waits for it and then fails, and so does this. That is the only lock
    /// that all databases of the protocol have for it. It may wait for its client, but only until the idle time-out, and nothing else yet
    /// needs what it locks.
    /// </summary>
    private static async Task CreateAsync(PostgresConnections connections, ClusterRecord cluster, CancellationToken cancellationToken)
    {
        await using NpgsqlConnection connection = await connections.OpenAsync(cancellationToken);
        await using NpgsqlTransaction transaction = await connection.BeginTransactionAsync(cancellationToken);
        foreach (string table in s_tables)
        {
            await using var create = new NpgsqlCommand(table, connection, transaction);
            await create.ExecuteNonQueryAsync(cancellationToken);
        }
        await using var insert = new NpgsqlCommand(
            """
            INSERT INTO cluster (id, schema_version, cluster_id, lineage, store_bound, shard_count, entity_hash, feature_level, last_incarnation)
            VALUES (1, $1, $2, $3, $4, $5, $6, $7, 0) ON CONFLICT (id) DO NOTHING
            """,
            connection,
            transaction);
        insert.Parameters.AddRange(new[]
        {
            Of(Version), Of(cluster.ClusterId), Of(cluster.Lineage), Of(cluster.StoreBound), Of(cluster.ShardCount), Of(cluster.EntityHash),
            Of(cluster.FeatureLevel),
        });
        await insert.ExecuteNonQueryAsync(cancellationToken);
        await transaction.CommitAsync(cancellationToken);
    }

    private static bool IsOthersWork(PostgresException error) =>
        PostgresErrors.IsCollision(error) || error.SqlState is
            PostgresErrorCodes.UniqueViolation or PostgresErrorCodes.DuplicateTable or PostgresErrorCodes.DuplicateObject
            or PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.QueryCanceled;

    private static ClusterRecord Cluster(NpgsqlDataReader row) =>
        new(row.GetString(0), row.GetInt64(1), row.GetBoolean(2), row.GetInt32(3), row.GetString(4), row.GetInt32(5));
}
