using System.Text.Json;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Node.Cli;
using Warp.Node.Configuration;
using Warp.Specs.Chaos;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>A node that compacts while it is written to, is killed in the middle of it, and is steered from the command line.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class CompactionSpec(ITestOutputHelper output)
{
    private const string Topic = "merged";
    private const int Partitions = 6;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);
    private static readonly int s_kills = TestRun.IsLong ? 10 : 1;

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Kills_in_the_middle_of_compaction_lose_nothing_and_commands_are_obeyed()
    {
        await using WarpProcess node = await WarpProcess.StartAsync(
            "warp.timing.commit-deadline=2s", "warp.compaction.interval=200ms", "warp.compaction.min-objects=4",
            "warp.flush.puts-per-second=20", "warp.flush.interval=20ms");
        using (var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = node.Bootstrap }).Build())
            await admin.CreateTopicsAsync([new TopicSpecification { Name = Topic, NumPartitions = Partitions }]);
        var history = new History();
        await using var load = new ProducerLoad(node.Bootstrap, Topic, Partitions, history);

        for (int kill = 0; kill < s_kills; kill++)
        {
            await UntilFilesAsync(node, level: 1, moreThan: CountFiles(node, 1));
            await node.KillAsync();
            await node.StartAgainAsync();
        }
        await load.StopAsync(s_patience);
        Assert.Null(load.FatalError);
        Assert.Empty(history.Failed);
        await Wait.UntilAsync(() => Finished(node) > 0, s_patience, "a finished job");

        List<ReadRecord> records = [.. LogReader.ReadAll(node.Bootstrap, Topic, Partitions, Stop)];
        Assert.Empty(history.Check(records));
        Assert.Equal(history.AcknowledgedCount, records.Count);
        Assert.True((await CommandAsync(node, CompactionVerb.Pause)).GetProperty("isPaused").GetBoolean());
        JsonElement shown = await CommandAsync(node, CompactionVerb.Show);
        Assert.True(shown.GetProperty("isPaused").GetBoolean());
        Assert.False((await CommandAsync(node, CompactionVerb.Resume)).GetProperty("isPaused").GetBoolean());
        Assert.False((await CommandAsync(node, CompactionVerb.Run)).GetProperty("isPaused").GetBoolean());
        output.WriteLine($"{records.Count} records, {CountFiles(node, 0)} and {CountFiles(node, 1)} objects; {shown}");
        Assert.Equal(0, await node.TerminateAsync(TimeSpan.FromSeconds(20)));

        await Assert.ThrowsAsync<IOException>(() => CommandAsync(node, CompactionVerb.Show));
    }

    private static double Finished(WarpProcess node) =>
        node.MetricsAsync().GetAwaiter().GetResult().GetValueOrDefault("warp_compaction_jobs_total{outcome=\"finished\"}");

    private static Task UntilFilesAsync(WarpProcess node, int level, int moreThan) =>
        Wait.UntilAsync(() => CountFiles(node, level) > moreThan, s_patience, $"an object of level {level}");

    private static int CountFiles(WarpProcess node, int level)
    {
        string folder = Path.Combine(node.Folder, "objects", $"l{level}");
        return Directory.Exists(folder) ? Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Count() : 0;
    }

    private static async Task<JsonElement> CommandAsync(WarpProcess node, CompactionVerb verb)
    {
        await using var answer = new StringWriter();
        Assert.Equal(ExitCode.Ok, await CompactionCommand.RunAsync(verb, new HostPort(node.Http.Host, node.Http.Port), answer, Stop));
        return JsonDocument.Parse(answer.ToString()).RootElement;
    }
}
