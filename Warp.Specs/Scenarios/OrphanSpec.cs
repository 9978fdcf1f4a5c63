using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Actors.Sequencing;
using Warp.Specs.Chaos;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>
/// A node that dies after it has put an object and before it has committed it leaves the object behind, and nothing else: the records in it
/// have no offsets, and their producer writes them again.
/// </summary>
[Collection(nameof(NodeProcesses))]
public sealed class OrphanSpec(ITestOutputHelper output)
{
    private const string Topic = "orphans";
    private const int Partitions = 3;
    private const int MaxRounds = 20;

    private static readonly int _wanted = TestRun.IsLong ? 10 : 2;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task A_node_killed_between_put_and_commit_leaves_an_orphan_and_nothing_else()
    {
        await using var node = await WarpProcess.StartAsync();
        using (var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = node.Bootstrap }).Build())
            await admin.CreateTopicsAsync([new TopicSpecification { Name = Topic, NumPartitions = Partitions }]);
        MakeFolders(node);
        var history = new History();
        await using var load = new ProducerLoad(node.Bootstrap, Topic, Partitions, history);

        var orphans = new HashSet<ObjectId>();
        int rounds = 0;
        for (; orphans.Count < _wanted && rounds < MaxRounds; rounds++)
        {
            int before = history.AcknowledgedCount;
            await Wait.UntilAsync(() => history.AcknowledgedCount > before || load.FatalError is not null, _patience, "an acknowledgement");
            await KillAtNextObjectAsync(node);
            orphans.UnionWith(Unreferenced(node));
            await node.StartAgainAsync();
        }
        output.WriteLine($"{orphans.Count} orphans after {rounds} kills: {string.Join(", ", orphans)}");
        Assert.NotEmpty(orphans);

        await load.StopAsync(_patience);
        Assert.Null(load.FatalError);
        Assert.Empty(history.Failed);
        var records = LogReader.ReadAll(node.Bootstrap, Topic, Partitions, TestContext.Current.CancellationToken);
        Assert.Empty(history.Check(records));
        Assert.Equal(history.AcknowledgedCount, records.Count);
        output.WriteLine($"{records.Count} records, each there once and in order");

        Assert.Equal(0, await node.TerminateAsync(TimeSpan.FromSeconds(10)));
        Assert.Superset(orphans, Unreferenced(node));
    }

    /// <summary>A folder for each two digits that a key can have: files in folders that are made later could be seen too late.</summary>
    private static void MakeFolders(WarpProcess node)
    {
        for (int hash = 0; hash < 256; hash++)
            Directory.CreateDirectory(Path.Combine(ObjectsOf(node), hash.ToString("x2", CultureInfo.InvariantCulture)));
    }

    private static async Task KillAtNextObjectAsync(WarpProcess node)
    {
        var killed = new TaskCompletionSource<Task>(TaskCreationOptions.RunContinuationsAsynchronously);
        int first = 1;
        using var watcher = new FileSystemWatcher(ObjectsOf(node)) { IncludeSubdirectories = true, NotifyFilter = NotifyFilters.FileName };
        watcher.Created += (_, _) =>
        {
            if (Interlocked.Exchange(ref first, 0) == 1)
                killed.SetResult(node.KillAsync());
        };
        watcher.EnableRaisingEvents = true;
        await await killed.Task.WaitAsync(_patience, TestContext.Current.CancellationToken);
    }

    private static HashSet<ObjectId> Unreferenced(WarpProcess node)
    {
        var objects = new HashSet<ObjectId>();
        foreach (string file in Directory.EnumerateFiles(ObjectsOf(node), "*", SearchOption.AllDirectories))
        {
            Assert.True(ObjectId.TryParse(Path.GetFileName(file), out var id), $"{file} is no object");
            objects.Add(id);
        }
        objects.ExceptWith(JournalFile.ReferencedObjects(Path.Combine(node.Folder, "journal.db")));
        return objects;
    }

    private static string ObjectsOf(WarpProcess node) => Path.Combine(node.Folder, "objects", "l0");
}
