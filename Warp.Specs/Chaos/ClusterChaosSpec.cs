using System.Diagnostics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Chaos;

/// <summary>
/// Three nodes and PostgreSQL under steady load. Whatever happens to one of them, nothing that was acknowledged is lost, doubled or out of order,
/// no committed offset goes back, and the others take writes again within the lease plus five seconds.
/// </summary>
[Collection(nameof(NodeProcesses))]
public sealed class ClusterChaosSpec(ITestOutputHelper output)
{
    private const string Topic = "chaos";
    private const string ProbeTopic = "probe";
    private const int Partitions = 12;
    private const int Producers = 3;

    private static readonly int s_rounds = TestRun.IsLong ? 50 : 6;
    private static readonly TimeSpan s_lease = new Warp.Actors.Cluster.TimeConstants().Lease;
    private static readonly TimeSpan s_writable = s_lease + TimeSpan.FromSeconds(5);
    private static readonly TimeSpan s_pause = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan s_drain = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(90);

    private readonly WriteProbe _probe = new(ProbeTopic);
    private readonly History _history = new();

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Nothing_is_lost_whatever_happens_to_one_of_the_nodes_or_to_the_database()
    {
        var random = new Random(TestRun.TakeSeed());
        await using TestCluster cluster = await TestCluster.StartWithServerAsync(3);
        try
        {
            await RunAsync(cluster, random);
        }
        catch
        {
            foreach (string line in cluster.Log(static line => line.Contains(" warn: ") || line.Contains(" fail: ") || line.Contains("shards")).TakeLast(400))
                output.WriteLine(line);
            throw;
        }
    }

    private async Task RunAsync(TestCluster cluster, Random random)
    {
        using (var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = cluster.Bootstrap }).SetLogHandler((_, _) => { }).Build())
        {
            await admin.CreateTopicsAsync(
            [
                new TopicSpecification { Name = Topic, NumPartitions = Partitions },
                new TopicSpecification { Name = ProbeTopic, NumPartitions = WriteProbe.Partitions },
            ]);
        }
        ProducerLoad[] loads =
        [
            .. Enumerable.Range(0, Producers).Select(i => new ProducerLoad(
                cluster.Bootstrap, Topic, Partitions, _history, i, recordsPerSecond: 200, clientId: $"chaos-{i}")),
        ];
        var readers = new GroupReader(cluster.Bootstrap, Topic, Partitions, members: 2);
        try
        {
            await SettleAsync(cluster, loads, readers);
            var deck = new Queue<ClusterFault>();
            for (int round = 1; round <= s_rounds; round++)
            {
                if (deck.Count == 0)
                    deck = new Queue<ClusterFault>(Shuffled(random));
                await RunAsync(round, deck.Dequeue(), cluster, loads, readers, random);
                Assert.Empty(readers.Defects);
            }
            foreach (ProducerLoad load in loads)
                await load.StopAsync(s_patience);
            List<ReadRecord> records = LogReader.ReadAll(cluster.Bootstrap, Topic, Partitions, Stop);
            output.WriteLine($"{_history.AcknowledgedCount} acknowledged, {records.Count} read, looks and commits of the group: {readers.Counts}");
            Assert.Empty(_history.Check(records));
            Assert.Empty(_history.Failed);
            Assert.Equal(_history.AcknowledgedCount, records.Count);
            await Wait.UntilAsync(() => records.All(record => readers.Seen.ContainsKey(record.Value)), s_patience, "every record at the group");
        }
        finally
        {
            foreach (ProducerLoad load in loads)
                await load.DisposeAsync();
            await readers.DisposeAsync();
        }
        Assert.Empty(readers.Defects);
    }

    private static ClusterFault[] Shuffled(Random random)
    {
        ClusterFault[] faults = Enum.GetValues<ClusterFault>();
        random.Shuffle(faults);
        return faults;
    }

    private async Task RunAsync(
        int round, ClusterFault fault, TestCluster cluster, ProducerLoad[] loads, GroupReader readers, Random random)
    {
        TestNode victim = cluster.Nodes[random.Next(cluster.Nodes.Count)];
        TestNode[] others = [.. cluster.Nodes.Where(node => node != victim)];
        LinkFate cut = random.Next(2) == 0 ? LinkFate.Cut : LinkFate.Silence;
        bool atOnce = random.Next(2) == 0;
        await Task.Delay(random.Next(0, 2000), Stop);
        readers.TakeErrors();
        foreach (ProducerLoad load in loads)
            load.TakeSlowest();
        var clock = Stopwatch.StartNew();
        TimeSpan writable = TimeSpan.Zero;
        string detail = $"node {await victim.IdAsync()}";
        switch (fault)
        {
            case ClusterFault.Kill:
                await victim.Process.KillAsync();
                detail += atOnce ? ", started again at once" : ", started again after the takeover";
                if (atOnce)
                    victim.Process.Launch();
                writable = await WritableAsync(others);
                if (!atOnce)
                    victim.Process.Launch();
                await victim.Process.ReadyAsync();
                break;
            case ClusterFault.Pause:
                victim.Process.Pause();
                try
                {
                    writable = await WritableAsync(others);
                    await Task.Delay(s_pause > clock.Elapsed ? s_pause - clock.Elapsed : TimeSpan.Zero, Stop);
                }
                finally
                {
                    victim.Process.Resume();
                }
                break;
            case ClusterFault.CutFromDatabase:
                detail += $", {cut}";
                cluster.IsolateFromDatabase(victim, cut);
                writable = await WritableAsync(others);
                await Task.Delay(random.Next(0, 3000), Stop);
                cluster.IsolateFromDatabase(victim, LinkFate.Pass);
                break;
            case ClusterFault.CutFromNodes:
                detail += $", {cut}";
                cluster.Isolate(victim, cut);
                writable = await WritableAsync(others);
                await Task.Delay(random.Next(0, 3000), Stop);
                cluster.Isolate(victim, LinkFate.Pass);
                break;
            case ClusterFault.RestartDatabase:
                detail = "";
                await cluster.Database.Server.CrashAsync();
                await cluster.Database.Server.StartAgainAsync();
                writable = await WritableAsync(cluster.Nodes);
                break;
            default:
                Assert.Equal(0, await victim.Process.TerminateAsync(s_drain));
                detail += $", exit after {clock.Elapsed.TotalSeconds:F1} s";
                writable = await WritableAsync(others);
                victim.Process.Launch();
                await victim.Process.ReadyAsync();
                break;
        }
        TimeSpan all = await _probe.WaitAsync(s_patience, Stop, cluster.Nodes);
        IReadOnlyList<HistoryValue> mark = _history.Mark();
        await ProgressAsync(mark, loads);
        string slowest = string.Join(", ", loads.Select(static load => $"{load.TakeSlowest().TotalSeconds:F1}"));
        IReadOnlyList<string> errors = readers.TakeErrors();
        output.WriteLine(
            $"{round}. {fault} {detail}: writable after {writable.TotalSeconds:F1} s, by all nodes {all.TotalSeconds:F1} s later; slowest records {slowest} s; "
            + $"{clock.Elapsed.TotalSeconds:F1} s in all, {_history.AcknowledgedCount} acknowledged; errors of the group: {string.Join("; ", errors.Distinct())}");
        Assert.True(writable < s_writable, $"{fault}: writable only after {writable.TotalSeconds:F1} s");
        if (fault == ClusterFault.Drain)
        {
            Assert.Empty(errors);
            Assert.Empty(_history.Failed);
        }
        await SettleAsync(cluster, loads, readers);

        async Task<TimeSpan> WritableAsync(IEnumerable<TestNode> nodes)
        {
            await _probe.WaitAsync(s_patience, Stop, nodes);
            return clock.Elapsed;
        }
    }

    /// <summary>All shards are where they should be, and every producer gets acknowledgements of every partition.</summary>
    private async Task SettleAsync(TestCluster cluster, ProducerLoad[] loads, GroupReader readers)
    {
        await cluster.SettledAsync(s_patience, [.. cluster.Nodes]);
        (_, int commits) = readers.Counts;
        await ProgressAsync(_history.Mark(), loads);
        await Wait.UntilAsync(() => readers.Counts.Commits > commits, s_patience, "a commit of the group");
    }

    private async Task ProgressAsync(IReadOnlyList<HistoryValue> mark, ProducerLoad[] loads)
    {
        await Wait.UntilAsync(
            () => _history.HasPassed(mark) || loads.Any(static load => load.FatalError is not null),
            s_patience,
            "an acknowledgement of each producer for each partition");
        Assert.All(loads, static load => Assert.Null(load.FatalError));
    }
}
