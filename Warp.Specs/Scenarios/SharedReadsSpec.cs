using Confluent.Kafka;
using Warp.Specs.Chaos;
using Warp.Specs.Hosting;
using Warp.Streams.Format;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>How many GETs consumers cost: none where what they read was just written, and one for each chunk, however many they are.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class SharedReadsSpec(ITestOutputHelper output)
{
    private const string Topic = "shared";
    private const string Gets = """warp_store_requests_total{operation="get"}""";
    private const string Puts = """warp_store_requests_total{operation="put"}""";

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    /// <summary>Requests are counted: none is sent twice, and nothing reads but consumers.</summary>
    private static readonly string[] _counting = ["warp.store.hedging=false", "warp.compaction.enabled=false"];

    [Fact]
    public async Task Consumers_at_the_end_of_the_log_cost_no_GET()
    {
        const int Partitions = 3;
        await using var node = await WarpProcess.StartAsync(_counting);
        await Topics.CreateAsync(node, Topic, Partitions);
        var before = await node.MetricsAsync();
        var history = new History();
        await using var load = new ProducerLoad(node.Bootstrap, Topic, Partitions, history);
        using var one = new Tail(node.Bootstrap, Topic, Partitions);
        using var other = new Tail(node.Bootstrap, Topic, Partitions);
        await Wait.UntilAsync(() => history.AcknowledgedCount > 4000, _patience, "four thousand acknowledgements");
        await load.StopAsync(_patience);
        await Wait.UntilAsync(
            () => one.Count >= history.AcknowledgedCount && other.Count >= history.AcknowledgedCount, _patience, "every record at both");
        var after = await node.MetricsAsync();

        output.WriteLine($"{history.AcknowledgedCount} records read twice from {after[Puts] - before[Puts]} objects");
        Assert.InRange(after[Puts] - before[Puts], 5, double.PositiveInfinity);
        Assert.Equal(0, after.GetValueOrDefault(Gets) - before.GetValueOrDefault(Gets));
        Assert.Empty(history.Check(one.Records));
        Assert.Empty(history.Check(other.Records));
    }

    [Fact]
    public async Task Twenty_groups_that_read_the_same_old_records_at_once_cost_one_GET_a_chunk()
    {
        const int Groups = 20;
        const int Values = 1500;
        // Everything is sent at once, so that the objects have several chunks each.
        await using var node = await WarpProcess.StartAsync([.. _counting, "warp.flush.interval=2s", "warp.flush.puts-per-second=0"]);
        await Topics.CreateAsync(node, Topic, 1);
        await WriteAsync(node, Values, valueBytes: 20_000);
        await node.KillAsync();
        await node.StartAgainAsync();
        var before = await node.MetricsAsync();
        using var start = new Barrier(Groups);
        int[] read = await Task.WhenAll(Enumerable.Range(0, Groups).Select(group => Task.Factory.StartNew(
            () => Read(node, $"group-{group}", Values, start), TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        var after = await node.MetricsAsync();

        Assert.All(read, static count => Assert.Equal(Values, count));
        string[] objects = StoppedNode.Objects(node);
        int chunks = objects.Sum(static path => ObjectFormat.ChunkCount(new FileInfo(path).Length));
        double gets = after[Gets] - before.GetValueOrDefault(Gets);
        output.WriteLine($"{gets} GETs for {chunks} chunks of {objects.Length} objects");
        // Less would mean that the cache was not cold. An object may cost one more for its footer.
        Assert.InRange(gets, chunks, chunks + objects.Length + 2);
    }

    private static async Task WriteAsync(WarpProcess node, int count, int valueBytes)
    {
        using var producer = new ProducerBuilder<Null, byte[]>(
            new ProducerConfig { BootstrapServers = node.Bootstrap, LingerMs = 20 }).Build();
        var value = new byte[valueBytes];
        await Task.WhenAll(Enumerable.Range(0, count).Select(_ => producer.ProduceAsync(Topic, new() { Value = value })));
    }

    /// <summary>Reads as many records as there are, from the beginning, once all the others are there as well.</summary>
    private static int Read(WarpProcess node, string group, int wanted, Barrier start)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = node.Bootstrap,
            GroupId = group,
            EnableAutoCommit = false,
            AutoOffsetReset = AutoOffsetReset.Earliest,
            QueuedMaxMessagesKbytes = 4096,
        };
        using var consumer = new ConsumerBuilder<Ignore, Ignore>(config).SetLogHandler((_, _) => { }).Build();
        start.SignalAndWait();
        consumer.Subscribe(Topic);
        int read = 0;
        while (read < wanted && consumer.Consume(_patience) is not null)
            read++;
        return read;
    }
}
