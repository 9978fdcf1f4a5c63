using System.Diagnostics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Specs.Chaos;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>Nodes of a cluster that are stopped for good reasons (SIGTERM) and started again, one after the other, as in an upgrade.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class ClusterDrainSpec(ITestOutputHelper output)
{
    /// <summary>A producer sends a request for each partition, five at a time: of fewer partitions a record waits for its own request only.</summary>
    private const int Partitions = 4;

    private static readonly string[] s_topics = ["drained-a", "drained-b", "drained-c"];

    private static readonly int s_drains = TestRun.IsLong ? 12 : 2;
    private static readonly TimeSpan s_cost = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_drain_costs_no_client_an_error_and_no_record_two_seconds()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(3);
        using (var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = cluster.Bootstrap }).SetLogHandler((_, _) => { }).Build())
            await admin.CreateTopicsAsync(s_topics.Select(static topic => new TopicSpecification { Name = topic, NumPartitions = Partitions }));
        History[] histories = [.. s_topics.Select(static _ => new History())];
        ProducerLoad[] loads =
        [
            .. s_topics.Select((topic, i) => new ProducerLoad(
                cluster.Bootstrap, topic, Partitions, histories[i], recordsPerSecond: 100, clientId: topic)),
        ];
        var readers = new GroupReader(cluster.Bootstrap, s_topics[0], Partitions, members: 2);
        try
        {
            await PhaseAsync("the start", cluster, histories, loads, static () => Task.CompletedTask);
            await Wait.UntilAsync(() => readers.Counts.Commits > 5, s_patience, "commits of the group");
            readers.TakeErrors();
            Phase calm = await PhaseAsync("nothing", cluster, histories, loads, static () => Task.Delay(TimeSpan.FromSeconds(3), Stop));
            for (int i = 0; i < s_drains; i++)
            {
                TestNode node = cluster.Nodes[i % cluster.Nodes.Count];
                Phase drain = await PhaseAsync("drain", cluster, histories, loads, async () => Assert.Equal(0, await node.Process.TerminateAsync(s_drain)));
                Phase start = await PhaseAsync("start again", cluster, histories, loads, node.Process.StartAgainAsync);
                Assert.All([drain, start], phase => Assert.True(phase.Slowest < calm.Slowest + s_cost, $"{phase}; {calm}"));
            }
            foreach (ProducerLoad load in loads)
                await load.StopAsync(s_patience);
            Assert.All(histories, static history => Assert.Empty(history.Failed));
            Assert.Empty(readers.TakeErrors());
            for (int i = 0; i < s_topics.Length; i++)
                Assert.Empty(histories[i].Check(LogReader.ReadAll(cluster.Bootstrap, s_topics[i], Partitions, Stop)));
        }
        catch
        {
            foreach (string line in cluster.Log(static line => line.Contains(" warn: ") || line.Contains(" fail: ") || line.Contains("shards") || line.Contains("Drain") || line.Contains("Clients")))
                output.WriteLine(line);
            throw;
        }
        finally
        {
            foreach (ProducerLoad load in loads)
                await load.DisposeAsync();
            await readers.DisposeAsync();
        }
        Assert.Empty(readers.Defects);
    }

    /// <summary>Does something, waits until all shards are where they should be and all producers are served, and tells the slowest record.</summary>
    private async Task<Phase> PhaseAsync(string what, TestCluster cluster, History[] histories, ProducerLoad[] loads, Func<Task> action)
    {
        foreach (ProducerLoad load in loads)
            load.TakeSlowest();
        DateTime from = DateTime.UtcNow;
        var clock = Stopwatch.StartNew();
        await action();
        TimeSpan acted = clock.Elapsed;
        await cluster.SettledAsync(s_patience, [.. cluster.Nodes.Where(static node => !node.Process.HasExited)]);
        TimeSpan settled = clock.Elapsed;
        IReadOnlyList<HistoryValue>[] marks = [.. histories.Select(static history => history.Mark())];
        await Wait.UntilAsync(
            () => histories.Zip(marks).All(static pair => pair.First.HasPassed(pair.Second)) || loads.Any(static load => load.FatalError is not null), s_patience, "acknowledgements of all partitions");
        Assert.All(loads, static load => Assert.Null(load.FatalError));
        TimeSpan[] slowest = [.. loads.Select(static load => load.TakeSlowest())];
        var phase = new Phase(what, slowest.Max());
        output.WriteLine(
            $"{from:HH:mm:ss.fff} {phase} ({string.Join(", ", slowest.Select(static time => $"{time.TotalSeconds:F2}"))}); "
            + $"done after {acted.TotalSeconds:F1} s, all shards placed after {settled.TotalSeconds:F1} s, {histories.Sum(static history => history.AcknowledgedCount)} acknowledged");
        return phase;
    }

    private sealed record Phase(string What, TimeSpan Slowest)
    {
        public override string ToString() => $"{What}: the slowest record took {Slowest.TotalSeconds:F2} s";
    }
}
