using System.Text.Json;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Protocol.Messages;
using Warp.Specs.Chaos;
using Warp.Specs.Hosting;
using Xunit;
using ErrorCode = Warp.Protocol.Messages.ErrorCode;

namespace Warp.Specs.Scenarios;

/// <summary>What a node leaves in its store, and what it does when something is missing there.</summary>
public sealed class GarbageSpec(ITestOutputHelper output)
{
    private const int Partitions = 3;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Old_records_go_with_their_objects_and_with_all_topics_deleted_the_bucket_is_empty()
    {
        await using var node = await WarpProcess.StartAsync([.. StoppedNode.HastySettings]);
        using IAdminClient admin = await CreateAsync(node, ["a", "b"], []);
        using IAdminClient second = await CreateAsync(node, ["short"], new() { ["retention.ms"] = "500" });
        foreach (string topic in (string[])["a", "b"])
            await ProduceAsync(node, topic, records: 20);
        // At most: on a slow machine some commit may have been too late, and its records lie in another object, too.
        int needed = StoppedNode.Objects(node).Length;
        await ProduceAsync(node, "short", records: 60);

        await Wait.UntilAsync(() => StoppedNode.Objects(node).Length <= needed, _patience, "the deletion of what was too old");
        Assert.Empty(LogReader.ReadAll(node.Bootstrap, "short", Partitions, Cancellation));
        Assert.Equal(20, LogReader.ReadAll(node.Bootstrap, "a", Partitions, Cancellation).Count);
        await admin.DeleteTopicsAsync(["a", "b", "short"]);

        await Wait.UntilAsync(() => StoppedNode.Objects(node).Length == 0, _patience, "an empty store");
        const string Metric = "warp_gc_objects_total{reason=\"released\"}";
        await Wait.UntilAsync(() => node.MetricsAsync().Result.ContainsKey(Metric), _patience, Metric);
        Assert.Equal(0, await node.TerminateAsync(TimeSpan.FromSeconds(10)));
        Assert.Empty(await StoppedNode.VerifyAsync(node));
    }

    [Fact]
    public async Task An_object_that_was_deleted_by_hand_is_named_once_and_everything_else_goes_on()
    {
        await using var node = await WarpProcess.StartAsync("warp.flush.interval=0ms");
        using IAdminClient admin = await CreateAsync(node, ["a"], []);
        await ProduceAsync(node, "a", records: 3);
        string[] objects = StoppedNode.Objects(node);
        await node.KillAsync();
        foreach (string file in objects)
            File.Delete(file);
        await node.StartAgainAsync();

        using var socket = await KafkaSocket.ConnectAsync(node.Bootstrap);
        for (int i = 0; i < 3; i++)
        {
            for (int partition = 0; partition < Partitions; partition++)
                Assert.Equal((ErrorCode.KafkaStorageError, 0), await FetchAsync(socket, "a", partition, 0));
        }
        string[] lines = [.. node.Output.Split('\n').Where(static line => line.Contains("cannot be read", StringComparison.Ordinal))];
        output.WriteLine(string.Join('\n', lines));
        Assert.Equal(Partitions, lines.Length);
        Assert.All(objects, file => Assert.Contains(lines, line => line.Contains(Path.GetFileName(file), StringComparison.Ordinal)));
        Assert.All(lines, line => Assert.Contains(Path.Combine(node.Folder, "objects"), line));
        Assert.All(lines, static line => Assert.Contains("warp store verify", line));

        await ProduceAsync(node, "a", records: 3);
        (ErrorCode error, int bytes) = await FetchAsync(socket, "a", 0, 1);
        Assert.Equal(ErrorCode.None, error);
        Assert.NotEqual(0, bytes);
        Assert.Equal(0, await node.TerminateAsync(TimeSpan.FromSeconds(10)));
        string[] faults = await StoppedNode.VerifyAsync(node);
        Assert.Equal(objects.Length, faults.Length);
        Assert.All(faults, static fault => Assert.StartsWith("missing-object l0/", fault));
    }

    [Fact]
    public async Task The_store_commands_need_a_stopped_node_and_tell_what_they_find()
    {
        await using var node = await WarpProcess.StartAsync([.. StoppedNode.HastySettings, "warp.gc.enabled=false"]);
        string[] settings =
        [
            .. StoppedNode.HastySettings,
            $"warp.journal.url=sqlite:{Path.Combine(node.Folder, "journal.db")}",
            $"warp.store.url=file:{Path.Combine(node.Folder, "objects")}",
        ];
        using (IAdminClient admin = await CreateAsync(node, ["a"], []))
        {
            await ProduceAsync(node, "a", records: 3);
            await admin.DeleteTopicsAsync(["a"]);
        }
        WarpRun refused = await WarpRun.CommandAsync("store verify", settings);
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("stop that node", Assert.Single(refused.Errors));
        Assert.Equal(0, await node.TerminateAsync(TimeSpan.FromSeconds(10)));
        string[] objects = StoppedNode.Objects(node);
        await Wait.UntilAsync(() => StoppedNode.CollectAsync(node, dryRun: true).Result.Length == objects.Length, _patience, "the grace");
        Assert.Equal(objects, StoppedNode.Objects(node));

        WarpRun collected = await WarpRun.CommandAsync("store gc --json", settings);
        Assert.Equal((0, objects.Length), (collected.ExitCode, Json(collected).GetProperty("count").GetInt32()));
        Assert.Equal("released", Json(collected).GetProperty("objects")[0].GetProperty("reason").GetString());
        Assert.Empty(StoppedNode.Objects(node));

        File.WriteAllText(Path.Combine(node.Folder, "objects", "l0", "notes.txt"), "not Warp's");
        WarpRun faulty = await WarpRun.CommandAsync("store verify --json", settings);
        Assert.Equal(1, faulty.ExitCode);
        JsonElement fault = Assert.Single(Json(faulty).GetProperty("findings").EnumerateArray());
        Assert.Equal(("foreign-object", "l0/notes.txt"), (fault.GetProperty("kind").GetString(), fault.GetProperty("subject").GetString()));
        Assert.StartsWith("foreign-object l0/notes.txt: ", Assert.Single(await StoppedNode.VerifyAsync(node)));
    }

    private static JsonElement Json(WarpRun run) => JsonDocument.Parse(string.Join('\n', run.Output)).RootElement;

    private static async Task<IAdminClient> CreateAsync(WarpProcess node, string[] topics, Dictionary<string, string> configs)
    {
        IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = node.Bootstrap })
            .SetLogHandler((_, _) => { }).Build();
        await admin.CreateTopicsAsync(topics.Select(
            topic => new TopicSpecification { Name = topic, NumPartitions = Partitions, ReplicationFactor = 1, Configs = configs }));
        return admin;
    }

    /// <summary>Writes values of a history round robin to the partitions of a topic, each record an object of its own.</summary>
    private static async Task ProduceAsync(WarpProcess node, string topic, int records)
    {
        var config = new ProducerConfig { BootstrapServers = node.Bootstrap, LingerMs = 0 };
        using var producer = new ProducerBuilder<Null, string>(config).Build();
        for (int i = 0; i < records; i++)
        {
            var value = new HistoryValue(0, i % Partitions, i / Partitions);
            await producer.ProduceAsync(new TopicPartition(topic, value.Partition), new() { Value = $"{value} x" }, Cancellation);
        }
    }

    private static async Task<(ErrorCode Error, int Bytes)> FetchAsync(KafkaSocket socket, string topic, int partition, long offset)
    {
        var request = new FetchRequest { ReplicaId = -1, MaxWaitMs = 0, MinBytes = 1, MaxBytes = 1 << 20 };
        request.Topics.Add(new()
        {
            Topic = topic,
            Partitions =
            [
                new()
                {
                    Partition = partition,
                    FetchOffset = offset,
                    PartitionMaxBytes = 1 << 20,
                    CurrentLeaderEpoch = -1,
                    LastFetchedEpoch = -1,
                },
            ],
        });
        FetchResponse response = await socket.AskAsync<FetchResponse>(request, 12);
        FetchResponse.PartitionData data = Assert.Single(Assert.Single(response.Responses).Partitions);
        return (data.ErrorCode, data.Records.Length);
    }
}
