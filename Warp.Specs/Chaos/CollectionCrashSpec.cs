using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Specs.Hosting;
using Warp.Specs.Scenarios;
using Xunit;

namespace Warp.Specs.Chaos;

/// <summary>
/// A node that is killed in the middle of flushes, retention and collection never deletes what is needed, and leaves nothing behind that
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

    /// <summary>Where a kill comes.</summary>
    private enum Moment
    {
        /// <summary>An object has just been put; its commit has not come yet, or just now.</summary>
        ObjectPut,

        /// <summary>An object has just been deleted; its row does not say so yet, and others wait.</summary>
        ObjectDeleted,

        /// <summary>The journal is being written.</summary>
        JournalWritten,

        /// <summary>Anywhere.</summary>
        Anywhere,
    }

    [Fact]
    public async Task Nothing_that_is_needed_is_ever_missing_and_nothing_else_stays()
    {
        var random = new Random(TestRun.TakeSeed());
        await using var node = await WarpProcess.StartAsync([.. StoppedNode.HastySettings]);
        await CreateTopicsAsync(node);
        MakeFolders(node);
        var history = new History();
        await using var kept = new ProducerLoad(node.Bootstrap, Kept, Partitions, history, recordsPerSecond: 200);
        await using var passing = new ProducerLoad(node.Bootstrap, Passing, Partitions, new History(), recordsPerSecond: 200);
        var moments = new Dictionary<Moment, int>();
        for (int i = 0; i < _kills; i++)
        {
            // The first four are one of each.
            var moment = (Moment)(i < 4 ? i : random.Next(4));
            moments[moment] = moments.GetValueOrDefault(moment) + 1;
            await ProgressAsync(history, kept);
            await KillAtAsync(node, moment, random);
            Assert.Empty(Faults(await StoppedNode.VerifyAsync(node)));
            await node.StartAgainAsync();
        }
        output.WriteLine(string.Join(", ", moments.Select(static entry => $"{entry.Key}: {entry.Value}")));

        await ProgressAsync(history, kept);
        await kept.StopAsync(_patience);
        await passing.StopAsync(_patience);
        Assert.Null(kept.FatalError);
        var records = LogReader.ReadAll(node.Bootstrap, Kept, Partitions, TestContext.Current.CancellationToken);
        Assert.Empty(history.Check(records));
        Assert.Equal(history.AcknowledgedCount, records.Count);
        Assert.DoesNotContain("cannot be read", node.Output, StringComparison.Ordinal);

        Assert.Equal(0, await node.TerminateAsync(TimeSpan.FromSeconds(10)));
        int before = StoppedNode.Objects(node).Length;
        // What was orphaned by the last kill is old enough in a moment.
        await Task.Delay(TimeSpan.FromSeconds(2), TestContext.Current.CancellationToken);
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
            Directory.CreateDirectory(Path.Combine(node.Folder, "objects", "l0", $"{hash:x2}"));
    }

    private static async Task ProgressAsync(History history, ProducerLoad load)
    {
        int before = history.AcknowledgedCount;
        await Wait.UntilAsync(() => history.AcknowledgedCount > before || load.FatalError is not null, _patience, "an acknowledgement");
        Assert.Null(load.FatalError);
    }

    private static async Task KillAtAsync(WarpProcess node, Moment moment, Random random)
    {
        int countdown = random.Next(1, 20);
        if (moment == Moment.Anywhere)
        {
            await Task.Delay(random.Next(50, 1500), TestContext.Current.CancellationToken);
            await node.KillAsync();
            return;
        }
        var killed = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        string folder = moment == Moment.JournalWritten ? node.Folder : Path.Combine(node.Folder, "objects", "l0");
        using var watcher = new FileSystemWatcher(folder) { IncludeSubdirectories = moment != Moment.JournalWritten };
        switch (moment)
        {
            case Moment.ObjectPut:
                watcher.NotifyFilter = NotifyFilters.FileName;
                watcher.Created += Seen;
                break;
            case Moment.ObjectDeleted:
                watcher.NotifyFilter = NotifyFilters.FileName;
                watcher.Deleted += Seen;
                break;
            default:
                watcher.NotifyFilter = NotifyFilters.LastWrite;
                watcher.Filter = "journal.db-wal";
                watcher.Changed += Seen;
                break;
        }
        watcher.EnableRaisingEvents = true;
        await await killed.Task.WaitAsync(_patience, TestContext.Current.CancellationToken);

        void Seen(object sender, FileSystemEventArgs e)
        {
            if (Interlocked.Decrement(ref countdown) == 0)
                killed.SetResult(node.KillAsync());
        }
    }
}
