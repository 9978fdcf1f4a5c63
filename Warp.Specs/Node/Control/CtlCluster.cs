using Warp.Specs.Hosting;

namespace Warp.Specs.Node.Control;

/// <summary>A cluster of node processes on a PostgreSQL database of its own. Leases are short.</summary>
internal sealed class CtlCluster : IAsyncDisposable
{
    private readonly DirectoryInfo _store = Directory.CreateTempSubdirectory("warp-specs-");

    private CtlCluster()
    {
    }

    /// <summary>The nodes, with the numbers 1, 2 and so on.</summary>
    public WarpProcess[] Nodes { get; private set; } = [];

    public static async Task<CtlCluster> StartAsync(int count)
    {
        PostgresDatabase database = await (await PostgresServer.SharedAsync()).NewDatabaseAsync();
        var cluster = new CtlCluster();
        try
        {
            cluster.Nodes = await Task.WhenAll(Enumerable.Range(1, count).Select(id => WarpProcess.StartAsync(
                $"warp.node.id={id}",
                $"warp.rpc.listen=127.0.0.1:{FreePorts.Take()}",
                $"warp.journal.url={database.Url}",
                $"warp.store.url=file:{cluster._store.FullName}",
                "warp.cluster.secret=the nodes of a spec know it",
                "warp.timing.scale=0.5")));
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        foreach (WarpProcess node in Nodes)
            await node.DisposeAsync();
        _store.Delete(recursive: true);
    }
}
