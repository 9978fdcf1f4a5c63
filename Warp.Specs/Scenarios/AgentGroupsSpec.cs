using System.Collections.Concurrent;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Actors.Cluster;
using Warp.Actors.Sharding;
using Warp.Specs.Clients.ConsumerGroups;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>Consumer groups of clients of a node group, whose coordinators are on nodes that these clients never talk to.</summary>
public sealed class AgentGroupsSpec
{
    private const string Topic = "agent-groups";
    private const int Partitions = 4;
    private const int Count = 40;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    /// <summary>The lease of a dead node, and what its successors and the clients need to notice.</summary>
    private static readonly TimeSpan s_takeover = TimeSpan.FromSeconds(10 + 10);

    /// <summary>
    /// Until all nodes pass on, clients are sent to the coordinator itself, as by the earlier version. It names its own group's nodes only, so that
    /// librdkafka gives up the others, and what it is asking those at that moment: it asks again with its next refresh, 5 min by default.
    /// </summary>
    private static readonly Action<ConsumerConfig> s_untilAllAreNew = static config => config.TopicMetadataRefreshIntervalMs = 2000;

    [Theory]
    [InlineData(GroupProtocol.Classic)]
    [InlineData(GroupProtocol.Consumer)]
    public async Task Consumers_stay_in_their_node_group_whoever_coordinates_them_and_go_on_when_that_node_dies(GroupProtocol protocol)
    {
        await using TestCluster cluster = await TestCluster.StartAsync(0);
        TestNode ingest = cluster.Create("warp.node.group=ingest");
        TestNode[] analytics = [cluster.Create("warp.node.group=analytics"), cluster.Create("warp.node.group=analytics")];
        await cluster.StartAllAsync();
        await cluster.SettledAsync(s_patience, [.. cluster.Nodes]);
        await LiveAsync(protocol, [.. analytics.Select(static node => node.Bootstrap)], ingest, [analytics[0], analytics[1]]);
    }

    [Theory]
    [InlineData(GroupProtocol.Classic)]
    [InlineData(GroupProtocol.Consumer)]
    public async Task Consumers_of_a_node_without_the_database_talk_to_no_other_and_go_on_when_their_coordinator_dies(GroupProtocol protocol)
    {
        await using TestCluster cluster = await TestCluster.StartAsync(2);
        await cluster.SettledAsync(s_patience, [.. cluster.Nodes]);
        await using var agent = WarpProcess.Create(
            new Dictionary<string, string>(),
            [
                $"warp.cluster.seeds=127.0.0.1:{cluster.Nodes[0].Rpc.Port}",
                $"warp.cluster.secret={TestCluster.Secret}",
                $"warp.store.url=file:{cluster.StoreFolder}",
                "warp.node.group=agents",
            ]);
        await agent.StartAgainAsync();
        await LiveAsync(protocol, [agent.Bootstrap], cluster.Nodes[0], [cluster.Nodes[1]]);
        Assert.Equal(0, Requests.OfAll(await cluster.Nodes[1].Process.MetricsAsync()));
    }

    [Fact]
    public async Task Consumers_of_a_node_group_are_served_while_the_cluster_is_upgraded_from_a_version_that_passes_nothing_on()
    {
        string previous = PreviousVersion.Program;
        await using TestCluster cluster = await TestCluster.StartAsync(0);
        TestNode ingest = cluster.Create("warp.node.group=ingest");
        TestNode analytics = cluster.Create("warp.node.group=analytics");
        ingest.Process.Program = analytics.Process.Program = previous;
        await cluster.StartAllAsync();
        await Topics.CreateAsync(analytics.Process, Topic, Partitions);
        await ProduceAsync(analytics.Bootstrap);
        await ConsumeAsync("before", s_untilAllAreNew);
        await UpgradeAsync(analytics);
        await ConsumeAsync("new-node-old-owner", s_untilAllAreNew);
        await UpgradeAsync(ingest);
        await TestCluster.WaitAsync(
            async () => (await cluster.Database.QueryAsync<int>("SELECT feature_level FROM cluster")).Single() == FeatureLevels.Newest,
            s_patience,
            "the new feature level");
        await ConsumeAsync("after");

        async Task UpgradeAsync(TestNode node)
        {
            Assert.Equal(0, await node.Process.TerminateAsync(s_patience));
            node.Process.Program = WarpProcess.ThisVersion;
            await node.Process.StartAgainAsync();
        }

        async Task ConsumeAsync(string name, Action<ConsumerConfig>? configure = null)
        {
            await cluster.SettledAsync(s_patience, ingest, analytics);
            string group = await GroupAtAsync(name, ingest);
            var seen = new ConcurrentDictionary<TopicPartitionOffset, bool>();
            var member = new Member(analytics.Bootstrap, group, Topic, record => seen[record] = true, configure);
            await Wait.UntilAsync(() => seen.Count == Count, s_patience, $"the records, {name}");
            await Wait.UntilAsync(() => Committed(analytics.Bootstrap, group) == Count, s_patience, $"the commits, {name}");
            await member.CloseAsync();
        }
    }

    /// <summary>
    /// What clients of some nodes do with groups that <paramref name="hidden"/> coordinates, and with one of the <paramref name="others"/>.
    /// </summary>
    private static async Task LiveAsync(GroupProtocol protocol, string[] bootstraps, TestNode hidden, TestNode[] others)
    {
        string all = string.Join(',', bootstraps);
        string group = await GroupAtAsync("hidden", hidden);
        string empty = await GroupAtAsync("empty", hidden);
        string other = await GroupAtAsync("other", others);
        using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = all })
            .SetLogHandler(static (_, _) => { }).Build();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = Topic, NumPartitions = Partitions, ReplicationFactor = 1 }]);
        await ProduceAsync(all);

        // A member, a second one beside it, and the first one alone again.
        var seen = new ConcurrentDictionary<TopicPartitionOffset, bool>();
        Member member = Join(bootstraps[0]);
        await Wait.UntilAsync(() => seen.Count == Count && member.Assigned.Length == Partitions, s_patience, "the records");
        Member second = Join(bootstraps[^1]);
        await Wait.UntilAsync(
            () => second.Assigned.Length == Partitions / 2 && member.Assigned.Length == Partitions / 2,
            s_patience,
            "a second member to have its share");
        await second.CloseAsync();
        await Wait.UntilAsync(() => member.Assigned.Length == Partitions, s_patience, "the first one to have all again");
        await Wait.UntilAsync(() => Committed(all, group) == Count, s_patience, "the commits");

        // What administrators do, with a group of each kind.
        await admin.AlterConsumerGroupOffsetsAsync([new ConsumerGroupTopicPartitionOffsets(other, [new TopicPartitionOffset(Topic, 0, 1)])]);
        await admin.AlterConsumerGroupOffsetsAsync([new ConsumerGroupTopicPartitionOffsets(empty, [new TopicPartitionOffset(Topic, 0, 2)])]);
        Assert.Equal(1, Committed(all, other));
        Assert.Equal(2, Committed(all, empty));
        string[] groups = [group, empty, other];
        Assert.Equal(groups.Order(), (await ListAsync()).Order());
        List<ConsumerGroupDescription> described = (await admin.DescribeConsumerGroupsAsync(groups)).ConsumerGroupDescriptions;
        Assert.Equal(groups.Order(), described.Select(static found => found.GroupId).Order());
        Assert.All(described, static found => Assert.Equal(ErrorCode.NoError, found.Error.Code));
        Assert.Single(described.Single(found => found.GroupId == group).Members);
        await Assert.ThrowsAsync<DeleteGroupsException>(() => admin.DeleteGroupsAsync([group]));
        await admin.DeleteGroupsAsync([empty, other]);
        Assert.Equal([group], await ListAsync());
        Assert.Equal(0, Requests.OfAll(await hidden.Process.MetricsAsync()));

        await hidden.Process.KillAsync();
        await ProduceAsync(all);
        await Wait.UntilAsync(() => seen.Count == 2 * Count, s_takeover, "the records after the coordinator's death");
        Assert.Equal(Partitions, member.Assigned.Length);
        await Wait.UntilAsync(() => Committed(all, group) >= Count, s_takeover, "the next coordinator");
        // librdkafka holds back the commits that it could not send, and takes its coordinator for lost again with each of them, for up to half a minute.
        await Wait.UntilAsync(() => Committed(all, group) == 2 * Count, s_patience, "the commits there");
        second = Join(bootstraps[^1]);
        await Wait.UntilAsync(() => second.Assigned.Length == Partitions / 2, s_patience, "a second member to have its share there");
        await Task.WhenAll(member.CloseAsync(), second.CloseAsync());
        Assert.Equal(2 * Count, Committed(all, group));
        // The first admin client still remembers who it was before, and does not ask again.
        using (IAdminClient next = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = all }).SetLogHandler((_, _) => { }).Build())
            await next.DeleteGroupsAsync([group]);
        Assert.Empty(await ListAsync());

        Member Join(string bootstrap) => new(bootstrap, group, Topic, record => seen[record] = true, config =>
        {
            config.GroupProtocol = protocol;
            // Longer than the lease: who is not heard of for so long gives its partitions up, whatever it has read.
            config.SessionTimeoutMs = protocol == GroupProtocol.Classic ? 45_000 : null;
            config.HeartbeatIntervalMs = protocol == GroupProtocol.Classic ? 500 : null;
        });

        async Task<string[]> ListAsync() => [.. (await admin.ListConsumerGroupsAsync()).Valid.Select(static found => found.GroupId)];
    }

    /// <summary>
    /// What a group has committed in all. Asked as a consumer: librdkafka's admin client dies of an answer that its coordinator is another one.
    /// </summary>
    private static long Committed(string bootstrap, string id)
    {
        var config = new ConsumerConfig { BootstrapServers = bootstrap, GroupId = id };
        using IConsumer<Ignore, Ignore> consumer = new ConsumerBuilder<Ignore, Ignore>(config)
            .SetLogHandler(static (_, _) => { })
            .SetErrorHandler(static (_, _) => { })
            .Build();
        try
        {
            return consumer.Committed([.. Enumerable.Range(0, Partitions).Select(static i => new TopicPartition(Topic, i))], s_patience)
                .Sum(static offset => Math.Max(offset.Offset.Value, 0));
        }
        catch (KafkaException error) when (error.Error.Code is ErrorCode.NotCoordinatorForGroup or ErrorCode.GroupCoordinatorNotAvailable
            or ErrorCode.GroupLoadInProgress)
        {
            return -1; // the group is on its way to another node
        }
    }

    /// <summary>The name of a group that one of these nodes coordinates.</summary>
    private static async Task<string> GroupAtAsync(string name, params TestNode[] nodes)
    {
        HashSet<int> shards = [.. (await Task.WhenAll(nodes.Select(static node => node.ShardsAsync()))).SelectMany(static shards => shards)];
        return Enumerable.Range(0, 1000).Select(i => $"{name}-{i}").First(id => shards.Contains(EntityHash.ShardOf(id, ShardIds.Count)));
    }

    private static async Task ProduceAsync(string bootstrap)
    {
        using var producer = new ProducerBuilder<Null, string>(
            new ProducerConfig { BootstrapServers = bootstrap, MessageTimeoutMs = (int)s_patience.TotalMilliseconds })
            .SetLogHandler(static (_, _) => { }).Build();
        await Task.WhenAll(Enumerable.Range(0, Count).Select(i =>
            producer.ProduceAsync(new TopicPartition(Topic, i % Partitions), new() { Value = $"{i}" })));
    }
}
