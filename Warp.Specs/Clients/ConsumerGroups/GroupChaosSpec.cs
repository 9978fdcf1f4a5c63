using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Clients.ConsumerGroups;

/// <summary>Groups of Confluent.Kafka consumers, each a process, that come, leave, are killed and are paused.</summary>
public sealed class GroupChaosSpec(ITestOutputHelper output)
{
    private static readonly TimeSpan s_session = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan s_rebalance = TimeSpan.FromSeconds(15);
    private static readonly int s_changes = TestRun.IsLong ? 30 : 4;

    private static readonly Dictionary<string, Dictionary<string, string>> s_protocols = new()
    {
        ["eager"] = Classic("range"),
        ["cooperative"] = Classic("cooperative-sticky"),
        ["consumer"] = new() { ["group.protocol"] = "consumer" },
    };

    /// <summary>The protocols side by side, each with a group and a topic of its own: most of the time is spent waiting for sessions to end.</summary>
    [Fact]
    public async Task No_record_is_skipped_and_none_is_seen_twice_after_a_clean_change()
    {
        int seed = TestRun.TakeSeed();
        await using WarpProcess node = await ConsumerProtocolNode.StartAsync(s_session);
        await Task.WhenAll(s_protocols.Select((protocol, i) => RunAsync(node, protocol.Key, protocol.Value, new Random(seed + i))));
    }

    private async Task RunAsync(WarpProcess node, string name, Dictionary<string, string> settings, Random random)
    {
        await using GroupLoad load = await GroupLoad.StartAsync(node.Bootstrap, name);
        await using var chaos = new GroupChaos(node.Bootstrap, load, random, s_session, s_rebalance, settings);
        try
        {
            await chaos.RunAsync(s_changes);
        }
        finally
        {
            lock (output)
            {
                foreach (string line in chaos.Log)
                    output.WriteLine(line);
                foreach (string line in node.Output.Split('\n').Where(line => line.Contains($"group-{name}", StringComparison.Ordinal)))
                    output.WriteLine(line);
            }
        }
    }

    private static Dictionary<string, string> Classic(string strategy) => new()
    {
        ["partition.assignment.strategy"] = strategy,
        ["session.timeout.ms"] = $"{s_session.TotalMilliseconds}",
        ["heartbeat.interval.ms"] = "500",
    };
}
