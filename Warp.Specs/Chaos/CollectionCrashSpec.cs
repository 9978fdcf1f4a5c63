using System.Diagnostics;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Node.Cli;
using Warp.Node.Configuration;
using Warp.Specs.Hosting;
using Warp.Specs.Scenarios;
using Xunit;

namespace Warp.Specs.Chaos;

/// <summary>
/// A node that is killed in the middle of flushes, compaction, retention and collection never deletes what is needed, and leaves nothing behind that
/// is not.
/// </summary>
[Collection(nameof(NodeProcesses))]
public sealed class CollectionCrashSpec(ITestOutputHelper output)
{
    private const string Kept = "kept";
    private const string Passing = "passing";
    private const int Partitions = 3;

    private static readonly int _kills = TestRun.IsLong ? 200 : 10;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    private static CancellationToken Stop => TestContext.Current.CancellationToken;

    /// <summary>Where a kill comes.</summary>
    private enum Moment
    {
        /// <summary>An object has just been put; its commit has not come yet, or just now.</summary>
        ObjectPut,

        /// <summary>An object has just been deleted; its row does not say so yet, and others wait.</summary>
        ObjectDeleted,

        /// <summary>The journal is being written.</summary>
        JournalWritten,

        /// <summary>Compaction looks for objects, reads them, registers what it will write, or writes it.</summary>
        CompactionBegun,

        /// <summary>Compaction has just put its object; its swaps have not been made yet, or some of them.</summary>
        CompactionPut,

        /// <summary>Anywhere.</summary>
        Anywhere,
    }

    [Fact]
    public async Task Nothing_that_is_needed_is_ever_missing_and_nothing_else_stays()
    {
        var random = new Random(TestRun.TakeSeed());
        await using var node = await WarpProcess.StartAsync(
            [.. StoppedNode.HastySettings, "warp.compaction.interval=200ms", "warp.compaction.min-objects=8"]);
        await CreateTopicsAsync(node);
        MakeFolders(node);
        var history = new History();
        await using var kept = new ProducerLoad(node.Bootstrap, Kept, Partitions, history, recordsPerSecond: 200);
        await using var passing = new ProducerLoad(node.Bootstrap, Passing, Partitions, new History(), recordsPerSecond: 200);
        var moments = new int[Enum.GetValues<Moment>().Length];
        for (int i = 0; i < _kills; i++)
        {
            // The first ones are one of each.
            var moment = (Moment)(i < moments.Length ? i : random.Next(moments.Length));
            moments[(int)moment]++;
            await ProgressAsync(history, kept);
            await KillAtAsync(node, moment, random);
            Assert.Empty(Faults(await StoppedNode.VerifyAsync(node)));
            await node.StartAgainAsync();
        }
        output.WriteLine(string.Join(", ", moments.Select(static (count, moment) => $"{(Moment)moment}: {count}")));

        await ProgressAsync(history, kept);
        await kept.StopAsync(_patience);
        await passing.StopAsync(_patience);
        Assert.Null(kept.FatalError);
        var records = LogReader.ReadAll(node.Bootstrap, Kept, Partitions, Stop);
        Assert.Empty(history.Check(records));
        Assert.Equal(history.AcknowledgedCount, records.Count);
        Assert.DoesNotContain("cannot be read", node.Output, StringComparison.Ordinal);

        Assert.Equal(0, await node.TerminateAsync(TimeSpan.FromSeconds(10)));
        int before = StoppedNode.Objects(node).Length;
        // What was orphaned by the last kill is old enough in a moment.
        await Task.Delay(TimeSpan.FromSeconds(2), Stop);
        await StoppedNode.CollectAsync(node, dryRun: false);
        Assert.Empty(await StoppedNode.CollectAsync(node, dryRun: true));
        Assert.Empty(await StoppedNode.VerifyAsync(node));
        var left = StoppedNode.Objects(node).Select(static file => Path.GetFileName(file)).ToHashSet();
        var live = JournalFile.LiveObjects(Path.Combine(node.Folder, "journal.db")).Select(static id => id.ToString()).ToHashSet();
        Assert.Equal(live, left);
        output.WriteLine($"{records.Count} records kept, {before} objects at the end, {left.Count} of them needed");
    }

    /// <summary>What is young may be in flight or not be collected yet: only losses and damages count while nothing has settled.</summary>
    private static string[] Faults(string[] lines) =>
        [.. lines.Where(static line => line.Split(' ')[0] is not ("unreferenced-object" or "row-without-object"))];

    private static async Task CreateTopicsAsync(WarpProcess node)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = node.Bootstrap })
            .SetLogHandler((_, _) => { }).Build();
        TopicSpecification Topic(string name, string retentionMs) => new()
        {
            Name = name, NumPartitions = Partitions, ReplicationFactor = 1, Configs = new() { ["retention.ms"] = retentionMs },
        };
        await admin.CreateTopicsAsync([Topic(Kept, "-1"), Topic(Passing, "200")]);
    }

    /// <summary>A folder for each two digits that a key can have: files in folders that are made later could be seen too late.</summary>
    private static void MakeFolders(WarpProcess node)
    {
        for (int hash = 0; hash < 256; hash++)
        {
            Directory.CreateDirectory(Path.Combine(node.Folder, "objects", "l0", $"{hash:x2}"));
            Directory.CreateDirectory(Path.Combine(node.Folder, "objects", "l1", $"{hash:x2}"));
        }
    }

    private static async Task ProgressAsync(History history, ProducerLoad load)
    {
        int before = history.AcknowledgedCount;
        await Wait.UntilAsync(() => history.AcknowledgedCount > before || load.FatalError is not null, _patience, "an acknowledgement");
        Assert.Null(load.FatalError);
    }

    private static async Task KillAtAsync(WarpProcess node, Moment moment, Random random)
    {
        switch (moment)
        {
            case Moment.Anywhere:
                await Task.Delay(random.Next(50, 1500), Stop);
                await node.KillAsync();
                break;
            case Moment.CompactionBegun:
                await CompactAsync(node);
                await Task.Delay(random.Next(0, 60), Stop);
                await node.KillAsync();
                break;
            case Moment.CompactionPut:
                using (FileSystemWatcher watcher = Objects(node, "l1"))
                    await KillAtEventAsync(node, watcher, countdown: 1, () => CompactAsync(node));
                break;
            case Moment.JournalWritten:
                using (var watcher = new FileSystemWatcher(node.Folder, "journal.db-wal") { NotifyFilter = NotifyFilters.LastWrite })
                    await KillAtEventAsync(node, watcher, random.Next(1, 20));
                break;
            default:
                using (FileSystemWatcher watcher = Objects(node, "l0"))
                    await KillAtEventAsync(node, watcher, random.Next(1, 20), isDeletion: moment == Moment.ObjectDeleted);
                break;
        }
    }

    private static FileSystemWatcher Objects(WarpProcess node, string level) => new(Path.Combine(node.Folder, "objects", level))
    {
        NotifyFilter = NotifyFilters.FileName,
        IncludeSubdirectories = true,
    };

    private static async Task KillAtEventAsync(
        WarpProcess node, FileSystemWatcher watcher, int countdown, Func<Task>? provoke = null, bool isDeletion = false)
    {
        var killed = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        if (isDeletion)
            watcher.Deleted += Seen;
        else if (watcher.NotifyFilter == NotifyFilters.LastWrite)
            watcher.Changed += Seen;
        else
            watcher.Created += Seen;
        watcher.EnableRaisingEvents = true;
        var clock = Stopwatch.StartNew();
        while (!killed.Task.IsCompleted)
        {
            Assert.True(clock.Elapsed < _patience, "the moment to kill has not come");
            if (provoke is not null)
                await provoke();
            await Task.WhenAny(killed.Task, Task.Delay(TimeSpan.FromMilliseconds(200), Stop));
        }
        await await killed.Task;

        void Seen(object sender, FileSystemEventArgs e)
        {
            if (Interlocked.Decrement(ref countdown) == 0)
                killed.SetResult(node.KillAsync());
        }
    }

    /// <summary>Has the planner look at once: it waits for longer and longer while its workers die.</summary>
    private static async Task CompactAsync(WarpProcess node)
    {
        try
        {
            await CompactionCommand.RunAsync(CompactionVerb.Run, new HostPort(node.Http.Host, node.Http.Port), TextWriter.Null, Stop);
        }
        catch (IOException)
        {
            // It is being killed.
        }
    }
}
