using System.Collections.Immutable;
using Microsoft.Extensions.Logging.Abstractions;
using Warp.Actors.Catalog;
using Warp.Actors.Cluster;
using Warp.Actors.Groups;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Actors.Persistence.Sql;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Node.Handlers;
using Xunit;

namespace Warp.Specs.Hosting;

/// <summary>The actors of a node, on a journal in a temporary folder: catalog, sequencers and groups, nothing that moves records.</summary>
public sealed class ActorsFixture : IAsyncLifetime
{
    public const int NodeId = 7;

    /// <summary>Enough for partitions to lie in different shards.</summary>
    private const int ShardCount = 4;

    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(30);

    private readonly string _folder = Directory.CreateTempSubdirectory("warp-actors-").FullName;
    private readonly long[] _commitNumbers = new long[ShardCount];
    private SqliteJournal? _journal;
    private ShardLeases? _leases;
    private GroupCommit? _commits;

    /// <summary>Broker configs as from a node's configuration.</summary>
    public ImmutableSortedDictionary<string, string> StaticConfigs { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    public ActorSystem System { get; } = new(TimeProvider.System, new Random(1));

    public PublishedCatalog Published { get; private set; } = null!;

    public ActorRef<CatalogMessage> Catalog { get; private set; } = null!;

    public ShardRegion Region { get; private set; } = null!;

    public CatalogClient Client { get; private set; } = null!;

    public GroupRegion GroupRegion { get; private set; } = null!;

    public GroupClient Groups { get; private set; } = null!;

    public ClusterView Cluster { get; } = new("a-cluster-id-of-22-char", new ClusterNode(NodeId, "broker.example", 9092, "zone-a"));

    /// <summary>Starts actors of a test's own, on a node with one broker config.</summary>
    public static async Task<ActorsFixture> StartAsync(string config, string value)
    {
        var actors = new ActorsFixture { StaticConfigs = ImmutableSortedDictionary<string, string>.Empty.Add(config, value) };
        await actors.InitializeAsync();
        return actors;
    }

    public async ValueTask InitializeAsync()
    {
        var cluster = new ClusterRecord("a-cluster-id-of-22-char", 0, false, ShardCount, EntityHash.Name, 1);
        _journal = await SqliteJournal.OpenAsync(Path.Combine(_folder, "journal.db"), cluster, TimeProvider.System);
        var times = new TimeConstants();
        _leases = new ShardLeases(System, _journal, await _journal.RegisterNodeAsync(NodeId, CancellationToken.None), times);
        await _leases.StartAsync([.. Enumerable.Range(0, ShardCount), ShardIds.Catalog], CancellationToken.None);
        _commits = new GroupCommit(System, _journal);
        var persistence = new PersistenceServices(_journal, _commits, _leases, times);
        ShardRoutes routes = ShardRoutes.Alone(_leases.Node);
        routes.Homes.Update(Enumerable.Range(0, ShardCount).Select(shard => KeyValuePair.Create(shard, new ShardHome(1, _leases.Node))));
        Region = new ShardRegion(System, persistence, ShardCount, routes);
        await Region.StartAsync([.. Enumerable.Range(0, ShardCount)], CancellationToken.None);
        Published = new PublishedCatalog(StaticConfigs);
        var opener = new PartitionOpener(System, Region);
        Catalog = System.Spawn(TopicCatalog.Name, () => new TopicCatalog(persistence, Published, opener, new Random(2)));
        await Catalog.AskAsync<int>(reply => new CatalogMessage.ChangeRouting([NodeId], reply), s_ask, CancellationToken.None);
        Client = new CatalogClient(
            Catalog, Published, static _ => Task.CompletedTask, TimeProvider.System, NullLogger<CatalogClient>.Instance);
        GroupRegion = new GroupRegion(System, persistence, ShardCount, Published, routes.Homes);
        await GroupRegion.StartAsync([.. Enumerable.Range(0, ShardCount)], CancellationToken.None);
        await GroupRegion.Loading;
        Groups = new GroupClient(GroupRegion, NullLogger<GroupClient>.Instance);
    }

    /// <summary>Makes a topic that can be written.</summary>
    public async Task<TopicImage> CreateTopicAsync(
        string name, int partitions = 1, short replicationFactor = 1, params (string Name, string Value)[] configs)
    {
        IReadOnlyList<TopicResult> results = await Client.CreateTopicsAsync(
            [new NewTopic(name, partitions, replicationFactor, [.. configs.Select(c => KeyValuePair.Create(c.Name, (string?)c.Value))])],
            validateOnly: false, s_ask, CancellationToken.None);
        Assert.Null(results[0].Message);
        return results[0].Topic!;
    }

    /// <summary>Gives offsets to records whose bytes are nowhere. Not to be called for two partitions at the same time.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="partition">One of its partitions.</param>
    /// <param name="count">How many records.</param>
    /// <param name="producer">Who wrote them; not set for a producer without idempotence.</param>
    /// <returns>The offset of the first.</returns>
    public async Task<long> AppendAsync(
        TopicImage topic, int partition, int count, (long Id, short Epoch, int FirstSequence)? producer = null)
    {
        var key = new TopicPartition(topic.Id, partition);
        int shard = Region.ShardOf(key);
        var commit = new ObjectCommit
        {
            ObjectId = ObjectId.Mint(_leases!.Clock.Now, System.CreateRandom()),
            SizeBytes = 1000,
            Node = _leases.Node,
            PreviousNumber = _commitNumbers[shard],
            Number = ++_commitNumbers[shard],
            Batches =
            [
                new BatchToCommit(
                    key, 0, 1000, count, 0, producer?.Id ?? -1, producer?.Epoch ?? -1, producer?.FirstSequence ?? -1),
            ],
        };
        CommitReply reply = await Region.Sequencer(shard).AskAsync<CommitReply>(
            ask => new SequencerMessage.Commit(commit, ask), s_ask, CancellationToken.None);
        return Assert.Single(reply.Batches).Answer.BaseOffset;
    }

    public async ValueTask DisposeAsync()
    {
        await System.DisposeAsync();
        if (_commits is not null)
            await _commits.DisposeAsync();
        if (_leases is not null)
            await _leases.DisposeAsync();
        if (_journal is not null)
            await _journal.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
