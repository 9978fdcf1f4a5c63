using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Actors.Cluster;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Persistence.Sql;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors;

/// <summary>The persistent actors of a node on a real SQLite journal in a folder of its own, without network or store.</summary>
internal sealed class JournaledNode : IAsyncDisposable
{
    private static readonly ImmutableSortedDictionary<string, string> s_configs = ImmutableSortedDictionary<string, string>.Empty;

    private readonly string _folder;
    private readonly TimeProvider _time;
    private readonly int _shards;
    private readonly TimeConstants _times;
    private readonly long? _snapshotSpacingBytes;
    private ActorSystem _system = null!;

    private JournaledNode(TimeProvider time, int shards, TimeConstants times, long? snapshotSpacingBytes)
    {
        _folder = Directory.CreateTempSubdirectory("warp-node-").FullName;
        _time = time;
        _shards = shards;
        _times = times;
        _snapshotSpacingBytes = snapshotSpacingBytes;
    }

    /// <summary>How long a test waits for anything, in real time.</summary>
    public static TimeSpan Patience { get; } = TimeSpan.FromSeconds(60);

    /// <summary>The deadline of asks, on the node's clock: longer than any that a test lets pass on purpose.</summary>
    public static TimeSpan AskDeadline { get; } = TimeSpan.FromHours(1);

    public ActorSystem System => _system;

    public FaultyJournal Journal { get; private set; } = null!;

    /// <summary>The journal itself.</summary>
    public SqliteJournal Sqlite { get; private set; } = null!;

    public NodeIncarnation Node { get; private set; }

    public ShardLeases Leases { get; private set; } = null!;

    public GroupCommit Commits { get; private set; } = null!;

    public PersistenceServices Services { get; private set; } = null!;

    public ShardRegion Region { get; private set; } = null!;

    public PublishedCatalog Published { get; private set; } = null!;

    /// <summary>The ways to shards that are not here: there are none.</summary>
    public ShardRoutes Routes { get; private set; } = null!;

    /// <summary>The sequencer of shard 0, as it runs here: what it does not answer is not asked again.</summary>
    public ActorRef<SequencerMessage> Sequencer => Region.LocalSequencer(0)!;

    /// <summary>What the actors logged.</summary>
    public LogLines Log { get; } = new();

    private string JournalPath => Path.Combine(_folder, "warp.db");

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    /// <summary>Starts a node with an empty journal.</summary>
    /// <param name="time">Its clock, and the journal's; the real one when left out.</param>
    /// <param name="shards">How many sequencers it has.</param>
    /// <param name="times">Its deadlines.</param>
    /// <param name="snapshotSpacingBytes">The least bytes of events between two snapshots, if not those of a node.</param>
    public static async Task<JournaledNode> StartAsync(
        TimeProvider? time = null, int shards = 1, TimeConstants? times = null, long? snapshotSpacingBytes = null)
    {
        var node = new JournaledNode(time ?? TimeProvider.System, shards, times ?? new TimeConstants(), snapshotSpacingBytes);
        await node.OpenAsync();
        return node;
    }

    /// <summary>Stops the node in order and starts it again.</summary>
    /// <param name="whileClosed">Runs in between, with the path of the journal's file.</param>
    public async Task RestartAsync(Func<string, Task>? whileClosed = null)
    {
        await CloseAsync();
        if (whileClosed is not null)
            await whileClosed(JournalPath);
        await OpenAsync();
    }

    /// <summary>Starts the catalog, which the node has only when a test is about it.</summary>
    public ActorRef<CatalogMessage> StartCatalog()
    {
        Random ids = System.CreateRandom();
        var opener = new PartitionOpener(System, Region);
        return System.Spawn(TopicCatalog.Name, () => new TopicCatalog(Services, Published, opener, ids));
    }

    public async Task<TReply> AskAsync<TReply>(Ask<SequencerMessage, TReply> question) => await AskAsync(Sequencer, question);

    /// <summary>Asks, with patience in real time, too.</summary>
    public static async Task<TReply> AskAsync<TMessage, TReply>(ActorRef<TMessage> actor, Ask<TMessage, TReply> question)
        where TMessage : class =>
        await actor.AskAsync(question, AskDeadline, Cancellation).WaitAsync(Patience, Cancellation);

    public async Task OpenAsync(TopicPartition partition) => Assert.Equal(
        ErrorCode.None,
        await AskAsync(
            Region.LocalSequencer(Region.ShardOf(partition))!,
            (Reply<ErrorCode> reply) => new SequencerMessage.OpenPartitions(partition.TopicId, [partition.Partition], reply)));

    public async Task<CommitReply> CommitAsync(ObjectCommit commit) =>
        await AskAsync((Reply<CommitReply> reply) => new SequencerMessage.Commit(commit, reply));

    /// <summary>Commits what is expected to be taken, and gives the batches' answers.</summary>
    public async Task<IReadOnlyList<BatchAnswer>> AcceptedAsync(ObjectCommit commit)
    {
        CommitReply reply = await CommitAsync(commit);
        Assert.Equal(CommitRefusal.None, reply.Refusal);
        return await Task.WhenAll(reply.Batches.Select(static batch => batch.Held ?? Task.FromResult(batch.Answer))).WaitAsync(
            Patience, Cancellation);
    }

    public async Task<PartitionExtents> ReadAsync(TopicPartition partition, long offset, long maxBytes = long.MaxValue)
    {
        ReadExtentsReply reply = await AskAsync(
            Region.LocalSequencer(Region.ShardOf(partition))!,
            (Reply<ReadExtentsReply> answer) => new SequencerMessage.ReadExtents([new ExtentRead(partition, offset, maxBytes)], answer));
        return Assert.Single(reply.Partitions);
    }

    public async ValueTask DisposeAsync()
    {
        await CloseAsync();
        Directory.Delete(_folder, recursive: true);
    }

    private async Task OpenAsync()
    {
        var cluster = new ClusterRecord("a-cluster-id-of-22-char", 0, StoreBound: false, _shards, EntityHash.Name, 1);
        _system = new ActorSystem(_time, new Random(1), loggers: Log);
        Sqlite = await SqliteJournal.OpenAsync(JournalPath, cluster, _time);
        Journal = new FaultyJournal(Sqlite);
        Node = await Journal.RegisterNodeAsync(null, Cancellation);
        Leases = new ShardLeases(_system, Journal, Node, _times);
        int[] shards = [.. Enumerable.Range(0, _shards), ShardIds.Catalog, ShardIds.Compaction, ShardIds.Collection];
        await Leases.StartAsync(shards, Cancellation);
        Commits = new GroupCommit(_system, Journal);
        Services = new PersistenceServices(Journal, Commits, Leases, _times);
        if (_snapshotSpacingBytes is { } bytes)
            Services = new PersistenceServices(Journal, Commits, Leases, _times) { SnapshotSpacingBytes = bytes };
        Published = new PublishedCatalog(s_configs);
        Published.Publish(Published.Current, 0, []);
        Routes = ShardRoutes.Alone(Node);
        Region = new ShardRegion(_system, Services, _shards, Routes);
        await Region.StartAsync(shards, Cancellation);
    }

    private async Task CloseAsync()
    {
        Journal.ReleaseAppends();
        Journal.ReleaseRenewals();
        await _system.DisposeAsync().AsTask().WaitAsync(Patience, Cancellation);
        await Commits.DisposeAsync();
        await Leases.DisposeAsync();
        await Journal.DisposeAsync();
    }
}
