using System.Diagnostics;
using Warp.Actors.Cluster;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>
/// What an operator sees of a node that cannot become part of its cluster: one line that says what to do, and exit code 2; or a node that says what
/// it waits for, where waiting helps.
/// </summary>
public sealed class ClusterErrorsSpec(ITestOutputHelper output)
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_wrong_password() =>
        await AssertRefusedAsync(
            "does not let the user warp in", $"warp.journal.url=postgres://warp:wrong@127.0.0.1:{(await PostgresServer.SharedAsync()).Port}/postgres");

    [Fact]
    public async Task A_database_that_does_not_exist() =>
        await AssertRefusedAsync(
            "has no database 'nowhere'", $"warp.journal.url=postgres://warp:warp@127.0.0.1:{(await PostgresServer.SharedAsync()).Port}/nowhere");

    [Fact]
    public async Task A_server_that_is_not_there_and_does_not_come() =>
        await AssertRefusedAsync("cannot be reached", "warp.journal.url=postgres://warp:warp@127.0.0.1:1/postgres", "warp.journal.wait=1s");

    [Fact]
    public async Task Nodes_of_a_cluster_that_have_another_secret_or_the_same_address_and_a_database_of_a_newer_version()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(2);
        string journal = $"warp.journal.url={cluster.Database.Url}";
        string store = $"warp.store.url=file:{cluster.StoreFolder}";

        await AssertRefusedAsync("warp.cluster.secret", journal, store, "warp.cluster.secret=quite another secret");
        await AssertRefusedAsync(
            $"has the address {cluster.Nodes[0].Bootstrap}", journal, store, $"warp.kafka.advertised={cluster.Nodes[0].Bootstrap}");
        await AssertRefusedAsync(
            $"has the address 127.0.0.1:{cluster.Nodes[1].Rpc.Port}", journal, store, $"warp.rpc.advertised=127.0.0.1:{cluster.Nodes[1].Rpc.Port}");
        await cluster.Database.ExecuteAsync("UPDATE cluster SET schema_version = 99");
        await AssertRefusedAsync("was written by a newer Warp", journal, store);

        // Nobody has been disturbed by them.
        Assert.All(cluster.Nodes, static node => Assert.False(node.Process.HasExited));
        Assert.Equal(2L, (await cluster.Database.QueryAsync<long>("SELECT count(*) FROM node")).Single());
    }

    [Fact]
    public async Task A_node_that_starts_while_the_database_is_down_says_so_and_waits()
    {
        await using TestCluster cluster = await TestCluster.StartWithServerAsync(0);
        TestNode node = cluster.Create();
        await cluster.Database.Server.CrashAsync();

        node.Process.Launch();
        await Wait.UntilAsync(() => node.Process.Output.Contains("The node cannot start yet"), s_patience, "the node to say what it waits for");
        Assert.False(node.Process.HasExited);
        await cluster.Database.Server.StartAgainAsync();
        await node.Process.ReadyAsync();

        foreach (string line in node.Process.Output.Split('\n').Where(static line => line.Contains("cannot start yet")))
            output.WriteLine(line);
    }

    [Fact]
    public async Task A_node_that_waits_for_the_database_ends_when_it_is_told_to()
    {
        await using TestCluster cluster = await TestCluster.StartWithServerAsync(0);
        TestNode node = cluster.Create();
        await cluster.Database.Server.CrashAsync();
        node.Process.Launch();
        await Wait.UntilAsync(() => node.Process.Output.Contains("The node cannot start yet"), s_patience, "the node to say what it waits for");

        Assert.Equal(0, await node.Process.TerminateAsync(s_patience));
    }

    /// <summary>With the leases as they are: nobody waits for the one of its earlier life, or takes its shards.</summary>
    [Fact]
    public async Task A_node_that_was_killed_is_back_at_once_with_the_shards_that_it_had()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(2);
        await cluster.SettledAsync(s_patience, [.. cluster.Nodes]);
        TestNode node = cluster.Nodes[0];
        IReadOnlyList<int> shards = await node.ShardsAsync();

        await node.Process.KillAsync();
        var clock = Stopwatch.StartNew();
        await node.Process.StartAgainAsync();

        output.WriteLine($"back after {clock.Elapsed.TotalSeconds:F1} s");
        Assert.True(clock.Elapsed < new TimeConstants().Lease, $"back only after {clock.Elapsed.TotalSeconds:F1} s");
        Assert.Equal(shards, await node.ShardsAsync());
    }

    private async Task AssertRefusedAsync(string said, params string[] settings)
    {
        DirectoryInfo folder = Directory.CreateTempSubdirectory("warp-specs-");
        try
        {
            WarpRun run = await WarpRun.NodeAsync(
            [
                $"warp.kafka.listen=127.0.0.1:{FreePorts.Take()}",
                $"warp.http.listen=127.0.0.1:{FreePorts.Take()}",
                $"warp.rpc.listen=127.0.0.1:{FreePorts.Take()}",
                $"warp.store.url=file:{folder.FullName}",
                $"warp.cluster.secret={TestCluster.Secret}",
                .. settings,
            ]);
            output.WriteLine(string.Join('\n', run.Errors));
            Assert.Equal(2, run.ExitCode);
            // Before it there may be what it has waited for.
            string line = Assert.Single(run.Errors, static line => line.StartsWith("warp: ", StringComparison.Ordinal));
            Assert.Equal(line, run.Errors[^1]);
            Assert.Contains(said, line, StringComparison.Ordinal);
            Assert.Empty(run.Output);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }
}
