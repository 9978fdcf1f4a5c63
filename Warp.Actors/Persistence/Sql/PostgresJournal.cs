using Npgsql;
using static Warp.Actors.Persistence.Sql.PostgresParameter;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// The journal of a cluster, in a database that speaks PostgreSQL's protocol. Every call is one statement and so one transaction that never
/// waits for its client; leases, deadlines and ages are measured by the database's clock, at the moment when the locks have been taken.
/// Locks are taken in the order cluster, node, shard id, object id.
/// </summary>
public sealed partial class PostgresJournal : IJournal
{
    /// <summary>True while the shard ($1) has the epoch ($2) and its lease holds; its row is locked from then on.</summary>
    private const string FenceRow = "fence AS MATERIALIZED (SELECT 1 FROM shard WHERE shard_id = $1 AND epoch = $2 AND lease_until > clock_timestamp() FOR UPDATE)";

    private const string WhileFenced = "EXISTS (SELECT 1 FROM fence)";

    /// <summary>How often a statement is run that collides with others every time.</summary>
    private const int MaxAttempts = 10;

    private readonly PostgresConnections _connections;
    private readonly TimeProvider _time;

    private PostgresJournal(PostgresConnections connections, TimeProvider time, string description)
    {
        _connections = connections;
        _time = time;
        Description = description;
    }

    public string Description { get; }

    /// <summary>Opens the database, making the tables (and a new cluster in them) when they are missing.</summary>
    /// <param name="settings">Where it is.</param>
    /// <param name="newCluster">What a new cluster is like.</param>
    /// <param name="time">For waits; it is not the journal's clock.</param>
    /// <param name="check">
    /// Sees what the journal says of its cluster, null for a new one; when it throws, nothing has been changed. It may be called again.
    /// </param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="JournalException">It cannot be reached, is not a journal, or is of a newer version.</exception>
    public static async Task<PostgresJournal> OpenAsync(
        PostgresSettings settings,
        ClusterRecord newCluster,
        TimeProvider time,
        Action<ClusterRecord?>? check = null,
        CancellationToken cancellationToken = default)
    {
        var connections = new PostgresConnections(settings, time);
        try
        {
            await PostgresSchema.OpenAsync(connections, settings.ToString(), newCluster, check, time, cancellationToken);
            return new PostgresJournal(connections, time, settings.ToString());
        }
        catch (Exception error)
        {
            await connections.DisposeAsync();
            if (error is NpgsqlException)
                throw PostgresErrors.Explain(error, settings);
            throw;
        }
    }

    public ValueTask<ClusterRecord> ReadClusterAsync(CancellationToken cancellationToken) =>
        PostgresSchema.ReadClusterAsync(_connections, Description, cancellationToken);

    public async ValueTask RaiseLineageAsync(long lineage, bool storeBound, CancellationToken cancellationToken) =>
        await ExecuteAsync(
            "UPDATE cluster SET lineage = greatest(lineage, $1), store_bound = store_bound OR $2 WHERE id = 1",
            cancellationToken, Of(lineage), Of(storeBound));

    public async ValueTask<DateTimeOffset> ReadClockAsync(CancellationToken cancellationToken) =>
        (await _connections.QueryAsync("SELECT clock_timestamp()", static row => row.GetFieldValue<DateTimeOffset>(0), cancellationToken))[0];

    public async ValueTask<IReadOnlyList<WriteResult>> AppendAsync(IReadOnlyList<ActorWrite> writes, CancellationToken cancellationToken)
    {
        var results = new WriteResult[writes.Count];
        int first = 0;
        foreach (int count in PostgresAppend.CountTogether(writes))
        {
            await AppendTogetherAsync(writes, first, count, results, cancellationToken);
            first += count;
        }
        return results;
    }

    public async ValueTask<RecoveredJournal> RecoverAsync(string persistenceId, CancellationToken cancellationToken)
    {
        // One statement sees both as of one moment. A snapshot's row has no kind, and its number is below those of the events after it.
        List<(long Nr, bool IsEvent, EventRecord Record)> rows = await _connections.QueryAsync(
            """
            SELECT sequence_nr, NULL::INT AS kind, NULL::INT AS version, payload FROM snapshot WHERE persistence_id = $1
            UNION ALL
            SELECT sequence_nr, kind, version, payload FROM journal WHERE persistence_id = $1
              AND sequence_nr > coalesce((SELECT s.sequence_nr FROM snapshot s WHERE s.persistence_id = $1), 0)
            ORDER BY sequence_nr
            """,
            static row => row.IsDBNull(1)
                ? (row.GetInt64(0), false, new EventRecord(0, 0, row.GetFieldValue<byte[]>(3)))
                : (row.GetInt64(0), true, new EventRecord((ushort)row.GetInt32(1), (ushort)row.GetInt32(2), row.GetFieldValue<byte[]>(3))),
            cancellationToken,
            Of(persistenceId));
        SnapshotRecord? snapshot = null;
        var events = new List<EventRecord>(rows.Count);
        long expected = 0;
        foreach ((long number, bool isEvent, EventRecord record) in rows)
        {
            if (!isEvent)
                snapshot = new SnapshotRecord(expected = number, record.Payload);
            else if (number == ++expected)
                events.Add(record);
            else
                throw new JournalException($"The journal {Description} has lost event {expected} of {persistenceId}; restore it from a backup.");
        }
        return new RecoveredJournal(snapshot, events);
    }

    public async ValueTask<IReadOnlyList<string>> ListPersistenceIdsAsync(string prefix, CancellationToken cancellationToken) =>
        // Everything with the prefix sorts before the prefix whose last character is one higher.
        await _connections.QueryAsync(
            """
            SELECT persistence_id FROM journal WHERE persistence_id >= $1 AND persistence_id < $2
            UNION SELECT persistence_id FROM snapshot WHERE persistence_id >= $1 AND persistence_id < $2
            """,
            static row => row.GetString(0),
            cancellationToken,
            Of(prefix),
            Of(prefix[..^1] + (char)(prefix[^1] + 1)));

    public async ValueTask TrimAsync(Fence fence, string persistenceId, long upToSequenceNr, CancellationToken cancellationToken)
    {
        // In pieces, because the shard's row is locked meanwhile, and appends wait for it.
        const int MaxEvents = 10_000;
        long deleted;
        do
        {
            List<long> counts = await _connections.QueryAsync(
                $"""
                WITH {FenceRow}, gone AS (
                  DELETE FROM journal WHERE persistence_id = $3 AND sequence_nr <= $4
                    AND sequence_nr <= (SELECT s.sequence_nr FROM snapshot s WHERE s.persistence_id = $3)
                    AND sequence_nr < $5 + (SELECT min(j.sequence_nr) FROM journal j WHERE j.persistence_id = $3) AND {WhileFenced}
                  RETURNING 1
                )
                SELECT count(*) FROM gone
                """,
                static row => row.GetInt64(0),
                cancellationToken,
                Of(fence.ShardId), Of(fence.Epoch), Of(persistenceId), Of(upToSequenceNr), Of((long)MaxEvents));
            deleted = counts[0];
        }
        while (deleted == MaxEvents);
    }

    public ValueTask DisposeAsync() => _connections.DisposeAsync();

    private async Task AppendTogetherAsync(
        IReadOnlyList<ActorWrite> writes, int first, int count, WriteResult[] results, CancellationToken cancellationToken)
    {
        for (int attempt = 1; ; attempt++)
        {
            NpgsqlConnection connection;
            try
            {
                connection = await _connections.OpenAsync(cancellationToken);
            }
            catch (Exception error)
            {
                // Nothing of it was sent.
                Fill(WriteResult.Refused(WriteRefusal.RolledBack, $"no connection to the database: {PostgresErrors.Detail(error)}"));
                return;
            }
            Task<List<PostgresAppend.Refusal?>> append = AppendOnceAsync(connection, writes, first, count);
            try
            {
                // Before it tells that its time is over the driver tries to cancel it; what waits here need not wait for that, too.
                List<PostgresAppend.Refusal?> refusals = await append.WaitAsync(PostgresConnections.AnswerTimeout, _time, CancellationToken.None);
                Fill(WriteResult.Written);
                foreach (PostgresAppend.Refusal? refusal in refusals)
                {
                    if (refusal is { } refused)
                        results[first + refused.Index] = PostgresAppend.Explain(refused, writes, first);
                }
                return;
            }
            catch (Exception error) when (PostgresAppend.MayRepeat(error) && attempt < MaxAttempts)
            {
            }
            catch (Exception error)
            {
                PostgresConnections.Forget(append);
                _connections.Failed(error);
                Fill(PostgresErrors.IsRolledBack(error)
                    ? WriteResult.Refused(WriteRefusal.RolledBack, PostgresErrors.Detail(error))
                    : new WriteResult(WriteOutcome.Unknown, WriteRefusal.None, PostgresErrors.Detail(error)));
                return;
            }
            await Task.Delay(TimeSpan.FromMilliseconds(attempt), _time, CancellationToken.None);
        }

        void Fill(WriteResult result) => Array.Fill(results, result, first, count);
    }

    /// <summary>Not to be cancelled: whether it was written would be lost.</summary>
    private async Task<List<PostgresAppend.Refusal?>> AppendOnceAsync(
        NpgsqlConnection connection, IReadOnlyList<ActorWrite> writes, int first, int count)
    {
        await using (connection)
        {
            await using NpgsqlCommand command = PostgresAppend.Command(connection, writes, first, count);
            return await _connections.ReadToEndAsync(command, PostgresAppend.ReadRefusal);
        }
    }

    /// <summary>Runs a statement that has no answer.</summary>
    private async ValueTask ExecuteAsync(string sql, CancellationToken cancellationToken, params NpgsqlParameter[] parameters) =>
        await _connections.QueryAsync(sql, static _ => 0, cancellationToken, parameters);
}
