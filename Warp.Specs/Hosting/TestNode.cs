namespace Warp.Specs.Hosting;

/// <summary>A node of a <see cref="TestCluster"/>: a process, and what can be done to its connections.</summary>
public sealed class TestNode : IAsyncDisposable
{
    private readonly PostgresDatabase _database;
    private int? _id;

    internal TestNode(TestCluster cluster, string[] settings)
    {
        _database = cluster.Database;
        int rpc = FreePorts.Take();
        Rpc = new TcpProxy(rpc);
        Journal = new TcpProxy(cluster.Database.Server.Port);
        Process = WarpProcess.Create(
            new Dictionary<string, string>(),
            [
                $"warp.journal.url=postgres://{PostgresServer.User}:{PostgresServer.Password}@127.0.0.1:{Journal.Port}/{cluster.Database.Name}",
                $"warp.store.url=file:{cluster.StoreFolder}",
                $"warp.cluster.secret={TestCluster.Secret}",
                $"warp.rpc.listen=127.0.0.1:{rpc}",
                $"warp.rpc.advertised=127.0.0.1:{Rpc.Port}",
                .. settings,
            ]);
    }

    /// <summary>The process. It keeps its ports when it is started again.</summary>
    public WarpProcess Process { get; }

    /// <summary>Its way to the database.</summary>
    public TcpProxy Journal { get; }

    /// <summary>The other nodes' way to it.</summary>
    public TcpProxy Rpc { get; }

    /// <summary>For clients.</summary>
    public string Bootstrap => Process.Bootstrap;

    /// <summary>The id that the journal has given it.</summary>
    public async Task<int> IdAsync() => _id ??= (await _database.QueryAsync<int>(
        "SELECT node_id FROM node WHERE kafka_port = @port", ("port", int.Parse(Bootstrap.Split(':')[1])))).Single();

    /// <summary>Which shards it owns, by the journal; singletons are not among them.</summary>
    public async Task<IReadOnlyList<int>> ShardsAsync() => await _database.QueryAsync<int>(
        "SELECT shard_id FROM shard WHERE owner_node = @id AND lease_until > clock_timestamp() AND shard_id < 1000 ORDER BY shard_id",
        ("id", await IdAsync()));

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        await Rpc.DisposeAsync();
        await Journal.DisposeAsync();
    }
}
