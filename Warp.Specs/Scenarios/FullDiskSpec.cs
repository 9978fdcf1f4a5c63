using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>A node whose disk is full says so, refuses what it cannot store, and goes on by itself when there is space again.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class FullDiskSpec(ITestOutputHelper output)
{
    private const string Full = "The disk or a quota is full: free space or shorten the retention.";

    [Fact]
    public async Task The_disk_of_the_store()
    {
        using var disk = TinyDisk.Mount(mebibytes: 8);
        string url = $"file:{disk.Path}/objects";
        await using var node = await WarpProcess.StartAsync($"warp.store.url={url}");

        output.WriteLine(await StoreTrouble.AssertToldAndSurvivedAsync(node, Fill(disk), Free(disk), $"Object store {url}", Full));
    }

    [Fact]
    public async Task The_disk_of_the_store_and_of_the_journal()
    {
        using var disk = TinyDisk.Mount(mebibytes: 32);
        string url = $"file:{disk.Path}/objects";
        await using var node = await WarpProcess.StartAsync($"warp.store.url={url}", $"warp.journal.url=sqlite:{disk.Path}/journal.db");

        output.WriteLine(await StoreTrouble.AssertToldAndSurvivedAsync(node, Fill(disk), Free(disk), $"Object store {url}", Full));
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
