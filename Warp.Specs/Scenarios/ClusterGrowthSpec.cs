using System.Diagnostics;
using Warp.Protocol.Messages;
using Warp.Specs.Chaos;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>Nodes that are added and taken away move shards, never data; and topics that are made everywhere at once are the same everywhere.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class ClusterGrowthSpec(ITestOutputHelper output)
{
    private const string Topic = "growing";
    private const int Creations = 200;

    private static readonly TimeSpan s_serving = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_shared = TimeSpan.FromSeconds(30);
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private readonly WriteProbe _probe = new(Topic);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_node_that_is_added_serves_within_10_s_has_its_share_of_the_shards_within_30_s_and_copies_no_object_and_so_one_that_goes()
    {
        // What compaction writes would look like copies.
        await using TestCluster cluster = await TestCluster.StartAsync(2, "warp.compaction.enabled=false", "warp.gc.enabled=false");
        await Topics.CreateAsync(cluster.Nodes[0].Process, Topic, WriteProbe.Partitions);
        await cluster.SettledAsync(s_patience, [.. cluster.Nodes]);
        await _probe.WaitAsync(s_patience, Stop, cluster.Nodes);
        (TestNode first, TestNode second) = (cluster.Nodes[0], cluster.Nodes[1]);
        HashSet<string> before = Objects(cluster);
        double flushed = await FlushesAsync(cluster.Nodes);

        TestNode added = cluster.Create();
        added.Process.Launch();
        var clock = Stopwatch.StartNew();
        await added.Process.ReadyAsync();
        await _probe.WaitAsync(s_patience, Stop, added);
        TimeSpan serving = clock.Elapsed;
        await cluster.SettledAsync(s_patience, first, second, added);
        TimeSpan shared = clock.Elapsed;
        output.WriteLine($"serves every partition after {serving.TotalSeconds:F1} s, has its share after {shared.TotalSeconds:F1} s: {(await added.ShardsAsync()).Count} shards");
        Assert.True(serving < s_serving, $"serves only after {serving.TotalSeconds:F1} s");
        Assert.True(shared < s_shared, $"has its share only after {shared.TotalSeconds:F1} s");
        Assert.InRange((await added.ShardsAsync()).Count, 21, 22);
        await AssertNothingCopiedAsync(before, flushed, cluster);

        before = Objects(cluster);
        flushed = await FlushesAsync([first, second]);
        clock.Restart();
        Assert.Equal(0, await added.Process.TerminateAsync(s_patience));
        await _probe.WaitAsync(s_patience, Stop, first, second);
        serving = clock.Elapsed;
        await cluster.SettledAsync(s_patience, first, second);
        output.WriteLine($"without it: every partition is served after {serving.TotalSeconds:F1} s, all shards are placed after {clock.Elapsed.TotalSeconds:F1} s");
        Assert.True(serving < s_serving, $"served only after {serving.TotalSeconds:F1} s");
        Assert.True(clock.Elapsed < s_shared, $"placed only after {clock.Elapsed.TotalSeconds:F1} s");
        await AssertNothingCopiedAsync(before, flushed, cluster);
    }

    [Fact]
    public async Task A_killed_node_that_comes_back_takes_nothing_from_a_node_that_could_not_reach_it_meanwhile()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(2);
        await cluster.SettledAsync(s_patience, [.. cluster.Nodes]);
        // Of two nodes that do not reach each other the one with the higher id stands aside.
        (TestNode victim, TestNode other) = await cluster.Nodes[0].IdAsync() < await cluster.Nodes[1].IdAsync()
            ? (cluster.Nodes[0], cluster.Nodes[1]) : (cluster.Nodes[1], cluster.Nodes[0]);
        IReadOnlyList<string> before = await EpochsAsync();

        await victim.Process.KillAsync();
        await TestCluster.WaitAsync(
            async () => (await cluster.Database.QueryAsync<string>("SELECT unreached FROM node WHERE unreached <> ''")).Count > 0,
            s_patience,
            "the other node to notice");
        await victim.Process.StartAgainAsync();
        await cluster.SettledAsync(s_patience, [.. cluster.Nodes]);

        Assert.Equal(32, before.Count);
        Assert.Equal(before, await EpochsAsync());

        async Task<IReadOnlyList<string>> EpochsAsync() => await cluster.Database.QueryAsync<string>(
            "SELECT shard_id || '/' || epoch FROM shard WHERE owner_node = @id AND shard_id < 1000 ORDER BY shard_id", ("id", await other.IdAsync()));
    }

    [Fact]
    public async Task Topics_that_are_created_on_all_nodes_at_once_exist_once_with_one_id_on_every_node()
    {
        await using TestCluster cluster = await TestCluster.StartAsync(3);
        string[] names = [.. Enumerable.Range(0, Creations).Select(static i => $"topic-{i}")];

        // Each is asked for on two nodes at the same time.
        (string Name, ErrorCode Error)[] answers = await Task.WhenAll(names.SelectMany((name, i) => new[]
        {
            CreateAsync(cluster.Nodes[i % 3], name), CreateAsync(cluster.Nodes[(i + 1 + (i / 3 % 2)) % 3], name),
        }));

        foreach (IGrouping<string, (string Name, ErrorCode Error)> topic in answers.GroupBy(static answer => answer.Name))
            Assert.Equal([ErrorCode.None, ErrorCode.TopicAlreadyExists], topic.Select(static answer => answer.Error).Order());
        Dictionary<string, Guid>[] seen = await Task.WhenAll(cluster.Nodes.Select(TopicsAsync));
        Assert.Equal(names.Order(), seen[0].Keys.Order());
        Assert.Equal(Creations, seen[0].Values.Distinct().Count());
        Assert.All(seen, other => Assert.Equal(seen[0].OrderBy(static topic => topic.Key), other.OrderBy(static topic => topic.Key)));
    }

    private static HashSet<string> Objects(TestCluster cluster) =>
        [.. new[] { "l0", "l1", "l2" }.Select(level => Path.Combine(cluster.StoreFolder, level)).Where(Directory.Exists)
            .SelectMany(static folder => Directory.GetFiles(folder, "*", SearchOption.AllDirectories))];

    private static async Task<double> FlushesAsync(IEnumerable<TestNode> nodes)
    {
        IReadOnlyDictionary<string, double>[] metrics = await Task.WhenAll(nodes.Select(static node => node.Process.MetricsAsync()));
        return metrics.Sum(static samples => samples.Sum("warp_flush_flushes_total"));
    }

    /// <summary>Every object that came is what producers have sent meanwhile, and none has gone.</summary>
    private static async Task AssertNothingCopiedAsync(HashSet<string> before, double flushedBefore, TestCluster cluster)
    {
        HashSet<string> after = Objects(cluster);
        double flushed = await FlushesAsync(cluster.Nodes.Where(static node => !node.Process.HasExited)) - flushedBefore;
        Assert.Empty(before.Except(after));
        Assert.Equal(flushed, after.Count - before.Count);
    }

    private static async Task<(string Name, ErrorCode Error)> CreateAsync(TestNode node, string name)
    {
        using KafkaSocket socket = await KafkaSocket.ConnectAsync(node.Bootstrap);
        var request = new CreateTopicsRequest { TimeoutMs = 30_000, Topics = [new() { Name = name, NumPartitions = 1, ReplicationFactor = 1 }] };
        return (name, (await socket.AskAsync<CreateTopicsResponse>(request, 7)).Topics[0].ErrorCode);
    }

    private static async Task<Dictionary<string, Guid>> TopicsAsync(TestNode node)
    {
        using KafkaSocket socket = await KafkaSocket.ConnectAsync(node.Bootstrap);
        MetadataResponse response = await socket.AskAsync<MetadataResponse>(new MetadataRequest { Topics = null }, 12);
        return response.Topics.ToDictionary(static topic => topic.Name!, static topic => topic.TopicId);
    }
}
