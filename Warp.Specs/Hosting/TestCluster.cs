using Xunit;

namespace Warp.Specs.Hosting;

/// <summary>
/// Nodes in processes of their own, with one PostgreSQL database and one folder of objects. Each node reaches the database, and is reached by
/// the others, through a proxy of its own, so that it can be cut off from the one or the others alone. One caller at a time.
/// </summary>
public sealed class TestCluster : IAsyncDisposable
{
    /// <summary>What the nodes know each other by.</summary>
    public const string Secret = "the secret of the specs";

    private readonly DirectoryInfo _store = Directory.CreateTempSubdirectory("warp-store-");
    private readonly List<TestNode> _nodes = [];
    private readonly PostgresServer? _ownServer;
    private readonly string[] _settings;

    private TestCluster(PostgresDatabase database, PostgresServer? ownServer, string[] settings)
    {
        Database = database;
        _ownServer = ownServer;
        _settings = settings;
    }

    public PostgresDatabase Database { get; }

    public IReadOnlyList<TestNode> Nodes => _nodes;

    /// <summary>Where the objects are.</summary>
    public string StoreFolder => _store.FullName;

    /// <summary>All nodes, for clients.</summary>
    public string Bootstrap => string.Join(',', _nodes.Select(static node => node.Bootstrap));

    /// <summary>How many objects are in the store.</summary>
    public int ObjectCount => Directory.GetFiles(StoreFolder, "*", SearchOption.AllDirectories).Length;

    /// <summary>Starts nodes on a database of the server that all tests share, and waits until all are ready.</summary>
    /// <param name="nodes">How many.</param>
    /// <param name="settings">Further settings of all of them, each as <c>key=value</c>.</param>
    public static Task<TestCluster> StartAsync(int nodes, params string[] settings) => StartAsync(nodes, static _ => { }, settings);

    /// <summary>The same, with each node prepared before it starts.</summary>
    public static async Task<TestCluster> StartAsync(int nodes, Action<TestNode> prepare, params string[] settings) =>
        await StartAsync(nodes, prepare, await PostgresServer.SharedAsync(), isOwn: false, settings);

    /// <summary>The same with a server of its own, which may be stopped and restarted.</summary>
    public static async Task<TestCluster> StartWithServerAsync(int nodes, params string[] settings) =>
        await StartAsync(nodes, static _ => { }, await PostgresServer.StartAsync(), isOwn: true, settings);

    /// <summary>A node that is not started yet.</summary>
    public TestNode Create(params string[] settings)
    {
        var node = new TestNode(this, [.. _settings, .. settings]);
        _nodes.Add(node);
        return node;
    }

    /// <summary>Starts all nodes that do not run, and waits until they are ready.</summary>
    public Task StartAllAsync() => Task.WhenAll(
        _nodes.Where(static node => node.Process.HasExited).Select(static node => node.Process.StartAgainAsync()));

    /// <summary>Starts a further node, and waits until it is ready.</summary>
    public async Task<TestNode> AddAsync(params string[] settings)
    {
        TestNode node = Create(settings);
        await node.Process.StartAgainAsync();
        return node;
    }

    /// <summary>
    /// Cuts a node off from the other ones, in both directions, or lets it reach them again.
    /// </summary>
    /// <param name="node">The node.</param>
    /// <param name="fate">How; <see cref="LinkFate.Pass"/> ends it.</param>
    public void Isolate(TestNode node, LinkFate fate)
    {
        int process = node.Process.ProcessId;
        foreach (TestNode other in _nodes)
        {
            int port = other.Rpc.Port;
            if (other == node || fate == LinkFate.Pass)
                other.Rpc.Decide(_ => fate);
            else
                other.Rpc.Decide(client => SocketOwner.IsOf(process, client, port) ? fate : LinkFate.Pass);
        }
    }

    /// <summary>Cuts a node off from the database, or lets it reach that again.</summary>
    public void IsolateFromDatabase(TestNode node, LinkFate fate) => node.Journal.Decide(_ => fate);

    /// <summary>Waits until each shard and singleton is owned by a node that is among these, and each of these has its share of the shards.</summary>
    public async Task SettledAsync(TimeSpan timeout, params TestNode[] nodes)
    {
        int[] ids = await Task.WhenAll(nodes.Select(static node => node.IdAsync()));
        await WaitAsync(
            async () => (await Database.QueryAsync<bool>(
                """
                SELECT count(*) = 64 + 4 AND bool_and(least_of_each >= 64 / cardinality(@ids)) FROM shard, (
                  SELECT min(owned) AS least_of_each FROM (
                    SELECT count(s.shard_id) AS owned FROM unnest(@ids) AS n (id) LEFT JOIN shard s ON s.owner_node = n.id AND s.shard_id < 1000 GROUP BY n.id
                  ) AS each_node
                ) AS least
                WHERE owner_node = ANY (@ids) AND owner_node = coalesce(assigned_node, owner_node) AND lease_until > clock_timestamp()
                """,
                ("ids", ids))).Single(),
            timeout,
            $"all shards at nodes {string.Join(", ", ids)}");
    }

    /// <summary>Waits until a question has the answer yes.</summary>
    public static async Task WaitAsync(Func<Task<bool>> condition, TimeSpan timeout, string what)
    {
        using var late = new CancellationTokenSource(timeout);
        while (!await condition())
        {
            if (late.IsCancellationRequested)
                throw new TimeoutException($"waited {timeout.TotalSeconds} s in vain for {what}");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }

    /// <summary>What all nodes have logged, each line with its node, in the order of the clock.</summary>
    public IEnumerable<string> Log(Func<string, bool> isWanted) => _nodes
        .SelectMany((node, i) => node.Process.Output.Split('\n').Where(isWanted).Select(line => (Line: line, Node: i)))
        .OrderBy(static entry => entry.Line, StringComparer.Ordinal)
        .Select(static entry => $"[{entry.Node}] {entry.Line}");

    public async ValueTask DisposeAsync()
    {
        await Task.WhenAll(_nodes.Select(static node => node.DisposeAsync().AsTask()));
        if (_ownServer is not null)
            await _ownServer.DisposeAsync();
        _store.Delete(recursive: true);
    }

    private static async Task<TestCluster> StartAsync(int nodes, Action<TestNode> prepare, PostgresServer server, bool isOwn, string[] settings)
    {
        var cluster = new TestCluster(await server.NewDatabaseAsync(), isOwn ? server : null, settings);
        try
        {
            for (int i = 0; i < nodes; i++)
                prepare(cluster.Create());
            await cluster.StartAllAsync();
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }
}
