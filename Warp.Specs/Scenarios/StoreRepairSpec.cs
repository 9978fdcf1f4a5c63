using System.Text.Json;
using Confluent.Kafka;
using Warp.Node.Cli;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>What a store of a quorum has missed comes back, while a node runs and when none does.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class StoreRepairSpec : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("warp-specs-");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    private string Url => "quorum:" + string.Join('|', Enumerable.Range(0, 3).Select(i => $"file:{Store(i)}"));

    public void Dispose() => _folder.Delete(recursive: true);

    [Fact]
    public async Task Copies_that_are_missing_are_made()
    {
        await using var node = await WarpProcess.StartAsync($"warp.store.url={Url}", "warp.flush.interval=0ms");
        using (var producer = new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = node.Bootstrap }).Build())
            await producer.ProduceAsync("orders", new() { Value = "a record" }, Cancellation);
        await RepairedAsync(null);

        string file = Lose(1);
        await RepairedAsync(null, "ctl", "store", "repair", "--node", node.Http.Authority);
        Assert.True(File.Exists(file));

        Assert.Equal(0, await node.TerminateAsync(TimeSpan.FromSeconds(30)));
        file = Lose(2);
        JsonElement repaired = JsonDocument.Parse(await RepairedAsync(1, "store", "repair", "--json", "--set", $"warp.store.url={Url}")).RootElement;
        Assert.Equal(1, repaired.GetProperty("copied").GetInt32());
        Assert.True(File.Exists(file));
        Assert.EndsWith(": every store has all of them\n", await RepairedAsync(0));
    }

    [Fact]
    public async Task A_store_that_is_no_quorum_needs_no_repair()
    {
        WarpRun run = await WarpRun.CommandAsync("store repair", $"warp.store.url=file:{Store(0)}");
        Assert.Equal(2, run.ExitCode);
        Assert.Contains("is no quorum of several stores", Assert.Single(run.Errors));
    }

    private string Store(int number) => Path.Combine(_folder.FullName, $"{number}");

    /// <summary>Deletes a record object from one of the stores.</summary>
    private string Lose(int store)
    {
        string file = Directory.GetFiles(Path.Combine(Store(store), "l0"), "*", SearchOption.AllDirectories)[0];
        File.Delete(file);
        return file;
    }

    private async Task<string> RepairedAsync(int? copies, params string[] words)
    {
        using var output = new StringWriter();
        using var errors = new StringWriter();
        var surroundings = new CommandSurroundings(output, errors, new Dictionary<string, string>());
        string[] args = words.Length > 0 ? words : ["store", "repair", "--set", $"warp.store.url={Url}"];
        Assert.Equal(0, await CommandLine.RunAsync(args, new NodeCommands(surroundings), surroundings, Cancellation));
        Assert.Empty(errors.ToString());
        if (copies is { } count && args.All(static arg => arg != "--json"))
            Assert.Matches(count == 0 ? "every store has all" : $"{count} copies were missing", output.ToString());
        return output.ToString();
    }
}
