using System.Text.Json;
using Confluent.Kafka;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Control;

/// <summary>What <c>warp ctl</c> does to a cluster of three nodes on PostgreSQL; always through one node, whichever has to act.</summary>
public sealed class CtlClusterSpec : IAsyncLifetime
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private CtlCluster _cluster = null!;
    private Ctl _ctl = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _cluster = await CtlCluster.StartAsync(3);
        _ctl = new Ctl(_cluster.Nodes[0]);
        await BalancedAsync(21, 21, 22);
    }

    public ValueTask DisposeAsync() => _cluster.DisposeAsync();

    [Fact]
    public async Task Nodes_drain_take_part_again_are_removed_by_force_leave_and_die()
    {
        Assert.Matches("^Node 2 is drained: 2[0-9] shards have moved", await _ctl.DoAsync("cluster drain 2"));
        Assert.Equal(("draining", 0), await NodeAsync(2));
        Assert.Equal("alive, not ready: draining\n", await new Ctl(_cluster.Nodes[1]).DoAsync("health"));
        Assert.Equal("draining\n", await ReadyzAsync(_cluster.Nodes[1]));
        // It goes on serving.
        Assert.Equal(3, await ProduceAndConsumeAsync(_cluster.Nodes[1], "drained", 3));

        Assert.StartsWith("Node 2 takes part again", await _ctl.DoAsync("cluster undrain 2"));
        await BalancedAsync(21, 21, 22);
        Assert.Equal("ready\n", await ReadyzAsync(_cluster.Nodes[1]));

        // Whoever is removed by force stops, and can come back at once, under its number.
        Assert.StartsWith("Node 3 was removed.", await _ctl.DoAsync("cluster down 3 --force"));
        Assert.Equal(1, await _cluster.Nodes[2].WaitForEndAsync(s_patience));
        Assert.Contains("removed from the cluster", _cluster.Nodes[2].Output);
        await _cluster.Nodes[2].StartAgainAsync();
        // What has its number may be owned by its earlier life yet.
        await Wait.UntilAsync(() => NodeAsync(3).Result.Shards >= 21, s_patience, "a share for node 3");
        await BalancedAsync(21, 21, 22);

        Assert.Matches("^Node 3 has left: 2[0-9] shards have moved, and its process has ended.", await _ctl.DoAsync("cluster leave 3"));
        Assert.Equal(0, await _cluster.Nodes[2].WaitForEndAsync(s_patience));
        await BalancedAsync(32, 32);

        await _cluster.Nodes[1].KillAsync();
        Assert.StartsWith("warp: Node 2 is alive: ", await _ctl.FailAsync("cluster down 2"));
        await Wait.UntilAsync(() => NodeAsync(2).Result.State == "dead", s_patience, "the end of node 2's lease");
        Assert.StartsWith("warp: Node 2 is not alive", await _ctl.FailAsync("cluster drain 2"));
        Assert.StartsWith("Node 2 was removed.", await _ctl.DoAsync("cluster down 2"));
        Assert.StartsWith("warp: There is no node 2; there is 1.", await _ctl.FailAsync("cluster down 2"));
        await BalancedAsync(64);
    }

    [Fact]
    public async Task Any_node_moves_shards_which_stay_and_tells_what_all_of_them_have()
    {
        int owner = await OwnerAsync(5);
        int other = (owner % 3) + 1;
        foreach (WarpProcess node in _cluster.Nodes)
        {
            Assert.Matches($"^Shard 5 has moved to node {other}[.,]", await new Ctl(node).DoAsync($"shards move 5 {other}"));
            Assert.Equal(other, await OwnerAsync(5));
            other = (other % 3) + 1;
        }
        int stays = await OwnerAsync(5);
        int[] before = await OwnersAsync();
        foreach (WarpProcess node in _cluster.Nodes)
            Assert.Contains("all shards are where they should be", await new Ctl(node).DoAsync("shards rebalance"));
        Assert.Equal(before, await OwnersAsync());
        Assert.Equal(stays, await OwnerAsync(5));

        JsonElement catalog = (await _ctl.JsonAsync("singletons show")).GetProperty("shards")[0];
        int target = (catalog.GetProperty("owner").GetInt32() % 3) + 1;
        Assert.StartsWith($"The singleton catalog has moved to node {target}", await _ctl.DoAsync($"shards move 1000 {target}"));
        Assert.Equal(target, (await _ctl.JsonAsync("singletons show")).GetProperty("shards")[0].GetProperty("owner").GetInt32());
        await AssertAnyNodeTellsOfAllAsync();
    }

    private async Task AssertAnyNodeTellsOfAllAsync()
    {
        Assert.Equal(6, await ProduceAndConsumeAsync(_cluster.Nodes[1], "orders", 6));
        string[] groups = [.. Enumerable.Range(0, 8).Select(static i => $"group-{i}")];
        foreach (string group in groups)
            Commit(group);
        foreach (WarpProcess node in _cluster.Nodes)
        {
            var ctl = new Ctl(node);
            JsonElement listed = await ctl.JsonAsync("groups");
            Assert.Equal(groups, listed.GetProperty("groups").EnumerateArray().Select(static one => one.GetProperty("id").GetString()));
            Assert.True(listed.GetProperty("groups").EnumerateArray().Select(static one => one.GetProperty("coordinator").GetInt32()).Distinct().Count() > 1);
            JsonElement group = (await ctl.JsonAsync("groups group-3")).GetProperty("groups")[0];
            Assert.Equal(5, group.GetProperty("offsets")[0].GetProperty("lag").GetInt32());
            Assert.Matches(@"(?m)^0\s+\d+\s+[123]\s+0\s+6\s+6\s", await ctl.DoAsync("topics orders"));
            Assert.Matches(@"^Deleted 0 objects of 0 bytes \(node [123]\)", await ctl.DoAsync("store gc"));
            Assert.Contains("all is well", await ctl.DoAsync("store verify"));
            Assert.StartsWith("Running: ", await ctl.DoAsync("compaction show"));
            Assert.StartsWith("postgres:", (await ctl.JsonAsync("journal show")).GetProperty("journal").GetString());
        }
    }

    private static async Task<string> ReadyzAsync(WarpProcess node)
    {
        using var http = new HttpClient();
        using HttpResponseMessage answer = await http.GetAsync(new Uri(node.Http, "/readyz"), Cancellation);
        return await answer.Content.ReadAsStringAsync(Cancellation);
    }

    private static async Task<int> ProduceAndConsumeAsync(WarpProcess node, string topic, int records)
    {
        using (var producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = node.Bootstrap }).Build())
        {
            for (int i = 0; i < records; i++)
                await producer.ProduceAsync(topic, new() { Value = $"{i}" }, Cancellation);
        }
        using var consumer = new ConsumerBuilder<Ignore, string>(
            new ConsumerConfig { BootstrapServers = node.Bootstrap, GroupId = "none", EnablePartitionEof = true }).Build();
        consumer.Assign(new TopicPartitionOffset(topic, 0, Offset.Beginning));
        int read = 0;
        while (!consumer.Consume(Cancellation).IsPartitionEOF)
            read++;
        return read;
    }

    private void Commit(string group)
    {
        using var consumer = new ConsumerBuilder<Ignore, string>(
            new ConsumerConfig { BootstrapServers = _cluster.Nodes[0].Bootstrap, GroupId = group, EnableAutoCommit = false }).Build();
        consumer.Commit([new TopicPartitionOffset("orders", 0, 1)]);
    }

    private async Task<(string State, int Shards)> NodeAsync(int id)
    {
        JsonElement node = (await _ctl.JsonAsync("cluster show")).GetProperty("nodes").EnumerateArray()
            .Single(node => node.GetProperty("id").GetInt32() == id);
        return (node.GetProperty("state").GetString()!, node.GetProperty("shards").GetInt32());
    }

    private async Task<int[]> OwnersAsync() =>
    [
        .. (await _ctl.JsonAsync("shards show")).GetProperty("shards").EnumerateArray()
            .Select(static shard => shard.TryGetProperty("owner", out JsonElement owner) ? owner.GetInt32() : 0),
    ];

    private async Task<int> OwnerAsync(int shard) => (await OwnersAsync())[shard];

    /// <summary>Waits until the nodes have so many shards each, in whatever order.</summary>
    private Task BalancedAsync(params int[] shares) => Wait.UntilAsync(
        () => OwnersAsync().Result.Where(static owner => owner > 0).GroupBy(static owner => owner)
            .Select(static node => node.Count()).Order().SequenceEqual(shares),
        s_patience,
        $"shares of {string.Join(", ", shares)} shards");
}
