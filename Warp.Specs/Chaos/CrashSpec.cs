using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Chaos;

/// <summary>A node that dies or stands still under load keeps every promise that it has given.</summary>
public sealed class CrashSpec
{
    private const string Topic = "crash";
    private const int Partitions = 3;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Nothing_is_lost_doubled_or_reordered_by_kill_9_under_load()
    {
        var random = new Random(TestRun.TakeSeed());
        await using var node = await WarpProcess.StartAsync();
        await CreateTopicAsync(node);
        var history = new History();
        await using var load = new ProducerLoad(node.Bootstrap, Topic, Partitions, history);

        for (int kills = TestRun.IsLong ? 20 : 6; kills > 0; kills--)
        {
            await ProgressAsync(history, load);
            await PassAsync(TimeSpan.FromMilliseconds(random.Next(500, 1500)));
            await node.KillAsync();
            await node.StartAgainAsync();
        }
        await ProgressAsync(history, load);
        await load.StopAsync(_patience);
        await node.KillAsync();
        await node.StartAgainAsync();
        AssertKept(history, load, node);
    }

    /// <summary>
    /// With all deadlines at a tenth: the lease is 1 s, the commit deadline 12 s, and the pause is longer than both.
    /// </summary>
    [Fact]
    public async Task Nothing_is_lost_doubled_or_reordered_when_the_node_stands_still_for_longer_than_its_deadlines()
    {
        await using var node = await WarpProcess.StartAsync("warp.timing.scale=0.1");
        await CreateTopicAsync(node);
        var history = new History();
        await using var load = new ProducerLoad(node.Bootstrap, Topic, Partitions, history);

        for (int pauses = TestRun.IsLong ? 4 : 1; pauses > 0; pauses--)
        {
            await ProgressAsync(history, load);
            node.Pause();
            await PassAsync(TimeSpan.FromSeconds(14));
            node.Resume();
        }
        await ProgressAsync(history, load);
        await load.StopAsync(_patience);
        AssertKept(history, load, node);
    }

    private static async Task CreateTopicAsync(WarpProcess node)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = node.Bootstrap })
            .SetLogHandler((_, _) => { }).Build();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = Topic, NumPartitions = Partitions, ReplicationFactor = 1 }]);
    }

    /// <summary>Waits for acknowledgements that came after now.</summary>
    private static async Task ProgressAsync(History history, ProducerLoad load)
    {
        int before = history.AcknowledgedCount;
        await Wait.UntilAsync(() => history.AcknowledgedCount > before || load.FatalError is not null, _patience, "an acknowledgement");
        Assert.Null(load.FatalError);
    }

    /// <summary>Lets the load run for a while: the time itself is the fault that is injected.</summary>
    private static Task PassAsync(TimeSpan time) => Task.Delay(time, TestContext.Current.CancellationToken);

    private static void AssertKept(History history, ProducerLoad load, WarpProcess node)
    {
        var records = LogReader.ReadAll(node.Bootstrap, Topic, Partitions, TestContext.Current.CancellationToken);
        var defects = history.Check(records);
        Assert.True(
            defects.Count == 0, $"{defects.Count} defects:\n{string.Join('\n', defects.Take(20))}\nthe node's output:\n{node.Output}");
        Assert.Empty(history.Failed);
        Assert.Equal(history.AcknowledgedCount, records.Count);
        Assert.Null(load.FatalError);
    }
}
