using Confluent.Kafka;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>Nodes for some work (<c>warp.node.roles</c>), for some clients (<c>warp.node.group</c>), and without the database (<c>warp.cluster.seeds</c>).</summary>
public sealed class AgentsSpec
{
    private const string Topic = "agents";
    private const int Count = 50;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    [Fact]
    public async Task A_node_that_only_produces_serves_producers_that_ask_for_it_and_no_consumer_is_sent_to_it()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(0);
        TestNode producing = cluster.Create("warp.node.roles=produce");
        TestNode fetching = cluster.Create("warp.node.roles=fetch,control");
        TestNode all = cluster.Create();
        await cluster.StartAllAsync();
        await Topics.CreateAsync(all.Process, Topic, 1);
        await SentElsewhereAsync(fetching, "warp_role=produce");
        await SentElsewhereAsync(producing, "warp_role=fetch");
        await SentElsewhereAsync(fetching, "a producer");
        await SentElsewhereAsync(producing, "a consumer");

        // Each bootstraps from the one node that will not do.
        await ProduceAsync(fetching.Bootstrap, "warp_role=produce");
        Assert.Equal(Count, Consume(producing.Bootstrap, "warp_role=fetch"));
        // Who does not say what it is goes where both is done.
        await ProduceAsync(fetching.Bootstrap, "a producer");
        Assert.Equal(2 * Count, Consume(producing.Bootstrap, "a consumer"));

        var (p, f, a) = (await producing.Process.MetricsAsync(), await fetching.Process.MetricsAsync(), await all.Process.MetricsAsync());
        Assert.Equal(0, Requests.Of(p, "Fetch"));
        Assert.Equal(0, Requests.Of(f, "Produce"));
        Assert.True(Requests.Of(a, "Produce") > 0 && Requests.Of(a, "Fetch") > 0);
        Assert.Empty(await producing.ShardsAsync());
    }

    [Fact]
    public async Task Clients_see_the_nodes_of_the_group_that_they_ask_and_the_records_of_all()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(0);
        TestNode[] ingest = [cluster.Create("warp.node.group=ingest"), cluster.Create("warp.node.group=ingest")];
        TestNode analytics = cluster.Create("warp.node.group=analytics");
        await cluster.StartAllAsync();
        await Topics.CreateAsync(analytics.Process, Topic, 1);

        await ProduceAsync(ingest[0].Bootstrap, "a producer");
        Assert.Equal(Count, Consume(analytics.Bootstrap, "a consumer"));

        Assert.Equal([.. ingest.Select(static node => node.Bootstrap).Order()], Brokers(ingest[1].Bootstrap));
        Assert.Equal([analytics.Bootstrap], Brokers(analytics.Bootstrap));
        Assert.Equal(0, Requests.Of(await analytics.Process.MetricsAsync(), "Produce"));
        // The consumer names a group, whose coordinator may be any node: it is not told so.
        foreach (TestNode node in ingest)
        {
            Assert.Equal(0, Requests.Of(await node.Process.MetricsAsync(), "Fetch"));
            Assert.Equal(0, Requests.Of(await node.Process.MetricsAsync(), "FindCoordinator"));
        }
    }

    [Fact]
    public async Task A_node_without_the_database_joins_by_seeds_and_serves_clients_even_when_the_seed_dies()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(2);
        await Topics.CreateAsync(cluster.Nodes[0].Process, Topic, 1);
        await using var agent = WarpProcess.Create(
            new Dictionary<string, string>(),
            [
                $"warp.cluster.seeds=127.0.0.1:{cluster.Nodes[0].Rpc.Port}",
                $"warp.cluster.secret={TestCluster.Secret}",
                $"warp.store.url=file:{cluster.StoreFolder}",
                // The others need no way to it, and no client of theirs is sent there.
                "warp.node.group=agents",
            ]);
        await agent.StartAgainAsync();
        await ProduceAsync(agent.Bootstrap, "a producer");
        Assert.Equal(Count, Consume(agent.Bootstrap, "a consumer"));

        await cluster.Nodes[0].Process.KillAsync();
        await cluster.SettledAsync(s_patience, cluster.Nodes[1]);
        await ProduceAsync(agent.Bootstrap, "a producer");
        Assert.Equal(2 * Count, Consume(agent.Bootstrap, "a consumer"));
        Assert.Equal(2 * Count, Consume(cluster.Nodes[1].Bootstrap, "a consumer"));
        Assert.False(File.Exists(Path.Combine(agent.Folder, "journal.db")));
        Assert.Equal([agent.Bootstrap], Brokers(agent.Bootstrap));
        Assert.True(Requests.Of(await agent.MetricsAsync(), "Produce") > 0);
    }

    private static async Task ProduceAsync(string bootstrap, string clientId)
    {
        using var producer = new ProducerBuilder<Null, string>(
            new ProducerConfig { BootstrapServers = bootstrap, ClientId = clientId, MessageTimeoutMs = (int)s_patience.TotalMilliseconds })
            .SetLogHandler((_, _) => { }).Build();
        await Task.WhenAll(Enumerable.Range(0, Count).Select(i => producer.ProduceAsync(Topic, new() { Value = $"{i}" })));
    }

    /// <summary>How many records there are from the beginning to the end of now.</summary>
    private static int Consume(string bootstrap, string clientId)
    {
        using var consumer = new ConsumerBuilder<Ignore, Ignore>(new ConsumerConfig
        {
            BootstrapServers = bootstrap,
            ClientId = clientId,
            GroupId = "agents",
            EnableAutoCommit = false,
            EnablePartitionEof = true,
        }).SetLogHandler((_, _) => { }).Build();
        consumer.Assign(new TopicPartitionOffset(Topic, 0, Offset.Beginning));
        int read = 0;
        while (consumer.Consume(s_patience) is { IsPartitionEOF: false })
            read++;
        return read;
    }

    /// <summary>Waits until a node sends a client elsewhere: a node that has just started hears of the others only with their heartbeats.</summary>
    private static async Task SentElsewhereAsync(TestNode node, string clientId)
    {
        int self = await node.IdAsync();
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = node.Bootstrap, ClientId = clientId })
            .SetLogHandler((_, _) => { }).Build();
        await TestCluster.WaitAsync(
            () => Task.FromResult(admin.GetMetadata(Topic, s_patience).Topics is [{ Partitions: [var partition] }] && partition.Leader != self),
            s_patience,
            $"{clientId} to be sent elsewhere");
    }

    private static string[] Brokers(string bootstrap)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = bootstrap }).SetLogHandler((_, _) => { }).Build();
        return [.. admin.GetMetadata(s_patience).Brokers.Select(static broker => $"{broker.Host}:{broker.Port}").Order()];
    }
}
