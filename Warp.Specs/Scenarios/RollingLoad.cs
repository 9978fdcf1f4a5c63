using System.Diagnostics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Specs.Chaos;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>
/// Producers and a group on a cluster whose nodes are stopped for good reasons and started again: what each step cost them, and in the end whether
/// they had an error or a record was lost, doubled or reordered. One caller at a time.
/// </summary>
internal sealed class RollingLoad : IAsyncDisposable
{
    /// <summary>A producer sends a request for each partition, five at a time: of fewer partitions a record waits for its own request only.</summary>
    private const int Partitions = 4;

    /// <summary>How long anything may take that the clients wait for.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(90);

    private static readonly string[] s_topics = ["rolled-a", "rolled-b", "rolled-c"];

    private readonly TestCluster _cluster;
    private readonly ITestOutputHelper _output;
    private readonly History[] _histories = [.. s_topics.Select(static _ => new History())];
    private readonly ProducerLoad[] _loads;
    private readonly GroupReader _readers;

    private RollingLoad(TestCluster cluster, ITestOutputHelper output)
    {
        (_cluster, _output) = (cluster, output);
        _loads =
        [
            .. s_topics.Select((topic, i) => new ProducerLoad(
                cluster.Bootstrap, topic, Partitions, _histories[i], recordsPerSecond: 100, clientId: topic)),
        ];
        _readers = new GroupReader(cluster.Bootstrap, s_topics[0], Partitions, members: 2);
    }

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Creates the topics, and returns once all producers are served and the group has committed.</summary>
    public static async Task<RollingLoad> StartAsync(TestCluster cluster, ITestOutputHelper output)
    {
        using (var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = cluster.Bootstrap }).SetLogHandler((_, _) => { }).Build())
            await admin.CreateTopicsAsync(s_topics.Select(static topic => new TopicSpecification { Name = topic, NumPartitions = Partitions }));
        var load = new RollingLoad(cluster, output);
        try
        {
            await load.PhaseAsync("the start", static () => Task.CompletedTask);
            await Wait.UntilAsync(() => load._readers.Counts.Commits > 5, Patience, "commits of the group");
            load._readers.TakeErrors();
            return load;
        }
        catch
        {
            await load.DisposeAsync();
            throw;
        }
    }

    /// <summary>Does something, waits until all shards are where they should be and all producers are served, and tells the slowest record.</summary>
    public async Task<RollingPhase> PhaseAsync(string what, Func<Task> action)
    {
        foreach (ProducerLoad load in _loads)
            load.TakeSlowest();
        DateTime from = DateTime.UtcNow;
        var clock = Stopwatch.StartNew();
        await action();
        TimeSpan acted = clock.Elapsed;
        await _cluster.SettledAsync(Patience, [.. _cluster.Nodes.Where(static node => !node.Process.HasExited)]);
        TimeSpan settled = clock.Elapsed;
        IReadOnlyList<HistoryValue>[] marks = [.. _histories.Select(static history => history.Mark())];
        await Wait.UntilAsync(
            () => _histories.Zip(marks).All(static pair => pair.First.HasPassed(pair.Second)) || _loads.Any(static load => load.FatalError is not null),
            Patience,
            "acknowledgements of all partitions");
        Assert.All(_loads, static load => Assert.Null(load.FatalError));
        TimeSpan[] slowest = [.. _loads.Select(static load => load.TakeSlowest())];
        var phase = new RollingPhase(what, slowest.Max());
        _output.WriteLine(
            $"{from:HH:mm:ss.fff} {phase} ({string.Join(", ", slowest.Select(static time => $"{time.TotalSeconds:F2}"))}); "
            + $"done after {acted.TotalSeconds:F1} s, all shards placed after {settled.TotalSeconds:F1} s, "
            + $"{_histories.Sum(static history => history.AcknowledgedCount)} acknowledged");
        return phase;
    }

    /// <summary>Ends the load, and checks that no client had an error and that every record is there, once and in order.</summary>
    public async Task FinishAsync()
    {
        foreach (ProducerLoad load in _loads)
            await load.StopAsync(Patience);
        Assert.All(_histories, static history => Assert.Empty(history.Failed));
        Assert.Empty(_readers.TakeErrors());
        for (int i = 0; i < s_topics.Length; i++)
            Assert.Empty(_histories[i].Check(LogReader.ReadAll(_cluster.Bootstrap, s_topics[i], Partitions, Stop)));
        await _readers.DisposeAsync();
        Assert.Empty(_readers.Defects);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (ProducerLoad load in _loads)
            await load.DisposeAsync();
        await _readers.DisposeAsync();
    }

    /// <summary>What the nodes said of it, for the report of a failure.</summary>
    public void Explain()
    {
        foreach (string line in _cluster.Log(static line => line.Contains(" warn: ") || line.Contains(" fail: ") || line.Contains("shards")
            || line.Contains("Drain") || line.Contains("Clients") || line.Contains("feature level")))
        {
            _output.WriteLine(line);
        }
    }
}

/// <summary>A step, and the longest that a record took until it was acknowledged meanwhile.</summary>
internal sealed record RollingPhase(string What, TimeSpan Slowest)
{
    public override string ToString() => $"{What}: the slowest record took {Slowest.TotalSeconds:F2} s";
}
