using System.Collections.Immutable;
using System.Diagnostics.Metrics;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Warp.Actors.Catalog;
using Warp.Actors.Cluster;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Groups;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Actors.Sharding;
using Warp.Node.Cli;
using Warp.Node.Configuration;
using Warp.Node.Control;
using Warp.Streams.Maintenance;
using Warp.Streams.Objects;

namespace Warp.Node.Hosting;

/// <summary>What a node joins its cluster with.</summary>
internal sealed record ClusterSetup(
    NodeOptions Options, ActorSystem System, TimeProvider Time, IObjectStore Store, ObjectKeys Keys, NodeAddress Kafka, NodeAddress Http, Meter Meter);

/// <summary>
/// A node's part in its cluster: the journal, who is there, which shards are this node's, and the actors that live in them, here or elsewhere. A
/// node on an embedded journal is a cluster of one, made of the same parts without the way to others.
/// </summary>
internal sealed class NodeCluster : IAsyncDisposable, ILocalActors
{
    private readonly ClusterSetup _setup;
    private readonly Stack<IAsyncDisposable> _opened = new();
    private readonly Stack<IAsyncDisposable> _upkeep = new();
    private PeerListener? _listener;
    private PeerNetwork? _network;
    private ClusterSingleton<CatalogMessage> _catalog = null!;
    private ClusterSingleton<CompactionMessage> _compaction = null!;
    private ActorRef<MemberMessage>? _member;

    private NodeCluster(ClusterSetup setup) => _setup = setup;

    public IJournal Journal { get; private set; } = null!;

    public ClusterRecord Cluster { get; private set; } = null!;

    public NodeIncarnation Node { get; private set; }

    public ShardLeases Leases { get; private set; } = null!;

    public PersistenceServices Persistence { get; private set; } = null!;

    public StoreLineage Lineage { get; private set; } = null!;

    /// <summary>The ways to the shards, wherever they are.</summary>
    public ShardRoutes Routes { get; private set; } = null!;

    /// <summary>Who is there.</summary>
    public ClusterMembership Membership { get; private set; } = null!;

    /// <summary>The way to other nodes; null in a cluster of one.</summary>
    public ClusterPeers? Peers { get; private set; }

    public ShardRegion Region { get; private set; } = null!;

    public PublishedCatalog Published { get; private set; } = null!;

    /// <summary>Keeps <see cref="Published"/> up to date from other nodes; null in a cluster of one.</summary>
    public CatalogReplica? Replica { get; private set; }

    public ActorRef<CatalogMessage> Catalog => _catalog.Ref;

    public ActorRef<CompactionMessage> Compaction => _compaction.Ref;

    public GroupRegion Groups { get; private set; } = null!;

    /// <summary>What looks after this node's shards, once it takes part.</summary>
    public ActorRef<MemberMessage> Member => _member ?? throw new InvalidOperationException("The node does not take part in its cluster yet.");

    /// <summary>Whether this node's row is to go when it stops: it will not come back, and its number may be given to another.</summary>
    public bool LeavesForGood { get; set; }

    /// <summary>Fails when the node must not go on; the process should end then.</summary>
    public Task Failure { get; private set; } = Task.CompletedTask;

    private NodeOptions Options => _setup.Options;

    private ActorSystem System => _setup.System;

    /// <summary>Opens the journal and registers this node. Nothing runs yet, and others cannot reach it. When it fails, nothing is left open.</summary>
    /// <exception cref="ConfigurationException">Store or journal cannot be used as configured, or another node has this one's address.</exception>
    public static async Task<NodeCluster> OpenAsync(ClusterSetup setup, CancellationToken cancellationToken)
    {
        var cluster = new NodeCluster(setup);
        try
        {
            await cluster.OpenAsync(cancellationToken);
            return cluster;
        }
        catch
        {
            await cluster.DisposeAsync();
            throw;
        }
    }

    /// <summary>Takes part, and returns when the cluster works: every shard has an owner, and this node knows the topics.</summary>
    /// <param name="handlers">What this node answers to others besides what concerns its actors.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task JoinAsync(IEnumerable<IPeerHandler> handlers, CancellationToken cancellationToken)
    {
        _listener?.Start(
            Identity(),
            [
                .. PeerActorHandlers.All(this, System),
                new NudgeHandler(Leases),
                new RelayHeartbeatHandler(Journal, Options.Timing),
                new RelayRegistrationHandler(Journal, Options.Timing),
                new FollowCatalogHandler(System, _catalog, Published),
                .. handlers,
            ]);
        _member = ClusterMember.Start(System, new MemberServices(
            Journal,
            Leases,
            Routes.Homes,
            Membership,
            Options.Timing,
            Cluster.ShardCount,
            [Region, _catalog, Groups, _compaction],
            token => Peers?.RelayAsync(token) ?? Task.FromResult<Heartbeat?>(null),
            members => Peers?.Nudge(members)));
        _upkeep.Push(new RoutingDriver(System, () => _catalog.Local, Membership, Published));
        await Leases.StartAsync([], cancellationToken);
        await Leases.RenewAsync(cancellationToken);
        foreach (int shardId in Enumerable.Range(0, Cluster.ShardCount).Concat(ShardIds.Singletons))
            await Routes.Homes.WaitForOwnerAsync(shardId, cancellationToken);
        // The first event of a cluster says where clients are sent.
        await Published.WaitForAsync(1, cancellationToken);
        await Groups.Loading.WaitAsync(cancellationToken);
    }

    /// <summary>Has this node's shards moved to others, if there are any. Until then, and for as long as clients need, it goes on serving.</summary>
    public async Task LeaveAsync(TimeSpan deadline)
    {
        if (_member is not null)
            await _member.AskAsync<bool>(static reply => new MemberMessage.Leave(reply), deadline, CancellationToken.None);
    }

    /// <summary>The way to other nodes, for what only another one can do.</summary>
    /// <exception cref="ControlException">This is a cluster of one.</exception>
    public ClusterPeers RequirePeers() => Peers ?? throw ControlException.Refused("This node has no others: its journal is a file of its own.");

    /// <summary>Stops what asks actors by itself; before the actor system is disposed.</summary>
    public async Task StopUpkeepAsync()
    {
        while (_upkeep.TryPop(out IAsyncDisposable? next))
            await next.DisposeAsync();
    }

    /// <summary>Gives the shards up and closes the journal; after the actor system was disposed.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopUpkeepAsync();
        Peers?.Dispose();
        while (_opened.TryPop(out IAsyncDisposable? next))
            await next.DisposeAsync();
    }

    ActorRef<SequencerMessage> ILocalActors.Sequencer(int shardId) => Region.LocalSequencer(shardId) ?? throw NotOwner(shardId);

    ActorRef<CatalogMessage> ILocalActors.Catalog() => _catalog.Local ?? throw NotOwner(ShardIds.Catalog);

    ActorRef<CompactionMessage> ILocalActors.Compaction() => _compaction.Local ?? throw NotOwner(ShardIds.Compaction);

    private PeerErrorException NotOwner(int shardId) => ILocalActors.NotOwner(shardId, Routes.Homes[shardId].Epoch);

    private PeerIdentity Identity() => new(Cluster.ClusterId, Node, Options.Cluster.OfferedLevel);

    private async Task OpenAsync(CancellationToken cancellationToken)
    {
        bool isAgent = Options.Cluster.Seeds.Count > 0;
        bool isAlone = !isAgent && Options.Journal.Url.Scheme == BackendUrl.SqliteScheme;
        PeerSettings? peers = isAlone ? null : PeerOptions.Settings(Options);
        var metrics = new PeerMetrics(_setup.Meter);
        NodeAddress rpc = peers is null
            ? new NodeAddress(Options.Rpc.Listen.Host, Options.Rpc.Listen.Port)
            : Bind(peers, metrics);
        var patience = new StartPatience(
            isAlone ? TimeSpan.Zero : Options.Journal.Wait, _setup.Time, System.CreateRandom(), System.Loggers.CreateLogger("node"));
        Journal = Open(await patience.RunAsync(
            () => isAgent ? JoinByOthersAsync(peers!, metrics, cancellationToken) : BindAsync(cancellationToken), cancellationToken));
        Cluster = await patience.RunAsync(() => Journal.ReadClusterAsync(cancellationToken).AsTask(), cancellationToken);
        if (peers is not null && !isAgent)
            await patience.RunAsync(() => RequireAdmissionAsync(rpc, peers, metrics, cancellationToken), cancellationToken);
        Node = await patience.RunAsync(() => RegisterAsync(rpc, cancellationToken), cancellationToken);
        Open(new Departure(this));

        Leases = Open(new ShardLeases(System, Journal, Node, Options.Timing));
        GroupCommit commits = Open(new GroupCommit(System, Journal));
        Lineage = new StoreLineage(Journal, _setup.Store, _setup.Keys);
        LineageKeeper keeper = Open(new LineageKeeper(System, Lineage, commits));
        Failure = Task.WhenAny(System.Failure, keeper.Failure).Unwrap();
        Membership = new ClusterMembership(new ClusterMembers(Node, [], DateTimeOffset.MinValue, Options.Timing.Lease)
        {
            FeatureLevel = Cluster.FeatureLevel,
        });
        Persistence = new PersistenceServices(Journal, commits, Leases, Options.Timing)
        {
            HighestVersionNow = () => FeatureLevels.VersionAt(Membership.Current.FeatureLevel),
        };
        Published = new PublishedCatalog(StaticConfigs(Options));
        Routes = peers is null ? ShardRoutes.Alone(Node) : Connect(peers, metrics);
        Routes.Doubted += Look;
        CreateActors();
    }

    private void CreateActors()
    {
        Region = new ShardRegion(System, Persistence, Cluster.ShardCount, Routes);
        var opener = new PartitionOpener(System, Region);
        Random topicIds = System.CreateRandom();
        _catalog = new ClusterSingleton<CatalogMessage>(
            System,
            TopicCatalog.Name,
            ShardIds.Catalog,
            Routes,
            () => new TopicCatalog(Persistence, Published, opener, topicIds),
            TopicCatalog.MayRepeat);
        Groups = new GroupRegion(System, Persistence, Cluster.ShardCount, Published, Routes.Homes);
        CompactionOptions compaction = Options.Compaction;
        var plans = new CompactionPlannerSettings(
            compaction.Interval, compaction.MinObjects, compaction.L1SizeBytes, compaction.L2SizeBytes);
        Random jobIds = System.CreateRandom();
        // A worker whose question failed asks again by itself, and looks first whether it still has a job.
        _compaction = new ClusterSingleton<CompactionMessage>(
            System,
            CompactionPlanner.Name,
            ShardIds.Compaction,
            Routes,
            () => new CompactionPlanner(Persistence, Region, plans, jobIds),
            static _ => false);
    }

    /// <summary>Takes the port for other nodes; they are answered once this node joins.</summary>
    private NodeAddress Bind(PeerSettings peers, PeerMetrics metrics)
    {
        HostPort listen = Options.Rpc.Listen;
        _listener = Open(new PeerListener(listen.Host, listen.Port, System, peers, metrics));
        try
        {
            _listener.Bind();
        }
        catch (SocketException error)
        {
            throw new ConfigurationException($"warp.rpc.listen: {listen} cannot be listened on ({error.Message}); name another address.");
        }
        HostPort advertised = Options.Rpc.AdvertisedAt(_listener.BoundPort);
        return new NodeAddress(advertised.Host, advertised.Port);
    }

    private ShardRoutes Connect(PeerSettings settings, PeerMetrics metrics)
    {
        _network = Open(new PeerNetwork(System, Identity(), settings, metrics));
        Peers = new ClusterPeers(System, _network, Membership);
        var homes = new ShardHomes();
        CatalogReplica? replica = null;
        var transport = new PeerShardTransport(
            System, new PeerActorClient(_network, System, Published), Peers, Published, token => replica!.CatchUpAsync(token));
        var routes = new ShardRoutes(Node, homes, transport);
        _upkeep.Push(Replica = replica = new CatalogReplica(System, Published, routes, Peers));
        _upkeep.Push(new PeerWatch(System, Peers, Membership, unreached => Leases.Unreached = unreached));
        return routes;
    }

    /// <summary>Somebody met a shard where it is not (any more): the next heartbeat tells where it is.</summary>
    private void Look() => _ = System.Start(async () =>
    {
        try
        {
            await Leases.RenewAsync(System.Stopping);
        }
        catch (Exception)
        {
            // The regular heartbeat tells what is wrong, and goes on trying.
        }
    });

    private async Task<IJournal> JoinByOthersAsync(PeerSettings peers, PeerMetrics metrics, CancellationToken cancellationToken)
    {
        var journal = new RelayedJournal(
            System, peers, metrics, [.. Options.Cluster.Seeds.Select(static seed => new NodeAddress(seed.Host, seed.Port))]);
        try
        {
            await ClusterBinding.CheckAsync(journal, _setup.Store, _setup.Keys, cancellationToken);
            return journal;
        }
        catch (Exception error)
        {
            await journal.DisposeAsync();
            throw error switch
            {
                ObjectStoreException => new ConfigurationException($"warp.store.url: {error.Message}"),
                _ => error,
            };
        }
    }

    private async Task<IJournal> BindAsync(CancellationToken cancellationToken)
    {
        try
        {
            return await ClusterBinding.OpenAsync(
                Options, _setup.Store, _setup.Keys, _setup.Time, System.CreateRandom(), cancellationToken);
        }
        catch (ObjectStoreException error)
        {
            // The first questions to the store: whoever named a wrong one, or has no access to it, hears it in one line.
            throw new ConfigurationException($"warp.store.url: {error.Message}");
        }
    }

    /// <summary>A node that others do not talk to would be given shards that nobody reaches, and could make others stand aside.</summary>
    private async Task<bool> RequireAdmissionAsync(
        NodeAddress rpc, PeerSettings peers, PeerMetrics metrics, CancellationToken cancellationToken)
    {
        // A heartbeat of nobody changes nothing, and tells who is there.
        Heartbeat view = await Journal.HeartbeatAsync(default, NodeStatus.Well, [], Options.Timing.Lease, cancellationToken);
        var members = new ClusterMembers(default, view.Nodes, view.DatabaseTime, Options.Timing.Lease);
        NodeRow[] others = [.. members.Live.Where(row => row.Description.Rpc != rpc && row.Description.Kafka != _setup.Kafka)];
        PeerRefusedException? refusal = await PeerAdmission.RefusalOfAsync(others, System, peers, metrics, cancellationToken);
        return refusal is null ? true : throw new ConfigurationException(refusal.Refusal switch
        {
            PeerRefusal.WrongSecret => $"warp.cluster.secret: the nodes of this cluster have another one; set the same on all of them ({refusal.Message}).",
            PeerRefusal.Certificate => $"warp.rpc.tls: the nodes of this cluster refuse the connection ({refusal.Message}).",
            _ => $"The nodes of this cluster refuse the connection: {refusal.Message}.",
        });
    }

    private async Task<NodeIncarnation> RegisterAsync(NodeAddress rpc, CancellationToken cancellationToken)
    {
        var description = new NodeDescription(
            _setup.Kafka,
            rpc,
            _setup.Http,
            Options.Node.Zone ?? "",
            Options.Node.Group,
            (int)Options.Node.Roles,
            ProductVersion.Number,
            Options.Cluster.OfferedLevel);
        try
        {
            return await NodeRegistrar.RegisterAsync(
                Journal, new NodeRegistration(Options.Node.Id, description), SilenceAsync, Options.Timing, _setup.Time, cancellationToken);
        }
        catch (AddressInUseException error)
        {
            throw new ConfigurationException(error.Message);
        }
        catch (FeatureLevelException error)
        {
            string remedy = error.ClusterLevel <= FeatureLevels.Newest ? "Raise warp.cluster.feature-level, or remove it" : "Run a newer version of Warp";
            throw new ConfigurationException($"{error.Message} {remedy}.");
        }

        // Both listeners are bound by now; either proves it.
        async ValueTask<TimeSpan> SilenceAsync(NodeRow holder)
        {
            TimeSpan silence = Options.Timing.Lease;
            foreach ((HostPort listen, NodeAddress own, NodeAddress theirs) in new[]
            {
                (Options.Kafka.Listen, _setup.Kafka, holder.Description.Kafka), (Options.Rpc.Listen, rpc, holder.Description.Rpc),
            })
            {
                if (own != theirs)
                    continue;
                TimeSpan needed = await OwnAddress.SilenceAsync(listen, own, Options.Timing, cancellationToken);
                silence = needed < silence ? needed : silence;
            }
            return silence;
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

    /// <summary>Removes the row of a node that leaves for good: after its leases have ended, and before the journal is closed.</summary>
    private sealed class Departure(NodeCluster cluster) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            if (!cluster.LeavesForGood)
                return;
            try
            {
                await cluster.Journal.RemoveNodeAsync(cluster.Node, CancellationToken.None);
            }
            catch (Exception error)
            {
                cluster.System.Loggers.CreateLogger("node").LogWarning(
                    "This node's row could not be removed ({Error}); `warp ctl cluster down {Node}` does it", error.Message, cluster.Node.NodeId);
            }
        }
    }
}
