using Warp.Specs.Chaos;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>A node whose disk is full says so, refuses what it cannot store, and goes on by itself when there is space again.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class FullDiskSpec(ITestOutputHelper output)
{
    private const string Full = "The disk or a quota is full: free space or shorten the retention.";

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task The_disk_of_the_store()
    {
        using var disk = TinyDisk.Mount(mebibytes: 8);
        string url = $"file:{disk.Path}/objects";
        await using var node = await WarpProcess.StartAsync($"warp.store.url={url}");

        output.WriteLine(await StoreTrouble.AssertToldAndSurvivedAsync(node, Fill(disk), Free(disk), $"Object store {url}", Full));
    }

    [Fact]
    public async Task The_disk_of_the_journal_under_load()
    {
        const string Topic = "full";
        using var disk = TinyDisk.Mount(mebibytes: 16);
        await using var node = await WarpProcess.StartAsync($"warp.journal.url=sqlite:{disk.Path}/journal.db");
        await Topics.CreateAsync(node, Topic, 1);
        var history = new History();
        await using var load = new ProducerLoad(node.Bootstrap, Topic, 1, history);
        await ProgressAsync();

        disk.Fill();
        await Wait.UntilAsync(() => node.Output.Contains("Leases could not be renewed (SQLite Error 13", StringComparison.Ordinal), _patience, "the reason");
        disk.Free();
        await ProgressAsync();
        await load.StopAsync(_patience);

        Assert.Null(load.FatalError);
        Assert.Empty(history.Failed);
        var records = LogReader.ReadAll(node.Bootstrap, Topic, 1, TestContext.Current.CancellationToken);
        Assert.Empty(history.Check(records));
        Assert.Equal(history.AcknowledgedCount, records.Count);

        async Task ProgressAsync()
        {
            int before = history.AcknowledgedCount;
            await Wait.UntilAsync(() => history.AcknowledgedCount > before + 1000 || load.FatalError is not null, _patience, "acknowledgements");
        }
    }

    private static Func<Task> Fill(TinyDisk disk) => () =>
    {
        disk.Fill();
        return Task.CompletedTask;
    };

    private static Func<Task> Free(TinyDisk disk) => () =>
    {
        disk.Free();
        return Task.CompletedTask;
    };
}
