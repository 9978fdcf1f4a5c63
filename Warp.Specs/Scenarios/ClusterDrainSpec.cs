using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>Nodes of a cluster that are stopped for good reasons (SIGTERM) and started again, one after the other.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class ClusterDrainSpec(ITestOutputHelper output)
{
    private static readonly int s_drains = TestRun.IsLong ? 12 : 2;
    private static readonly TimeSpan s_cost = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(25);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_drain_costs_no_client_an_error_and_no_record_two_seconds()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(3);
        await using RollingLoad load = await RollingLoad.StartAsync(cluster, output);
        try
        {
            RollingPhase calm = await load.PhaseAsync("nothing", static () => Task.Delay(TimeSpan.FromSeconds(3), Stop));
            for (int i = 0; i < s_drains; i++)
            {
                TestNode node = cluster.Nodes[i % cluster.Nodes.Count];
                RollingPhase drain = await load.PhaseAsync("drain", async () => Assert.Equal(0, await node.Process.TerminateAsync(s_drain)));
                RollingPhase start = await load.PhaseAsync("start again", node.Process.StartAgainAsync);
                Assert.All([drain, start], phase => Assert.True(phase.Slowest < calm.Slowest + s_cost, $"{phase}; {calm}"));
            }
            await load.FinishAsync();
        }
        catch
        {
            load.Explain();
            throw;
        }
    }
}
