using Npgsql;

namespace Warp.Specs.Hosting;

/// <summary>A transaction of a test that has changed or locked something, so that statements of a journal must wait for it.</summary>
public sealed class PostgresRowLock : IAsyncDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    private readonly PostgresDatabase _database;
    private readonly NpgsqlConnection _connection;
    private readonly NpgsqlTransaction _transaction;

    private PostgresRowLock(PostgresDatabase database, NpgsqlConnection connection, NpgsqlTransaction transaction)
    {
        _database = database;
        _connection = connection;
        _transaction = transaction;
    }

    /// <summary>Begins a transaction and runs a statement in it.</summary>
    public static async Task<PostgresRowLock> TakeAsync(PostgresDatabase database, string sql, params (string Name, object Value)[] values)
    {
        NpgsqlConnection connection = await database.ConnectAsync();
        var taken = new PostgresRowLock(database, connection, await connection.BeginTransactionAsync());
        await taken.ExecuteAsync("SET deadlock_timeout = '60s'");
        await taken.ExecuteAsync(sql, values);
        return taken;
    }

    /// <summary>Runs another statement in the transaction.</summary>
    public async Task ExecuteAsync(string sql, params (string Name, object Value)[] values)
    {
        await using var command = new NpgsqlCommand(sql, _connection, _transaction);
        foreach ((string name, object value) in values)
            command.Parameters.AddWithValue(name, value);
        await command.ExecuteNonQueryAsync();
    }

    /// <summary>The processes of statements of journals that wait for a lock, once there are so many.</summary>
    public async Task<List<int>> WaitersAsync(int count)
    {
        List<int> waiting = [];
        await using NpgsqlConnection connection = await _database.ConnectAsync();
        await Wait.UntilAsync(
            () =>
            {
                using var command = new NpgsqlCommand(
                    "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'warp' AND wait_event_type = 'Lock'",
                    connection);
                using NpgsqlDataReader reader = command.ExecuteReader();
                waiting = [];
                while (reader.Read())
                    waiting.Add(reader.GetInt32(0));
                return waiting.Count == count;
            },
            s_patience,
            $"{count} statements that wait");
        return waiting;
    }

    public async Task CommitAsync() => await _transaction.CommitAsync();

    /// <summary>Undoes it, and lets those who wait go on.</summary>
    public async Task ReleaseAsync() => await _transaction.RollbackAsync();

    public async ValueTask DisposeAsync()
    {
        await _transaction.DisposeAsync();
        await _connection.DisposeAsync();
    }
}
