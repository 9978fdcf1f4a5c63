using Npgsql;

namespace Warp.Actors.Persistence.Sql;

/// <summary>
/// The pool of connections of a <see cref="PostgresJournal"/>. It survives restarts and fail-overs of the database: what breaks is
/// thrown away with everything that may be broken like it. Thread-safe.
/// </summary>
internal sealed class PostgresConnections : IAsyncDisposable
{
    /// <summary>
    /// How long a statement may take, wait for a lock, or a transaction wait for its client. Whoever is stuck in the middle of a
    /// statement holds up a takeover for no longer than this (the architecture's rule 2).
    /// </summary>
    private const int StatementTimeoutMs = 3000;

    /// <summary>
    /// When we give a statement up: later than the database does, whose word is better than none. A server that is stopped or cut off
    /// is given up then.
    /// </summary>
    private const int AnswerTimeoutSeconds = 5;

    /// <inheritdoc cref="AnswerTimeoutSeconds"/>
    public static readonly TimeSpan AnswerTimeout = TimeSpan.FromSeconds(AnswerTimeoutSeconds);

    private const int KeepaliveSeconds = 1;

    /// <summary>
    /// After so long without a statement that succeeded, a connection is tried out before something depends on it, which takes a round
    /// trip: no server restarts more quickly.
    /// </summary>
    private static readonly TimeSpan s_idle = TimeSpan.FromMilliseconds(50);

    private static readonly TimeSpan s_connectTimeout = TimeSpan.FromSeconds(3);

    /// <summary>
    /// How long it may take until there is a connection. The driver tries several ways one after the other (with and without encryption), each
    /// for as long as its time-out says: at a server that is silent that adds up to more than a lease.
    /// </summary>
    private static readonly TimeSpan s_openTimeout = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Sets those of these that the database knows; the ones above all do, and must. Short keepalives and checks: what a client that is
    /// gone has begun must end. An asynchronous commit would lose what was acknowledged. The rest is about plans: all our statements find
    /// rows by their keys, so a plan that is made while a table is small must not go through the whole of it when it has grown.
    /// </summary>
    private const string Settings = """
        SELECT set_config(s.name, w.value, FALSE) FROM pg_settings s JOIN (VALUES
          ('transaction_timeout', '3000'), ('tcp_keepalives_idle', '1'), ('tcp_keepalives_interval', '1'), ('tcp_keepalives_count', '3'),
          ('tcp_user_timeout', '3000'), ('client_connection_check_interval', '1000'), ('default_transaction_isolation', 'read committed'),
          ('enable_seqscan', 'off'), ('jit', 'off'), ('plan_cache_mode', 'force_generic_plan'), ('client_min_messages', 'error')
        ) AS w (name, value) ON w.name = s.name
        UNION ALL
        SELECT set_config(s.name, 'on', FALSE) FROM pg_settings s WHERE s.name = 'synchronous_commit' AND s.setting = 'off'
        """;

    private readonly NpgsqlDataSource _pool;
    private readonly NpgsqlDataSource _source;
    private readonly PostgresSettings _settings;
    private readonly TimeProvider _time;
    private long _succeededAt;
    private volatile bool _isDoubtful = true;

    public PostgresConnections(PostgresSettings settings, TimeProvider time)
    {
        NpgsqlConnectionStringBuilder driver = settings.ToDriver(s_connectTimeout);
        driver.CommandTimeout = AnswerTimeoutSeconds;
        // A statement that has not been answered by then is not asked to end but cut off.
        driver.CancellationTimeout = -1;
        driver.TcpKeepAlive = true;
        driver.TcpKeepAliveTime = KeepaliveSeconds;
        driver.TcpKeepAliveInterval = KeepaliveSeconds;
        driver.HostRecheckSeconds = 1;
        driver.MaxAutoPrepare = 64;
        driver.AutoPrepareMinUsages = 2;
        // The settings are made once a connection, and nothing else of its state is changed.
        driver.NoResetOnClose = true;
        driver.Enlist = false;
        var builder = new NpgsqlDataSourceBuilder(driver.ToString());
        builder.UsePhysicalConnectionInitializer(static _ => throw new NotSupportedException(), InitializeAsync);
        if (settings.Hosts.Count == 1)
        {
            _source = _pool = builder.Build();
        }
        else
        {
            NpgsqlMultiHostDataSource hosts = builder.BuildMultiHost();
            (_pool, _source) = (hosts, hosts.WithTargetSession(TargetSessionAttributes.ReadWrite));
        }
        _settings = settings;
        _time = time;
    }

    /// <summary>
    /// A connection on which a statement is sure to arrive, as far as one can know: after a pause it is tried out first, so that a
    /// restart of the database that happened meanwhile is not taken for an outcome that nobody knows.
    /// </summary>
    /// <exception cref="TimeoutException">There is none in time.</exception>
    public async ValueTask<NpgsqlConnection> OpenAsync(CancellationToken cancellationToken)
    {
        Task<NpgsqlConnection> opening = OpenTriedAsync();
        try
        {
            return await opening.WaitAsync(s_openTimeout, _time, cancellationToken);
        }
        catch (Exception error) when (!opening.IsFaulted)
        {
            Doubt();
            _ = CloseLateAsync();
            if (error is TimeoutException)
                throw new TimeoutException($"There was no connection to the database within {s_openTimeout.TotalSeconds} s.");
            throw;
        }

        async Task CloseLateAsync()
        {
            try
            {
                await (await opening).DisposeAsync();
            }
            catch (Exception)
            {
                // It has told what it had to by failing late.
            }
        }
    }

    private async Task<NpgsqlConnection> OpenTriedAsync()
    {
        bool hasTried = !_isDoubtful && _time.GetElapsedTime(Volatile.Read(ref _succeededAt)) < s_idle;
        while (true)
        {
            NpgsqlConnection connection = await _source.OpenConnectionAsync(CancellationToken.None);
            try
            {
                if (!hasTried)
                {
                    await using var ping = new NpgsqlCommand("SELECT 1", connection);
                    await ping.ExecuteNonQueryAsync(CancellationToken.None);
                    Succeeded();
                }
                return connection;
            }
            catch (Exception error)
            {
                await connection.DisposeAsync();
                Failed(error);
                // Once again, on a new connection.
                if (hasTried)
                    throw;
                hasTried = true;
            }
        }
    }

    /// <summary>
    /// Runs a statement, and again when the database undid it because it collided with another. Who gives up does not wait for it any more; it
    /// goes on until it has an answer or its time is over. (To cancel it the driver would first ask the database to end it, over another
    /// connection, and whoever gives up would wait for that.)
    /// </summary>
    /// <exception cref="JournalException">It failed.</exception>
    public async ValueTask<List<T>> QueryAsync<T>(
        string sql, Func<NpgsqlDataReader, T> row, CancellationToken cancellationToken, params NpgsqlParameter[] parameters)
    {
        Task<List<T>> query = QueryAsync(sql, row, parameters);
        try
        {
            return await query.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (!query.IsCompleted)
        {
            Doubt();
            Forget(query);
            throw;
        }
    }

    /// <summary>Has a task that nobody waits for any more fail in silence.</summary>
    public static void Forget(Task task) => _ = task.ContinueWith(
        static failed => failed.Exception, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);

    private async Task<List<T>> QueryAsync<T>(string sql, Func<NpgsqlDataReader, T> row, NpgsqlParameter[] parameters)
    {
        const int MaxAttempts = 10;
        for (int attempt = 1; ; attempt++)
        {
            try
            {
                await using NpgsqlConnection connection = await OpenAsync(CancellationToken.None);
                await using var command = new NpgsqlCommand(sql, connection);
                command.Parameters.AddRange(parameters);
                try
                {
                    return await ReadToEndAsync(command, row);
                }
                finally
                {
                    command.Parameters.Clear();
                }
            }
            catch (Exception error) when (error is NpgsqlException or TimeoutException or IOException)
            {
                Failed(error);
                if (attempt == MaxAttempts || !PostgresErrors.IsCollision(error))
                    throw PostgresErrors.Explain(error, _settings);
            }
            await Task.Delay(TimeSpan.FromMilliseconds(attempt), _time, CancellationToken.None);
        }
    }

    /// <summary>
    /// Reads all rows, and on until the database says that it is ready for the next statement: only that comes after the commit.
    /// </summary>
    public async ValueTask<List<T>> ReadToEndAsync<T>(NpgsqlCommand command, Func<NpgsqlDataReader, T> row)
    {
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync(CancellationToken.None);
        var rows = new List<T>();
        do
        {
            while (await reader.ReadAsync(CancellationToken.None))
                rows.Add(row(reader));
        }
        while (await reader.NextResultAsync(CancellationToken.None));
        Succeeded();
        return rows;
    }

    /// <summary>After an error of a connection the others are likely to be broken too, or to lead to a server that is a standby now.</summary>
    public void Failed(Exception error)
    {
        if (!PostgresErrors.IsRolledBack(error) || PostgresErrors.IsStandby(error))
            Doubt();
    }

    public ValueTask DisposeAsync() => _pool.DisposeAsync();

    private void Doubt()
    {
        _isDoubtful = true;
        _pool.Clear();
    }

    private void Succeeded()
    {
        Volatile.Write(ref _succeededAt, _time.GetTimestamp());
        _isDoubtful = false;
    }

    private static async Task InitializeAsync(NpgsqlConnection connection)
    {
        await using var required = new NpgsqlCommand(
            $"SET statement_timeout = {StatementTimeoutMs}; SET lock_timeout = {StatementTimeoutMs}; SET idle_in_transaction_session_timeout = {StatementTimeoutMs}",
            connection);
        await required.ExecuteNonQueryAsync();
        await using var others = new NpgsqlCommand(Settings, connection);
        await others.ExecuteNonQueryAsync();
    }
}
