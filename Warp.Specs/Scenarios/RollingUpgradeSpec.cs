using Warp.Actors.Cluster;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>A cluster of the previous version becomes one of this version, node by node, while clients use it.</summary>
public sealed class RollingUpgradeSpec(ITestOutputHelper output)
{
    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan s_soon = TimeSpan.FromSeconds(20);

    [Fact]
    public async Task Nodes_of_the_previous_version_and_of_this_one_serve_clients_together_and_the_feature_level_rises_after_the_last()
    {
        string previous = PreviousVersion.Program;
        await using TestCluster cluster = await TestCluster.StartAsync(3, node => node.Process.Program = previous);
        await using RollingLoad load = await RollingLoad.StartAsync(cluster, output);
        try
        {
            foreach (TestNode node in cluster.Nodes)
            {
                Assert.Equal(PreviousVersion.FeatureLevel, await LevelAsync(cluster));
                await load.PhaseAsync("an old node drains", async () => Assert.Equal(0, await node.Process.TerminateAsync(s_drain)));
                node.Process.Program = WarpProcess.ThisVersion;
                await load.PhaseAsync("a new node comes", node.Process.StartAgainAsync);
            }
            await TestCluster.WaitAsync(async () => await LevelAsync(cluster) == FeatureLevels.Newest, s_soon, "the new feature level");
            // And on: what the new level allows meets the same clients.
            await load.PhaseAsync("a new node drains", async () => Assert.Equal(0, await cluster.Nodes[0].Process.TerminateAsync(s_drain)));
            await load.PhaseAsync("it comes back", cluster.Nodes[0].Process.StartAgainAsync);
            await load.FinishAsync();
        }
        catch
        {
            load.Explain();
            throw;
        }

        TestNode late = cluster.Create();
        late.Process.Program = previous;
        late.Process.Launch();
        Assert.Equal(2, await late.Process.WaitForEndAsync(RollingLoad.Patience));
        Assert.Contains($"is at feature level {FeatureLevels.Newest}, this version of Warp knows {PreviousVersion.FeatureLevel}; run a newer one", late.Process.Output);
    }

    [Fact]
    public async Task A_cluster_stays_at_the_level_that_one_of_its_nodes_is_told_to_keep_to_until_it_is_told_otherwise()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(0);
        TestNode first = await cluster.AddAsync("warp.cluster.feature-level=1");
        TestNode second = await cluster.AddAsync();
        await cluster.SettledAsync(RollingLoad.Patience, [.. cluster.Nodes]);
        Assert.Equal(1, await LevelAsync(cluster));

        // One that is only dead may come back as it was.
        await first.Process.KillAsync();
        await cluster.SettledAsync(RollingLoad.Patience, second);
        Assert.Equal(1, await LevelAsync(cluster));

        await first.Process.StartAgainAsync();
        Assert.Equal(0, await first.Process.TerminateAsync(s_drain));
        await TestCluster.WaitAsync(async () => await LevelAsync(cluster) == FeatureLevels.Newest, s_soon, "the new feature level");

        first.Process.Launch();
        Assert.Equal(2, await first.Process.WaitForEndAsync(RollingLoad.Patience));
        Assert.Contains("Raise warp.cluster.feature-level, or remove it.", first.Process.Output);
    }

    [Fact]
    public async Task Nodes_that_have_been_gone_for_long_are_forgotten()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(2, "warp.timing.node-memory=12s");
        TestNode third = await cluster.AddAsync();
        int leaver = await cluster.Nodes[1].IdAsync();
        int victim = await third.IdAsync();

        Assert.Equal(0, await cluster.Nodes[1].Process.TerminateAsync(s_drain));
        await third.Process.KillAsync();

        await TestCluster.WaitAsync(
            async () => !(await NodesAsync(cluster)).Intersect([leaver, victim]).Any(), RollingLoad.Patience, "the end of the two rows");
        Assert.Equal([await cluster.Nodes[0].IdAsync()], await NodesAsync(cluster));
    }

    private static async Task<int> LevelAsync(TestCluster cluster) =>
        (await cluster.Database.QueryAsync<int>("SELECT feature_level FROM cluster")).Single();

    private static async Task<IReadOnlyList<int>> NodesAsync(TestCluster cluster) =>
        await cluster.Database.QueryAsync<int>("SELECT node_id FROM node ORDER BY node_id");
}
