using Npgsql;
using Warp.Actors.Persistence.Sql;

namespace Warp.Specs.Hosting;

/// <summary>A PostgreSQL server. One is shared by all tests; a test that stops or crashes it starts one of its own.</summary>
public sealed class PostgresServer : IAsyncDisposable
{
    /// <summary>The one user.</summary>
    public const string User = "warp";

    /// <summary>Its password, for <c>WARP_JOURNAL_PASSWORD</c>.</summary>
    public const string Password = "warp";

    private static readonly Lazy<Task<PostgresServer>> _shared = new(StartAsync);
    private static int _databases;

    private readonly TestServer _server;

    private PostgresServer(TestServer server, int port)
    {
        _server = server;
        Port = port;
    }

    /// <summary>It listens on 127.0.0.1.</summary>
    public int Port { get; }

    /// <summary>The server that all tests share. It ends with this process.</summary>
    public static Task<PostgresServer> SharedAsync() => _shared.Value;

    /// <summary>Starts a server of a test's own.</summary>
    public static async Task<PostgresServer> StartAsync()
    {
        int port = FreePorts.Take();
        string folder = Directory.CreateTempSubdirectory("warp-postgres-").FullName;
        return new PostgresServer(await TestServer.StartAsync("postgres.sh", folder, $"{port}"), port);
    }

    /// <summary>Makes an empty database.</summary>
    public async Task<PostgresDatabase> NewDatabaseAsync()
    {
        var database = new PostgresDatabase(this, $"test{Interlocked.Increment(ref _databases)}");
        await using NpgsqlConnection connection = await ConnectAsync("postgres");
        await using var create = new NpgsqlCommand($"CREATE DATABASE {database.Name}", connection);
        await create.ExecuteNonQueryAsync();
        return database;
    }

    /// <summary>Ends it as a crash does; it has to recover at the next start.</summary>
    public Task CrashAsync() => _server.CommandAsync("stop");

    public Task StartAgainAsync() => _server.CommandAsync("start");

    /// <summary>Stops its processes where they are.</summary>
    public Task PauseAsync() => _server.CommandAsync("pause");

    public Task ResumeAsync() => _server.CommandAsync("resume");

    /// <summary>A connection that is not pooled.</summary>
    public async Task<NpgsqlConnection> ConnectAsync(string database)
    {
        var connection = new NpgsqlConnection(
            $"Host=127.0.0.1;Port={Port};Username={User};Password={Password};Database={database};Pooling=false;Application Name=spec");
        await connection.OpenAsync();
        return connection;
    }

    public ValueTask DisposeAsync() => _server.DisposeAsync();
}

/// <summary>A database of a <see cref="PostgresServer"/>.</summary>
public sealed class PostgresDatabase(PostgresServer server, string name)
{
    public string Name { get; } = name;

    public PostgresServer Server { get; } = server;

    /// <summary>For <c>warp.journal.url</c>.</summary>
    public string Url => $"postgres://{PostgresServer.User}:{PostgresServer.Password}@127.0.0.1:{Server.Port}/{Name}";

    public PostgresSettings Settings => PostgresSettings.Parse(Url, static _ => null);

    public Task<NpgsqlConnection> ConnectAsync() => Server.ConnectAsync(Name);

    /// <summary>Runs a statement, and gives the first column of its rows.</summary>
    public async Task<List<T>> QueryAsync<T>(string sql, params (string Name, object Value)[] values)
    {
        await using NpgsqlConnection connection = await ConnectAsync();
        await using var command = new NpgsqlCommand(sql, connection);
        foreach ((string parameter, object value) in values)
            command.Parameters.AddWithValue(parameter, value);
        var rows = new List<T>();
        await using NpgsqlDataReader reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            rows.Add(reader.GetFieldValue<T>(0));
        return rows;
    }

    /// <summary>Runs statements that have no answer.</summary>
    public async Task ExecuteAsync(string sql, params (string Name, object Value)[] values) => await QueryAsync<object>(sql, values);
}
