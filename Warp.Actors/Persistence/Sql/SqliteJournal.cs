using System.Buffers.Text;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// The embedded journal: one SQLite file, locked by one process for as long as it runs. That lock stands for the leases of a cluster,
/// so an append checks the epoch alone, and a takeover never waits.
/// </summary>
public sealed partial class SqliteJournal : IJournal
{
    /// <summary>
    /// How long a locked file is tried again: the least there is (0 would mean for ever). Who holds the lock holds it while it runs.
    /// </summary>
    private const int LockWaitSeconds = 1;

    private readonly DatabaseThread _database;
    private readonly SqliteAppender _appender;
    private readonly TimeProvider _time;
    private readonly string _path;
    private DateTimeOffset _latest;
    private long _latestAt;

    private SqliteJournal(DatabaseThread database, SqliteAppender appender, TimeProvider time, string path, DateTimeOffset latest)
    {
        _latest = latest;
        _latestAt = time.GetTimestamp();
        _database = database;
        _appender = appender;
        _time = time;
        _path = path;
    }

    public string Description => $"sqlite:{_path}";

    /// <summary>Bytes that the journal has had written to disk since it was opened; 0 on systems that do not tell.</summary>
    public long BytesWritten => _database.BytesWritten;

    /// <summary>Whether a journal exists at the path. Looks only: nothing is created.</summary>
    public static bool Exists(string path) => File.Exists(path) && new FileInfo(path).Length > 0;

    /// <summary>Opens the file, creating it (and a new cluster in it) when it is missing.</summary>
    /// <param name="path">The file; its folder is created.</param>
    /// <param name="newCluster">What a new file says of its cluster.</param>
    /// <param name="time">Stands for the database's clock.</param>
    /// <param name="check">Sees what the file says of its cluster, null for a new one; when it throws, the file has not been changed.</param>
    /// <exception cref="JournalException">Locked by another process, not a journal, of a newer version, or not accessible.</exception>
    public static async Task<SqliteJournal> OpenAsync(string path, ClusterRecord newCluster, TimeProvider time, Action<ClusterRecord?>? check = null)
    {
        Batteries_V2.Init();
        string full = Path.GetFullPath(path);
        var settings = new SqliteConnectionStringBuilder { DataSource = full, Pooling = false, DefaultTimeout = LockWaitSeconds };
        var connection = new SqliteConnection(settings.ToString());
        DateTimeOffset latest;
        SqliteAppender appender;
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(full)!);
            connection.Open();
            SqliteSchema.Configure(connection);
            if (SqliteSchema.HasTables(connection))
                CheckExisting(connection, full, check);
            else
                check?.Invoke(null);
            SqliteSchema.UseWriteAheadLog(connection);
            SqliteSchema.InTransaction(connection, () =>
            {
                SqliteSchema.CreateTables(connection);
                CreateClusterIfMissing(connection, newCluster);
                SqliteSchema.Upgrade(connection);
                return 0;
            });
            latest = LatestTime(connection);
            appender = new SqliteAppender(connection);
        }
        catch (Exception error) when (error is SqliteException or IOException or UnauthorizedAccessException)
        {
            await connection.DisposeAsync();
            throw new JournalException(Explain(error, full), error);
        }
        catch
        {
            await connection.DisposeAsync();
            throw;
        }
        return new SqliteJournal(new DatabaseThread(connection), appender, time, path, latest);
    }

    /// <summary>A new cluster id: 16 random bytes in 22 characters, as Kafka's.</summary>
    public static string MintClusterId(Random random)
    {
        var bytes = new byte[16];
        random.NextBytes(bytes);
        return Base64Url.EncodeToString(bytes);
    }

    public async ValueTask<ClusterRecord> ReadClusterAsync(CancellationToken cancellationToken) => await _database.RunAsync(ReadCluster);

    public async ValueTask RaiseLineageAsync(long lineage, bool storeBound, CancellationToken cancellationToken) => await _database.RunAsync(connection =>
    {
        using var statement = new SqlStatement(connection, "UPDATE cluster SET lineage = max(lineage, $0), store_bound = max(store_bound, $1)", 2);
        return statement.Execute(lineage, storeBound ? 1 : 0);
    });

    public async ValueTask<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) => await _database.RunAsync(_ => Now());

    public async ValueTask<IReadOnlyList<WriteResult>> AppendAsync(IReadOnlyList<ActorWrite> writes, CancellationToken cancellationToken) =>
        await _database.RunAsync(_ => _appender.Append(writes, Now()));

    public async ValueTask<RecoveredJournal> RecoverAsync(string persistenceId, CancellationToken cancellationToken) => await _database.RunAsync(connection =>
    {
        using var latest = new SqlStatement(connection, "SELECT sequence_nr, payload FROM snapshot WHERE persistence_id = $0", 1);
        SnapshotRecord? snapshot = null;
        using (SqliteDataReader row = latest.Query(persistenceId))
        {
            if (row.Read())
                snapshot = new SnapshotRecord(row.GetInt64(0), (byte[])row.GetValue(1));
        }
        using var find = new SqlStatement(connection, "SELECT kind, version, payload FROM journal WHERE ordinal = $0", 1);
        var events = new List<EventRecord>();
        long expected = snapshot?.SequenceNr ?? 0;
        foreach (LiveEvent live in _appender.Events.Of(persistenceId).Where(live => live.SequenceNr > (snapshot?.SequenceNr ?? 0)))
        {
            using SqliteDataReader row = find.Query(live.Ordinal);
            if (live.SequenceNr != ++expected || !row.Read())
                throw new JournalException($"The journal {Description} has lost event {expected} of {persistenceId}; restore it from a backup.");
            events.Add(new EventRecord((ushort)row.GetInt32(0), (ushort)row.GetInt32(1), (byte[])row.GetValue(2)));
        }
        return new RecoveredJournal(snapshot, events);
    });

    public async ValueTask<IReadOnlyList<string>> ListPersistenceIdsAsync(string prefix, CancellationToken cancellationToken) =>
        await _database.RunAsync(connection =>
        {
            // Everything with the prefix sorts before the prefix whose last character is one higher.
            using var statement = new SqlStatement(connection,
                """
                SELECT persistence_id FROM actor WHERE persistence_id >= $0 AND persistence_id < $1
                UNION SELECT persistence_id FROM snapshot WHERE persistence_id >= $0 AND persistence_id < $1
                """, 2);
            var ids = new List<string>();
            using SqliteDataReader row = statement.Query(prefix, prefix[..^1] + (char)(prefix[^1] + 1));
            while (row.Read())
                ids.Add(row.GetString(0));
            return ids;
        });

    public async ValueTask TrimAsync(Fence fence, string persistenceId, long upToSequenceNr, CancellationToken cancellationToken) =>
        await _database.RunAsync(connection =>
        {
            if (!_appender.Holds(fence))
                return 0;
            using var snapshot = new SqlStatement(connection, "SELECT sequence_nr FROM snapshot WHERE persistence_id = $0", 1);
            long covered = Math.Min(upToSequenceNr, snapshot.Scalar(persistenceId) as long? ?? 0);
            // The rows go with the next appends.
            _appender.Events.Trim(persistenceId, covered);
            return 0;
        });

    public async ValueTask DisposeAsync()
    {
        await _database.RunAsync(_ =>
        {
            _appender.Dispose();
            return 0;
        });
        await _database.DisposeAsync();
    }

    /// <summary>
    /// The machine's clock, unless that has been set back: then time goes on from the latest there was, over restarts, too. Deadlines and
    /// the memory of answers rest on it.
    /// </summary>
    private DateTimeOffset Now()
    {
        // In this order: a pause between the two readings must not make the clock gain.
        DateTimeOffset wall = _time.GetUtcNow();
        long timestamp = _time.GetTimestamp();
        DateTimeOffset next = _latest + _time.GetElapsedTime(_latestAt, timestamp);
        _latest = wall > next ? wall : next;
        _latestAt = timestamp;
        return _latest;
    }

    /// <summary>A time that this journal's clock has reached before, 2 s ago or less when it was last closed or lost.</summary>
    private static DateTimeOffset LatestTime(SqliteConnection connection)
    {
        using var latest = new SqlStatement(connection,
            """
            SELECT max(ifnull((SELECT max(abs(heartbeat_at)) FROM node), 0), ifnull((SELECT written_at FROM journal ORDER BY ordinal DESC LIMIT 1), 0))
            """, 0);
        return DateTimeOffset.FromUnixTimeMilliseconds((long)latest.Scalar()!);
    }

    private static void CreateClusterIfMissing(SqliteConnection connection, ClusterRecord cluster)
    {
        using var insert = new SqlStatement(connection,
            """
            INSERT OR IGNORE INTO cluster (id, schema_version, cluster_id, lineage, store_bound, shard_count, entity_hash, feature_level)
            VALUES (1, $0, $1, $2, $3, $4, $5, $6)
            """, 7);
        insert.Execute(SqliteSchema.Version, cluster.ClusterId, cluster.Lineage, cluster.StoreBound ? 1 : 0, cluster.ShardCount,
            cluster.EntityHash, cluster.FeatureLevel);
    }

    private static ClusterRecord ReadCluster(SqliteConnection connection)
    {
        using var statement = new SqlStatement(connection,
            "SELECT cluster_id, lineage, store_bound, shard_count, entity_hash, feature_level FROM cluster", 0);
        using SqliteDataReader row = statement.Query();
        if (!row.Read())
            throw new JournalException("The journal has no cluster row; restore it from a backup.");
        return new ClusterRecord(row.GetString(0), row.GetInt64(1), row.GetBoolean(2), row.GetInt32(3), row.GetString(4), row.GetInt32(5));
    }

    /// <summary>Looks at a file before anything in it is changed.</summary>
    private static void CheckExisting(SqliteConnection connection, string path, Action<ClusterRecord?>? check)
    {
        if (!SqliteSchema.HasTable(connection, "cluster"))
            throw new JournalException($"The file {path} is a SQLite database, but no journal; name another in warp.journal.url.");
        try
        {
            CheckVersion(connection, path);
            check?.Invoke(ReadCluster(connection));
        }
        catch
        {
            // Closing would move the write-ahead log into the file; whoever looks for what went wrong should find both as they were.
            raw.sqlite3_db_config(connection.Handle, raw.SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, out _);
            throw;
        }
    }

    private static void CheckVersion(SqliteConnection connection, string path)
    {
        using var statement = new SqlStatement(connection, "SELECT schema_version FROM cluster", 0);
        if (statement.Scalar() is long found && found > SqliteSchema.Version)
            throw new JournalException($"The journal sqlite:{path} was written by a newer Warp (its tables are version {found}, this one knows {SqliteSchema.Version}); run that version.");
    }

    private static string Explain(Exception error, string path) => error switch
    {
        SqliteException { SqliteErrorCode: 5 or 6 } => $"The journal sqlite:{path} is in use by another process; stop that node, or give this one a journal of its own (warp.journal.url).",
        SqliteException { SqliteErrorCode: 26 } => $"The file {path} is not a SQLite database; name another in warp.journal.url.",
        SqliteException { SqliteErrorCode: 11 } => $"The journal sqlite:{path} is damaged ({error.Message}); restore it from a backup.",
        SqliteException { SqliteErrorCode: 13 } => $"The disk of the journal sqlite:{path} is full; make room and start again.",
        _ => $"The journal sqlite:{path} cannot be opened: {error.Message}",
    };
}
