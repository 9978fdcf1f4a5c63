using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Warp.Actors.Catalog;
using Warp.Actors.Cluster;
using Warp.Actors.Groups;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sharding;
using Warp.Node.Configuration;
using Warp.Streams.Cache;
using Warp.Streams.Compaction;
using Warp.Streams.Fetch;
using Warp.Streams.LogCompaction;
using Warp.Streams.Maintenance;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Resilience;
using Warp.Streams.Produce;

namespace Warp.Node.Hosting;

/// <summary>Everything of a node behind its listeners, put together and taken apart in the right order.</summary>
internal sealed class NodeServices : IAsyncDisposable
{
    /// <summary>What parsed footers may take: a tenth of what a small cache has.</summary>
    private const long FooterCacheBytes = 16 << 20;

    private static readonly TimeSpan s_ask = TimeSpan.FromSeconds(30);

    private readonly Stack<IAsyncDisposable> _opened = new();
    private readonly Stack<IAsyncDisposable> _upkeep = new();
    private readonly CancellationTokenSource _draining = new();
    private ActorRef<MemberMessage>? _member;

    private NodeServices(ActorSystem system, TimeConstants times)
    {
        System = system;
        Times = times;
    }

    public ActorSystem System { get; }

    public TimeConstants Times { get; }

    public string ClusterId { get; private set; } = "";

    public NodeIncarnation Node { get; private set; }

    public ShardLeases Leases { get; private set; } = null!;

    /// <summary>The ways to the shards, wherever they are.</summary>
    public ShardRoutes Routes { get; private set; } = null!;

    /// <summary>Who is in the cluster.</summary>
    public ClusterMembership Membership { get; private set; } = null!;

    public ShardRegion Region { get; private set; } = null!;

    public PublishedCatalog Published { get; private set; } = null!;

    public ActorRef<CatalogMessage> Catalog { get; private set; } = null!;

    public GroupRegion Groups { get; private set; } = null!;

    /// <summary>How well the store works that flushes go to.</summary>
    public StoreHealth StoreHealth { get; private set; } = null!;

    public ProduceIntake Intake { get; private set; } = null!;

    public ActorRef<FlushMessage> Pipeline { get; private set; } = null!;

    public FetchPlanner Planner { get; private set; } = null!;

    /// <summary>Fails when the node must not go on; the process should end then.</summary>
    public Task Failure { get; private set; } = Task.CompletedTask;

    public ActorRef<CompactionMessage> Compaction { get; private set; } = null!;

    /// <summary>Opens store and journal, joins, and starts the actors. When it fails, nothing is left open.</summary>
    /// <exception cref="ConfigurationException">Store or journal cannot be used as configured.</exception>
    public static async Task<NodeServices> StartAsync(
        NodeOptions options,
        NodeDescription description,
        Meter meter,
        ILoggerFactory loggers,
        TimeProvider time,
        Random random,
        CancellationToken cancellationToken)
    {
        var system = new ActorSystem(time, random, loggers: loggers);
        var services = new NodeServices(system, options.Timing);
        try
        {
            await services.OpenAsync(options, description, meter, time, cancellationToken);
            return services;
        }
        catch
        {
            await services.DisposeAsync();
            throw;
        }
    }

    /// <summary>
    /// Flushes what was gathered, and lets go of those who wait for records or for a rebalance. New requests should no longer come.
    /// </summary>
    public async Task DrainAsync(TimeSpan deadline)
    {
        await _draining.CancelAsync();
        Groups.Drain();
        await Pipeline.AskAsync<bool>(static reply => new FlushMessage.Drain(reply), deadline, CancellationToken.None);
    }

    /// <summary>Stops the actors, gives the shards up, closes journal and store.</summary>
    public async ValueTask DisposeAsync()
    {
        // First: what it asks of actors that are gone would only be noted as failures.
        while (_upkeep.TryPop(out IAsyncDisposable? next))
            await next.DisposeAsync();
        await System.DisposeAsync();
        while (_opened.TryPop(out IAsyncDisposable? next))
            await next.DisposeAsync();
        _draining.Dispose();
    }

    private async Task OpenAsync(
        NodeOptions options, NodeDescription description, Meter meter, TimeProvider time, CancellationToken cancellationToken)
    {
        var keys = new ObjectKeys();
        NodeStore opened = Open(NodeStore.Open(options.Store, keys, meter, time, System.CreateRandom()));
        IObjectStore store = opened.Store;
        StoreHealth = opened.Health;
        IJournal journal = Open(await BindAsync(options, store, keys, time, cancellationToken));
        ClusterRecord cluster = await journal.ReadClusterAsync(cancellationToken);
        ClusterId = cluster.ClusterId;
        Node = await RegisterAsync(journal, new NodeRegistration(options.Node.Id, description), time, cancellationToken);

        Leases = Open(new ShardLeases(System, journal, Node, Times));
        GroupCommit commits = Open(new GroupCommit(System, journal));
        var lineage = new StoreLineage(journal, store, keys);
        LineageKeeper keeper = Open(new LineageKeeper(System, lineage, commits));
        Failure = Task.WhenAny(System.Failure, keeper.Failure).Unwrap();
        var persistence = new PersistenceServices(journal, commits, Leases, Times);
        Routes = ShardRoutes.Alone(Node);
        Region = new ShardRegion(System, persistence, cluster.ShardCount, Routes);

        Published = new PublishedCatalog(StaticConfigs(options));
        var opener = new PartitionOpener(System, Region);
        Random ids = System.CreateRandom();
        var catalog = new ClusterSingleton<CatalogMessage>(
            System, TopicCatalog.Name, ShardIds.Catalog, Routes, () => new TopicCatalog(persistence, Published, opener, ids), TopicCatalog.MayRepeat);
        Catalog = catalog.Ref;
        Groups = new GroupRegion(System, persistence, cluster.ShardCount, Published, Routes.Homes);
        ClusterSingleton<CompactionMessage> compaction = CreatePlanner(options, persistence);
        Compaction = compaction.Ref;

        Membership = new ClusterMembership(new ClusterMembers(Node, [], DateTimeOffset.MinValue, Times.Lease));
        _member = ClusterMember.Start(System, new MemberServices(
            journal, Leases, Routes.Homes, Membership, Times, cluster.ShardCount, [Region, catalog, Groups, compaction], static _ => { }));
        _upkeep.Push(new RoutingDriver(System, () => catalog.Local, Membership, Published));
        await Leases.StartAsync([], cancellationToken);
        await JoinAsync(cluster.ShardCount, cancellationToken);

        _upkeep.Push(new RetentionDriver(System, Catalog, Region, meter).Start(options.Retention.CheckInterval));
        if (options.Gc.Enabled)
        {
            var collection = new CollectorServices(journal, store, keys, lineage, Times, time, options.Gc.DeletesPerSecond);
            _upkeep.Push(new CollectionDriver(System, Leases, collection, meter).Start(options.Gc.Interval));
        }

        var chunks = new ChunkCache(store, options.Cache.SizeBytes, meter);
        var footers = new FooterCache(store, chunks, FooterCacheBytes);
        Intake = new ProduceIntake(Leases.Clock);
        Pipeline = FlushPipeline.Start(
            System,
            new FlushServices(store, Region, Leases, Times, chunks, footers, ClusterId, keys, meter),
            new FlushSettings(options.Flush.Interval, options.Flush.SizeBytes, options.Flush.PutsPerSecond, options.Flush.PutsInFlight));
        var fetchMemory = new FetchMemory(options.Limits.FetchMemoryBytes);
        Planner = new FetchPlanner(System, Region, new ExtentReader(chunks, footers, keys), fetchMemory, _draining.Token);
        StartCompaction(options, persistence, store, keys, meter);
    }

    /// <summary>Waits until the cluster works: every shard has an owner, and this node has the catalog and knows whom clients are sent to.</summary>
    private async Task JoinAsync(int shardCount, CancellationToken cancellationToken)
    {
        await Leases.RenewAsync(cancellationToken);
        foreach (int shardId in Enumerable.Range(0, shardCount).Concat(ShardIds.Singletons))
            await Routes.Homes.WaitForOwnerAsync(shardId, cancellationToken);
        // The first event of a cluster says where clients are sent.
        await Published.WaitForAsync(1, cancellationToken);
        await Groups.Loading.WaitAsync(cancellationToken);
    }

    private ClusterSingleton<CompactionMessage> CreatePlanner(NodeOptions options, PersistenceServices persistence)
    {
        CompactionOptions compaction = options.Compaction;
        var plans = new CompactionPlannerSettings(
            compaction.Interval, compaction.MinObjects, compaction.L1SizeBytes, compaction.L2SizeBytes);
        Random ids = System.CreateRandom();
        return new ClusterSingleton<CompactionMessage>(
            System, CompactionPlanner.Name, ShardIds.Compaction, Routes, () => new CompactionPlanner(persistence, Region, plans, ids),
            // A worker asks again by itself, and looks first whether it still has a job.
            static _ => false);
    }

    private void StartCompaction(NodeOptions options, PersistenceServices persistence, IObjectStore store, ObjectKeys keys, Meter meter)
    {
        CompactionOptions compaction = options.Compaction;
        if (!compaction.Enabled || !options.Node.Roles.HasFlag(NodeRoles.Jobs))
            return;
        var settings = new CompactionSettings(compaction.MemoryBytes, compaction.BytesPerSecond);
        var services = new CompactionServices(System, store, keys, persistence.Journal, Region, Leases, Times, ClusterId, settings, meter);
        Open(CompactionWorker.Start(services, Compaction, _draining.Token));
        var byKey = new LogCompactionSettings(
            options.LogCompaction.Interval, options.LogCompaction.MinDirtyBytes, options.Compaction.L2SizeBytes);
        Open(new LogCompactionDriver(services, Catalog, byKey, shard => Region.LocalSequencer(shard) is not null, meter, _draining.Token).Start());
    }

    /// <summary>The first questions to the store: whoever named a wrong one, or has no access to it, hears it in one line.</summary>
    private async Task<IJournal> BindAsync(
        NodeOptions options, IObjectStore store, ObjectKeys keys, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            return await ClusterBinding.OpenAsync(options, store, keys, time, System.CreateRandom(), cancellationToken);
        }
        catch (ObjectStoreException error)
        {
            throw new ConfigurationException($"warp.store.url: {error.Message}");
        }
    }

    private async Task<NodeIncarnation> RegisterAsync(
        IMembership membership, NodeRegistration node, TimeProvider time, CancellationToken cancellationToken)
    {
        try
        {
            return await NodeRegistrar.RegisterAsync(membership, node, Times, time, cancellationToken);
        }
        catch (AddressInUseException error)
        {
            throw new ConfigurationException(error.Message);
        }
    }

    /// <summary>The configured defaults under the names that brokers have for them.</summary>
    /// <exception cref="ConfigurationException">Kafka knows no such topic config, or it does not take that value.</exception>
    private static ImmutableSortedDictionary<string, string> StaticConfigs(NodeOptions options)
    {
        var configs = ImmutableSortedDictionary.CreateBuilder<string, string>(StringComparer.Ordinal);
        configs[BrokerConfigs.AutoCreateTopicsEnable] = options.Topic.AutoCreate ? "true" : "false";
        configs[BrokerConfigs.NumPartitions] = options.Topic.Partitions.ToString();
        configs[BrokerConfigs.LogRetentionCheckIntervalMs] = Math.Ceiling(options.Retention.CheckInterval.TotalMilliseconds).ToString("F0");
        foreach ((string name, string value) in options.Topic.Defaults)
        {
            if (BrokerConfigs.TryFromTopicDefault(name, value, out string? broker) is { } fault)
                throw new ConfigurationException($"warp.topic.defaults: {fault}");
            configs[broker!] = value;
        }
        return configs.ToImmutable();
    }

    private T Open<T>(T opened)
        where T : IAsyncDisposable
    {
        _opened.Push(opened);
        return opened;
    }
}
