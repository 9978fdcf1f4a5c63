using System.Text.Json;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Actors.Cluster;
using Warp.Specs.Hosting;
using Warp.Specs.Scenarios;
using Xunit;

namespace Warp.Specs.Node.Control;

/// <summary>Each command of <c>warp ctl</c> against one running node.</summary>
public sealed class CtlNodeSpec : IAsyncLifetime
{
    private WarpProcess _node = null!;
    private Ctl _ctl = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _node = await WarpProcess.StartAsync("warp.flush.interval=0ms", "warp.node.zone=a", "warp.node.id=7");
        _ctl = new Ctl(_node);
    }

    public ValueTask DisposeAsync() => _node.DisposeAsync();

    [Fact]
    public async Task Everything_there_is_can_be_seen()
    {
        await ProduceAsync();

        string cluster = await _ctl.DoAsync("cluster show");
        Assert.Matches(@"(?m)^7 \*\s+up\s+a\s+default\s+all\s+64\s+catalog,compaction,collection,coordinator\s", cluster);
        Assert.EndsWith($"; * answers; node 7 coordinates the shards; feature level {FeatureLevels.Newest}\n", cluster);
        JsonElement node = Assert.Single((await _ctl.JsonAsync("cluster show")).GetProperty("nodes").EnumerateArray());
        Assert.Equal(("up", 64, "a"), (Text(node, "state"), node.GetProperty("shards").GetInt32(), Text(node, "zone")));
        Assert.Equal(_node.Bootstrap, Text(node, "kafka"));

        Assert.Equal(65, Lines(await _ctl.DoAsync("shards show")).Length);
        Assert.All((await _ctl.JsonAsync("shards show")).GetProperty("shards").EnumerateArray(), static shard => Assert.Equal("owned", Text(shard, "state")));
        Assert.Equal(
            ["catalog", "compaction", "collection", "coordinator"],
            (await _ctl.JsonAsync("singletons show")).GetProperty("shards").EnumerateArray().Select(static shard => Text(shard, "singleton")));
        Assert.Matches(@"(?m)^collection\s+1002\s+owned\s+7\s", await _ctl.DoAsync("singletons show"));

        Assert.Matches(@"(?m)^orders\s+3\s+1\s+\d{4}-\d\d-\d\d .*retention\.ms=60000", await _ctl.DoAsync("topics"));
        JsonElement topic = Assert.Single((await _ctl.JsonAsync("topics orders")).GetProperty("topics").EnumerateArray());
        Assert.Equal([4L, 0L, 0L], topic.GetProperty("logs").EnumerateArray().Select(static log => log.GetProperty("highWatermark").GetInt64()));
        Assert.Matches(@"(?m)^0\s+\d+\s+7\s+0\s+4\s+4\s+\d+", await _ctl.DoAsync("topics orders"));

        Assert.Matches(@"(?m)^billing\s+Empty\s+classic\s+-\s+0\s+7", await _ctl.DoAsync("groups"));
        JsonElement group = Assert.Single((await _ctl.JsonAsync("groups billing")).GetProperty("groups").EnumerateArray());
        JsonElement offset = Assert.Single(group.GetProperty("offsets").EnumerateArray());
        Assert.Equal(("orders", 1, 3), (Text(offset, "topic"), offset.GetProperty("committed").GetInt32(), offset.GetProperty("lag").GetInt32()));
        Assert.Matches(@"(?m)^orders\s+0\s+1\s+4\s+3", await _ctl.DoAsync("groups billing"));

        JsonElement journal = await _ctl.JsonAsync("journal show");
        Assert.StartsWith("sqlite:", Text(journal, "journal"));
        Assert.Equal(64, journal.GetProperty("shardCount").GetInt32());
        Assert.Matches(@"(?m)^belong together\s+yes", await _ctl.DoAsync("journal show"));
    }

    [Fact]
    public async Task Compaction_and_the_store_are_looked_after_while_the_node_runs()
    {
        await ProduceAsync();

        Assert.StartsWith("Paused: ", await _ctl.DoAsync("compaction pause"));
        Assert.True((await _ctl.JsonAsync("compaction show")).GetProperty("isPaused").GetBoolean());
        Assert.StartsWith("Running: ", await _ctl.DoAsync("compaction resume"));
        Assert.Contains("LIVE BYTES", await _ctl.DoAsync("compaction run"));

        Assert.Matches(@"^Read [1-9]\d* objects of \d+ bytes and [1-9]\d* extents: all is well\n$", await _ctl.DoAsync("store verify"));
        Assert.Equal("Would delete 0 objects of 0 bytes (node 7)\n", await _ctl.DoAsync("store gc --dry-run"));
        Assert.Equal("Deleted 0 objects of 0 bytes (node 7)\n", await _ctl.DoAsync("store gc"));
        Assert.Contains("is no quorum", await _ctl.FailAsync("store repair", exitCode: 2));

        await File.WriteAllTextAsync(Path.Combine(_node.Folder, "objects", "l0", "notes.txt"), "not Warp's", Cancellation);
        (int exitCode, string output, _) = await _ctl.RunAsync("store", "verify", "--json");
        Assert.Equal(1, exitCode);
        JsonElement fault = Assert.Single(JsonDocument.Parse(output).RootElement.GetProperty("findings").EnumerateArray());
        Assert.Equal("foreign-object", Text(fault, "kind"));
        (exitCode, output, _) = await _ctl.RunAsync("store", "verify");
        Assert.Equal(1, exitCode);
        Assert.StartsWith("foreign-object l0/notes.txt: ", output);
    }

    [Fact]
    public async Task What_cannot_be_done_is_refused_in_one_line()
    {
        Assert.Equal("warp: There is no node 3; there is 7.", await _ctl.FailAsync("cluster drain 3"));
        Assert.StartsWith("warp: No other node could take the shards of node 7", await _ctl.FailAsync("cluster drain self"));
        Assert.StartsWith("warp: No other node could take the shards of node 7", await _ctl.FailAsync("cluster leave 7"));
        Assert.StartsWith("warp: Node 7 is alive: ", await _ctl.FailAsync("cluster down 7"));
        Assert.Equal("Shard 5 is on node 7 already.\n", await _ctl.DoAsync("shards move 5 7"));
        Assert.Equal("warp: There is no node 9.", await _ctl.FailAsync("shards move 5 9"));
        Assert.Equal("Node 7, the coordinator, has looked: all shards are where they should be.\n", await _ctl.DoAsync("shards rebalance"));
        Assert.Equal("warp: There is no topic x; `topics` lists them.", await _ctl.FailAsync("topics x"));
        Assert.Equal("warp: There is no group x; `groups` lists them.", await _ctl.FailAsync("groups x"));
        Assert.Equal("Node 7 takes part again; it gets its share of the shards within moments.\n", await _ctl.DoAsync("cluster undrain 7"));
    }

    [Fact]
    public async Task Health_is_told_by_the_exit_code_too_and_a_node_that_is_not_there_by_another()
    {
        Assert.Equal("alive and ready\n", await _ctl.DoAsync("health --ready"));
        WarpRun shell = await WarpRun.CommandAsync($"ctl health --node {_node.Http.Authority}");
        Assert.Equal((0, "alive and ready"), (shell.ExitCode, Assert.Single(shell.Output)));

        await _node.KillAsync();
        foreach (string command in (string[])["health", "cluster show", "cluster drain 7", "store verify"])
            Assert.StartsWith($"warp: no node answers at {_node.Http.Authority} (", await _ctl.FailAsync(command, exitCode: 2));
        shell = await WarpRun.CommandAsync($"ctl health --node {_node.Http.Authority}");
        Assert.Equal(2, shell.ExitCode);
    }

    private static string? Text(JsonElement element, string property) => element.GetProperty(property).GetString();

    private static string[] Lines(string text) => text.Split('\n', StringSplitOptions.RemoveEmptyEntries);

    /// <summary>Makes a topic with four records in its first partition, and a group that has read one of them.</summary>
    private async Task ProduceAsync()
    {
        using (var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = _node.Bootstrap }).SetLogHandler((_, _) => { }).Build())
        {
            await admin.CreateTopicsAsync(
            [
                new TopicSpecification { Name = "orders", NumPartitions = 3, ReplicationFactor = 1, Configs = new() { ["retention.ms"] = "60000" } },
            ]);
        }
        using (var producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = _node.Bootstrap, LingerMs = 0 }).Build())
        {
            for (int i = 0; i < 4; i++)
                await producer.ProduceAsync(new TopicPartition("orders", 0), new() { Value = $"{i}" }, Cancellation);
        }
        using var consumer = new ConsumerBuilder<Ignore, string>(
            new ConsumerConfig { BootstrapServers = _node.Bootstrap, GroupId = "billing", EnableAutoCommit = false }).Build();
        consumer.Commit([new TopicPartitionOffset("orders", 0, 1)]);
    }
}
