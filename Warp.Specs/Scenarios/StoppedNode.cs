using Warp.Node.Cli;
using Warp.Node.Configuration;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>Looks after the store of a node that does not run, as <c>warp store</c> does, in this process.</summary>
public static class StoppedNode
{
    /// <summary>Deadlines of a second or so in the place of minutes, and upkeep all the time.</summary>
    public static IReadOnlyList<string> HastySettings { get; } =
    [
        "warp.flush.interval=0ms",
        "warp.timing.held-batch=100ms",
        "warp.timing.commit-deadline=800ms",
        "warp.timing.plan-life=900ms",
        "warp.timing.collection-grace=1s",
        "warp.timing.pending-life=2s",
        "warp.gc.interval=50ms",
        "warp.retention.check-interval=50ms",
    ];

    /// <summary>Verifies the store.</summary>
    /// <returns>The lines of what is wrong; none if all is well.</returns>
    public static async Task<string[]> VerifyAsync(WarpProcess node)
    {
        using var output = new StringWriter();
        int exit = await StoreCommand.VerifyAsync(
            Options(node), json: false, output, TimeProvider.System, TestContext.Current.CancellationToken);
        string[] lines = Lines(output)[..^1];
        Assert.Equal(lines.Length == 0 ? ExitCode.Ok : ExitCode.Failed, exit);
        return lines;
    }

    /// <summary>Collects garbage, and gives a line for each object.</summary>
    public static async Task<string[]> CollectAsync(WarpProcess node, bool dryRun)
    {
        using var output = new StringWriter();
        Assert.Equal(ExitCode.Ok, await StoreCommand.CollectAsync(
            Options(node), dryRun, json: false, output, TimeProvider.System, TestContext.Current.CancellationToken));
        return Lines(output)[..^1];
    }

    /// <summary>The objects in the store, by path.</summary>
    public static string[] Objects(WarpProcess node)
    {
        string folder = Path.Combine(node.Folder, "objects");
        return
        [
            .. Directory.EnumerateDirectories(folder, "l?").SelectMany(
                static level => Directory.EnumerateFiles(level, "*", SearchOption.AllDirectories)),
        ];
    }

    private static NodeOptions Options(WarpProcess node) => NodeConfiguration.Load(new ConfigurationSources
    {
        Settings =
        [
            .. HastySettings,
            $"warp.journal.url=sqlite:{Path.Combine(node.Folder, "journal.db")}",
            $"warp.store.url=file:{Path.Combine(node.Folder, "objects")}",
        ],
    }).Options;

    private static string[] Lines(StringWriter output) => output.ToString().Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
