using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using Warp.Actors.Cluster;
using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Node.Configuration;
using Warp.Node.Control;
using Warp.Node.Handlers;
using Warp.Protocol.Wire;
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

    /// <summary>Buffers that were of no use for so long are given up.</summary>
    private static readonly TimeSpan s_bufferTrim = TimeSpan.FromMinutes(1);

    private readonly Stack<IAsyncDisposable> _opened = new();
    private readonly Stack<IAsyncDisposable> _upkeep = new();
    private readonly CancellationTokenSource _draining = new();

    private NodeServices(ActorSystem system) => System = system;

    public ActorSystem System { get; }

    /// <summary>This node's part in the cluster.</summary>
    public NodeCluster Cluster { get; private set; } = null!;

    /// <summary>How well the store works that flushes go to.</summary>
    public StoreHealth StoreHealth { get; private set; } = null!;

    public ProduceIntake Intake { get; private set; } = null!;

    public ActorRef<FlushMessage> Pipeline { get; private set; } = null!;

    public FetchPlanner Planner { get; private set; } = null!;

    /// <summary>For the groups that this node coordinates, whoever asks.</summary>
    public IReadOnlyList<ApiHandler> GroupHandlers { get; private set; } = [];

    /// <summary>Cancelled when this node lets go of those who wait for something to happen (<see cref="DrainAsync"/>).</summary>
    public CancellationToken Draining => _draining.Token;

    /// <summary>What garbage collectors of this node work with.</summary>
    public CollectorServices Collection { get; private set; } = null!;

    /// <summary>Collects garbage, by itself or when it is told to.</summary>
    public CollectionDriver Collector { get; private set; } = null!;

    /// <summary>What operators can tell this node; null while it starts.</summary>
    public NodeControl? Control { get; private set; }

    /// <summary>Fails when the node must not go on; the process should end then.</summary>
    public Task Failure => Cluster.Failure;

    /// <summary>Opens store and journal, joins the cluster, and starts what serves clients. When it fails, nothing is left open.</summary>
    /// <param name="options">The node's settings.</param>
    /// <param name="kafka">Where clients reach it.</param>
    /// <param name="http">Where its metrics are.</param>
    /// <param name="meter">Gets the instruments.</param>
    /// <param name="loggers">Where it logs.</param>
    /// <param name="time">Its clock.</param>
    /// <param name="random">Seeds all else.</param>
    /// <param name="cancellationToken">Gives up.</param>
    /// <exception cref="ConfigurationException">Store or journal cannot be used as configured.</exception>
    public static async Task<NodeServices> StartAsync(
        NodeOptions options,
        HostPort kafka,
        HostPort http,
        Meter meter,
        ILoggerFactory loggers,
        TimeProvider time,
        Random random,
        CancellationToken cancellationToken)
    {
        var services = new NodeServices(new ActorSystem(time, random, loggers: loggers));
        try
        {
            await services.OpenAsync(options, kafka, http, meter, time, cancellationToken);
            return services;
        }
        catch
        {
            await services.DisposeAsync();
            throw;
        }
    }

    /// <summary>Has this node's shards moved to other nodes, if there are any. It goes on serving.</summary>
    public Task LeaveAsync(TimeSpan deadline) => Cluster.LeaveAsync(deadline);

    /// <summary>
    /// Flushes what was gathered, and lets go of those who wait for records or for a rebalance. New requests should no longer come.
    /// </summary>
    public async Task DrainAsync(TimeSpan deadline)
    {
        await _draining.CancelAsync();
        Cluster.Groups.Drain();
        await Pipeline.AskAsync<bool>(static reply => new FlushMessage.Drain(reply), deadline, CancellationToken.None);
    }

    /// <summary>Stops the actors, gives the shards up, closes journal and store.</summary>
    public async ValueTask DisposeAsync()
    {
        // First: what it asks of actors that are gone would only be noted as failures.
        while (_upkeep.TryPop(out IAsyncDisposable? next))
            await next.DisposeAsync();
        if (Cluster is not null)
            await Cluster.StopUpkeepAsync();
        await System.DisposeAsync();
        while (_opened.TryPop(out IAsyncDisposable? next))
            await next.DisposeAsync();
        _draining.Dispose();
    }

    private async Task OpenAsync(
        NodeOptions options, HostPort kafka, HostPort http, Meter meter, TimeProvider time, CancellationToken cancellationToken)
    {
        var keys = new ObjectKeys();
        NodeStore opened = Open(NodeStore.Open(options.Store, keys, meter, time, System.CreateRandom()));
        IObjectStore store = opened.Store;
        StoreHealth = opened.Health;
        var setup = new ClusterSetup(
            options, System, time, store, keys, new NodeAddress(kafka.Host, kafka.Port), new NodeAddress(http.Host, http.Port), meter);
        Cluster = Open(await NodeCluster.OpenAsync(setup, cancellationToken));
        ChunkRing? ring = Cluster.Peers is { } peers
            ? new ChunkRing(System, Cluster.Membership, peers, keys, options.Node.Zone ?? "", options.Node.Group, meter)
            : null;
        var chunks = new ChunkCache(store, options.Cache.SizeBytes, meter, ring);
        GroupHandlers = GroupApis.Own(new GroupClient(Cluster.Groups, System.Loggers.CreateLogger<GroupClient>()), Cluster.Published);
        await Cluster.JoinAsync(
            [
                new PassedOnHandler(GroupHandlers),
                new ReadChunkHandler(chunks, keys),
                new OfferChunkHandler(chunks),
                .. ControlPeerHandlers.All(() => Cluster.Member, () => Control),
            ],
            cancellationToken);
        var footers = new FooterCache(store, chunks, FooterCacheBytes);
        Intake = new ProduceIntake(Cluster.Leases.Clock);
        Pipeline = FlushPipeline.Start(
            System,
            new FlushServices(store, Cluster.Region, Cluster.Leases, options.Timing, chunks, Cluster.Cluster.ClusterId, keys, meter, ring),
            options.Flush);
        var fetchMemory = new FetchMemory(options.Limits.FetchMemoryBytes);
        Planner = new FetchPlanner(System, Cluster.Region, new ExtentReader(chunks, footers, keys), fetchMemory, _draining.Token);
        StartUpkeep(options, opened, keys, meter, time);
        StartCompaction(options, store, keys, meter);
        Control = new NodeControl(this, options.Timing, time);
    }

    private void StartUpkeep(NodeOptions options, NodeStore store, ObjectKeys keys, Meter meter, TimeProvider time)
    {
        _upkeep.Push(time.CreateTimer(static _ => BufferPool.Shared.Trim(), null, s_bufferTrim, s_bufferTrim));
        _upkeep.Push(new RetentionDriver(System, Cluster.Catalog, Cluster.Region, meter).Start(options.Retention.CheckInterval));
        Collection = new CollectorServices(
            Cluster.Journal, store.Store, keys, Cluster.Lineage, options.Timing, time, options.Gc.DeletesPerSecond, store.Quorums);
        _upkeep.Push(Collector = new CollectionDriver(System, Cluster.Leases, Collection, meter));
        // Where it is not to run by itself, operators can still have it run.
        if (options.Gc.Enabled)
            Collector.Start(options.Gc.Interval);
    }

    private void StartCompaction(NodeOptions options, IObjectStore store, ObjectKeys keys, Meter meter)
    {
        CompactionOptions compaction = options.Compaction;
        if (!compaction.Enabled || !options.Node.Roles.HasFlag(NodeRoles.Jobs))
            return;
        var settings = new CompactionSettings(compaction.MemoryBytes, compaction.BytesPerSecond);
        var services = new CompactionServices(
            System, store, keys, Cluster.Journal, Cluster.Region, Cluster.Leases, options.Timing, Cluster.Cluster.ClusterId, settings, meter);
        Open(CompactionWorker.Start(services, Cluster.Compaction, _draining.Token));
        var byKey = new LogCompactionSettings(
            options.LogCompaction.Interval, options.LogCompaction.MinDirtyBytes, options.Compaction.L2SizeBytes);
        Open(new LogCompactionDriver(services, Cluster.Catalog, byKey, LooksAfter, meter, _draining.Token).Start());
    }

    /// <summary>Logs are compacted by key on the node that owns their shard; where that runs no jobs, by the first node that does.</summary>
    private bool LooksAfter(int shardId)
    {
        ClusterMembers members = Cluster.Membership.Current;
        NodeRow[] workers = [.. members.Serving.Where(static node => ((NodeRoles)node.Description.Roles).HasFlag(NodeRoles.Jobs))];
        int? owner = Cluster.Routes.Homes[shardId].Owner?.NodeId;
        int? worker = workers.Any(node => node.Node.NodeId == owner) ? owner : workers.FirstOrDefault()?.Node.NodeId;
        return worker == Cluster.Node.NodeId;
    }

    private T Open<T>(T opened)
        where T : IAsyncDisposable
    {
        _opened.Push(opened);
        return opened;
    }
}
