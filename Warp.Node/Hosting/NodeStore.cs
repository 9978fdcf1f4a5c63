using System.Diagnostics.Metrics;
using Warp.Node.Configuration;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Quorum;
using Warp.Streams.Objects.Resilience;

namespace Warp.Node.Hosting;

/// <summary>The object store of a process as it is configured, with everything around it; for nodes and for commands.</summary>
internal sealed class NodeStore : IAsyncDisposable
{
    private readonly Meter? _meter;

    private NodeStore(IObjectStore store, StoreHealth health, IReadOnlyList<QuorumObjectStore> quorums, Meter? meter)
    {
        Store = store;
        Health = health;
        Quorums = quorums;
        _meter = meter;
    }

    public IObjectStore Store { get; }

    /// <summary>How well the store of <c>warp.store.url</c> works.</summary>
    public StoreHealth Health { get; }

    /// <summary>Those of its parts that are quorums of several stores.</summary>
    public IReadOnlyList<QuorumObjectStore> Quorums { get; }

    /// <summary>Opens it for a node. Of a store on another machine nothing is asked yet.</summary>
    /// <exception cref="ConfigurationException">It cannot be opened.</exception>
    public static NodeStore Open(StoreOptions options, ObjectKeys keys, Meter meter, TimeProvider time, Random random) =>
        Open(options, keys, meter, time, random, ownedMeter: null);

    /// <summary>Opens it for a command, which has no metrics to tell.</summary>
    /// <exception cref="ConfigurationException">It cannot be opened.</exception>
    public static NodeStore Open(StoreOptions options, ObjectKeys keys, TimeProvider time)
    {
        var meter = new Meter(NodeMetrics.MeterName);
        return Open(options, keys, meter, time, new Random(), meter);
    }

    public async ValueTask DisposeAsync()
    {
        await Store.DisposeAsync();
        _meter?.Dispose();
    }

    private static NodeStore Open(
        StoreOptions options, ObjectKeys keys, Meter meter, TimeProvider time, Random random, Meter? ownedMeter)
    {
        var stores = new ResilientStores(options.Resilience, meter, time, random);
        var health = new StoreHealth(time);
        meter.CreateObservableGauge(
            "warp.store.state", () => (int)health.State, null, "How well the object store works: 0 healthy, 1 degraded, 2 unavailable.");
        IObjectStore store = Open(stores, "warp.store.url", options.Url, health);
        if (options.CompactedUrl is { } compacted)
            store = new TieredObjectStore(store, Open(stores, "warp.store.compacted-url", compacted, new StoreHealth(time)), keys);
        return new NodeStore(store, health, stores.Quorums, ownedMeter);
    }

    private static IObjectStore Open(ResilientStores stores, string key, StoreUrl url, StoreHealth health)
    {
        try
        {
            return stores.Open(url, health);
        }
        catch (ObjectStoreException error)
        {
            throw new ConfigurationException($"{key}: {error.Message}");
        }
    }
}
