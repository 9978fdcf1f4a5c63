using Confluent.Kafka;
using Warp.Specs.Hosting;
using Warp.Streams.Format;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>Nodes in two zones: a client's records do not cross between them, and each zone fetches a chunk from the store once.</summary>
public sealed class ZonesSpec(ITestOutputHelper output)
{
    private const string Topic = "zoned";
    private const string Gets = """warp_store_requests_total{operation="get"}""";
    private const int Values = 1200;
    private const int Consumers = 4;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Consumers_read_from_nodes_of_their_zone_only_and_each_chunk_is_fetched_once_per_zone()
    {
        // Requests are counted: none is sent twice, and nothing reads but consumers. The objects have several chunks each.
        await using TestCluster cluster = await TestCluster.StartAsync(
            0, "warp.store.hedging=false", "warp.compaction.enabled=false", "warp.flush.interval=2s", "warp.flush.puts-per-second=0");
        TestNode[] a = [cluster.Create("warp.node.zone=a"), cluster.Create("warp.node.zone=a")];
        TestNode[] b = [cluster.Create("warp.node.zone=b"), cluster.Create("warp.node.zone=b")];
        await cluster.StartAllAsync();
        await Topics.CreateAsync(a[0].Process, Topic, 1);
        await WriteAsync(cluster);
        // Started again, for caches that are cold.
        await Task.WhenAll(cluster.Nodes.Select(static node => node.Process.KillAsync()));
        await cluster.StartAllAsync();
        int chunks = Directory.GetFiles(cluster.StoreFolder, "*", SearchOption.AllDirectories)
            .Where(static path => new FileInfo(path).Length > ObjectFormat.ChunkSize)
            .Sum(static path => ObjectFormat.ChunkCount(new FileInfo(path).Length));

        // Both bootstrap from the other zone: they are sent home.
        await AssertReadsOfAsync("a", near: a, far: b, chunks);
        await AssertReadsOfAsync("b", near: b, far: a, chunks);
    }

    private async Task AssertReadsOfAsync(string zone, TestNode[] near, TestNode[] far, int chunks)
    {
        // A node reads the store's marker when it starts; and clients that have left may have left requests that wait.
        await TestCluster.WaitAsync(
            async () => (await Figures.AllAsync([.. near, .. far])).Sum(static node => node.GetValueOrDefault("warp_kafka_connections")) == 0,
            s_patience,
            "the last client to be gone");
        Figures nearBefore = await Figures.OfAsync(near), farBefore = await Figures.OfAsync(far);
        await ReadAsync(far[0], zone);
        Figures nearAfter = await Figures.OfAsync(near), farAfter = await Figures.OfAsync(far);

        output.WriteLine($"{chunks} chunks read in zone {zone}: {nearBefore}, then {nearAfter}; the other one: {farBefore}, then {farAfter}");
        Assert.Equal(farBefore, farAfter);
        Assert.True(nearAfter.Fetches > nearBefore.Fetches);
        Assert.Equal(chunks, nearAfter.Gets - nearBefore.Gets);
    }

    private static async Task WriteAsync(TestCluster cluster)
    {
        using var producer = new ProducerBuilder<Null, byte[]>(
            new ProducerConfig { BootstrapServers = cluster.Bootstrap, LingerMs = 20 }).SetLogHandler((_, _) => { }).Build();
        var value = new byte[20_000];
        await Task.WhenAll(Enumerable.Range(0, Values).Select(_ => producer.ProduceAsync(Topic, new() { Value = value })));
    }

    /// <summary>Several consumers of a zone read everything at once.</summary>
    private static async Task ReadAsync(TestNode bootstrap, string zone)
    {
        using var start = new Barrier(Consumers);
        int[] read = await Task.WhenAll(Enumerable.Range(0, Consumers).Select(i => Task.Factory.StartNew(
            () => Read(bootstrap, $"warp_az={zone},consumer-{i}", start),
            TestContext.Current.CancellationToken, TaskCreationOptions.LongRunning, TaskScheduler.Default)));
        Assert.All(read, static count => Assert.Equal(Values, count));
    }

    private static int Read(TestNode bootstrap, string clientId, Barrier start)
    {
        using var consumer = new ConsumerBuilder<Ignore, Ignore>(new ConsumerConfig
        {
            BootstrapServers = bootstrap.Bootstrap,
            ClientId = clientId,
            GroupId = clientId,
            EnableAutoCommit = false,
            QueuedMaxMessagesKbytes = 4096,
        }).SetLogHandler((_, _) => { }).Build();
        start.SignalAndWait();
        consumer.Assign(new TopicPartitionOffset(Topic, 0, Offset.Beginning));
        int read = 0;
        while (read < Values && consumer.Consume(s_patience) is not null)
            read++;
        return read;
    }

    /// <summary>What the nodes of a zone have done since they were started.</summary>
    /// <param name="Fetches">Of clients.</param>
    /// <param name="Gets">Of the store.</param>
    private readonly record struct Figures(double Fetches, double Gets)
    {
        public static async Task<Figures> OfAsync(TestNode[] zone)
        {
            IReadOnlyDictionary<string, double>[] all = await AllAsync(zone);
            return new Figures(all.Sum(static node => Requests.Of(node, "Fetch")), all.Sum(static node => node.GetValueOrDefault(ZonesSpec.Gets)));
        }

        public static Task<IReadOnlyDictionary<string, double>[]> AllAsync(TestNode[] nodes) =>
            Task.WhenAll(nodes.Select(static node => node.Process.MetricsAsync()));
    }
}
