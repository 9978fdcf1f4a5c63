using BenchmarkDotNet.Attributes;
using Warp.Actors.Cluster;
using Warp.Actors.Persistence;
using Warp.Actors.Persistence.Sql;
using Warp.Actors.Sharding;

namespace Warp.Bench.Micro;

/// <summary>An append to the SQLite journal, fsync and all: one actor's event of 200 bytes, and those of 64 actors together.</summary>
public class JournalBenchmarks
{
    private const int ShardCount = 64;

    private static readonly TimeSpan s_lease = TimeSpan.FromHours(1);

    private readonly byte[] _payload = Samples.Text(200);
    private DirectoryInfo _folder = null!;
    private SqliteJournal _journal = null!;
    private IReadOnlyList<Fence> _fences = [];
    private long[] _next = [];

    [Params(1, 64)]
    public int Actors { get; set; }

    // Setup and clean-up wait: BenchmarkDotNet does not await them when it runs in this process.
    [GlobalSetup]
    public void Setup() => SetupAsync().Wait();

    private async Task SetupAsync()
    {
        _folder = Directory.CreateTempSubdirectory("warp-bench-micro-");
        var cluster = new ClusterRecord(
            SqliteJournal.MintClusterId(new Random(1)), Lineage: 1, StoreBound: false, ShardCount, EntityHash.Name, FeatureLevel: 1);
        _journal = await SqliteJournal.OpenAsync(Path.Combine(_folder.FullName, "journal.db"), cluster, TimeProvider.System);
        var nowhere = new NodeAddress("localhost", 0);
        NodeIncarnation node = await _journal.RegisterNodeAsync(
            new NodeRegistration(null, new NodeDescription(nowhere, nowhere, nowhere, Zone: "", Group: "", Roles: 0, Version: "", FeatureLevel: 1)),
            s_lease, CancellationToken.None);
        _fences = await _journal.TakeOverAsync(node, [.. Enumerable.Range(0, ShardCount)], s_lease, CancellationToken.None);
        _next = [.. Enumerable.Repeat(1L, Actors)];
    }

    [Benchmark]
    public async Task Append()
    {
        var writes = new ActorWrite[Actors];
        for (int i = 0; i < writes.Length; i++)
        {
            writes[i] = new ActorWrite
            {
                Fence = _fences[i],
                PersistenceId = $"bench-{i}",
                FirstSequenceNr = _next[i]++,
                Events = [new EventRecord(1, 1, _payload)],
            };
        }
        foreach (WriteResult result in await _journal.AppendAsync(writes, CancellationToken.None))
        {
            if (result.Outcome != WriteOutcome.Written)
                throw new InvalidOperationException($"{result.Outcome}, {result.Refusal}");
        }
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _journal.DisposeAsync().AsTask().Wait();
        _folder.Delete(recursive: true);
    }
}
