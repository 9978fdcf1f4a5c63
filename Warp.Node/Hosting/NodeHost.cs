using Microsoft.Extensions.Logging;
using Warp.Actors.Cluster;
using Warp.Actors.Kernel;
using Warp.Node.Cli;
using Warp.Node.Configuration;
using Warp.Node.Network;
using Warp.Node.Quotas;
using Warp.Streams.Objects.Resilience;

namespace Warp.Node.Hosting;

/// <summary>One running node: its listeners, and everything behind them.</summary>
public sealed class NodeHost : IAsyncDisposable
{
    private const string Draining = "draining";

    private readonly NodeMetrics _metrics;
    private readonly NodeHealth _health;
    private readonly AdminEndpoints _admin;
    private readonly KafkaListener _listener;
    private readonly NodeServices _services;
    private readonly TimeSpan _drain;
    private readonly ILogger _log;
    private int _stopped;

    private NodeHost(
        NodeOptions options,
        NodeMetrics metrics,
        NodeHealth health,
        AdminEndpoints admin,
        KafkaListener listener,
        NodeServices services,
        ILoggerFactory loggers)
    {
        _metrics = metrics;
        _health = health;
        _admin = admin;
        _listener = listener;
        _services = services;
        _drain = options.Timing.Drain;
        _log = loggers.CreateLogger("node");
        KafkaAddress = options.Kafka.AdvertisedAt(listener.BoundPort);
    }

    /// <summary>What Kafka clients connect to, as it is advertised.</summary>
    public HostPort KafkaAddress { get; }

    /// <summary>Where metrics and health are served.</summary>
    public HostPort HttpAddress => _admin.Address;

    public NodeMetrics Metrics => _metrics;

    /// <summary>Ends when an operator has told the node to leave: then it should be stopped, and its process end.</summary>
    public Task LeaveRequested => _services.Control!.LeaveRequested;

    /// <summary>Fails when the node has failed for good; the process should end then.</summary>
    public Task Failure => _services.Failure;

    /// <summary>Starts a node: takes its ports, opens store and journal, recovers, and serves.</summary>
    /// <exception cref="ConfigurationException">It cannot run as configured: a taken port, a journal that is in use, …</exception>
    public static async Task<NodeHost> StartAsync(NodeOptions options, ILoggerFactory loggers, TimeProvider time, CancellationToken cancellationToken)
    {
        // A node without a way to the journal can neither own shards nor compact.
        if (options.Cluster.Seeds.Count > 0)
            options = options with { Node = options.Node with { Roles = options.Node.Roles & (NodeRoles.Produce | NodeRoles.Fetch) } };
        var metrics = new NodeMetrics(time, ProductVersion.Number);
        var opened = new Stack<IAsyncDisposable>();
        try
        {
            // Ports first: a second node on the same machine must not get as far as the journal.
            var records = new BufferBudget(options.Limits.BufferMemoryBytes);
            var listener = Push(new KafkaListener(options.Kafka.Listen, options.Limits, records, new KafkaMetrics(metrics.Meter), time, loggers));
            listener.Bind();
            var health = new NodeHealth();
            var admin = Push(await AdminEndpoints.StartAsync(options.Http, metrics, health, cancellationToken));
            health.NotReady("starting: journal, store and shards are being opened");
            var services = Push(await NodeServices.StartAsync(
                options,
                options.Kafka.AdvertisedAt(listener.BoundPort),
                admin.Address,
                metrics.Meter,
                loggers,
                time,
                new Random(),
                cancellationToken));
            var host = new NodeHost(options, metrics, health, admin, listener, services, loggers);
            var throttle = new RequestThrottle(new ClientQuotaMeters(() => services.Cluster.Published.Current.Quotas, time));
            listener.Start(NodeApis.Create(options, services, host.KafkaAddress, time, loggers), throttle);
            admin.Compaction.Serve(services.Cluster.Compaction);
            admin.Control.Serve(services.Control!);
            Watch(health, options, services);
            health.Ready();
            _ = host.WatchAsync();
            NodeLog.Started(host._log, services.Cluster.Node.NodeId, services.Cluster.Cluster.ClusterId, host.KafkaAddress, host.HttpAddress);
            return host;
        }
        catch
        {
            while (opened.TryPop(out IAsyncDisposable? next))
                await next.DisposeAsync();
            metrics.Dispose();
            throw;
        }

        T Push<T>(T value)
            where T : IAsyncDisposable
        {
            opened.Push(value);
            return value;
        }
    }

    /// <summary>Drains: takes no more requests, flushes, answers what is pending, gives its shards up. Safe to repeat.</summary>
    public async Task StopAsync()
    {
        if (Interlocked.Exchange(ref _stopped, 1) != 0)
            return;
        NodeLog.Draining(_log);
        _health.NotReady(Draining);
        try
        {
            // The shards first, while all else goes on: whoever asks for them finds them on another node.
            await _services.LeaveAsync(_drain);
            // What clients wait for is what the pipeline has still to flush, so both end together.
            Task drained = _listener.DrainAsync(_drain);
            while (!drained.IsCompleted)
            {
                await _services.DrainAsync(_drain);
                await Task.WhenAny(drained, Task.Delay(TimeSpan.FromMilliseconds(20)));
            }
            await drained;
        }
        catch (Exception error) when (error is TimeoutException or ActorStoppedException)
        {
            NodeLog.NotDrained(_log, error.Message);
        }
        await _listener.DisposeAsync();
        await _services.DisposeAsync();
        await _admin.DisposeAsync();
        _metrics.Dispose();
        NodeLog.Stopped(_log);
    }

    public async ValueTask DisposeAsync() => await StopAsync();

    private static void Watch(NodeHealth health, NodeOptions options, NodeServices services)
    {
        ShardLeases leases = services.Cluster.Leases;
        health.Watch(() => leases.IsDraining ? Draining : null);
        health.Watch(() => services.StoreHealth.State == StoreState.Unavailable
            ? $"store: unavailable, requests to {services.Collection.Store.Description} fail"
            : null);
        health.Watch(() => leases.SinceHeard is var silence && silence > options.Timing.Lease
            ? $"journal: {services.Cluster.Journal.Description} was not reached for {silence.TotalSeconds:F0} s"
            : null);
    }

    private async Task WatchAsync()
    {
        try
        {
            await Failure;
        }
        catch (Exception error)
        {
            _health.Failed(error.Message);
        }
    }
}
