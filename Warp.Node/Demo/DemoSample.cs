using Warp.Load.Measuring;
using Warp.Node.Hosting;

namespace Warp.Node.Demo;

/// <summary>Everything that a demo shows, as it stood at one moment; counts are from the demo's start.</summary>
public sealed record DemoSample
{
    /// <summary>Since the start.</summary>
    public required TimeSpan At { get; init; }

    public required long ProducedRecords { get; init; }

    public required long ProducedBytes { get; init; }

    public required long ConsumedRecords { get; init; }

    public required long ConsumedBytes { get; init; }

    public required LatencyHistogram ProduceLatency { get; init; }

    public required LatencyHistogram EndToEndLatency { get; init; }

    /// <summary>Requests to the object store that put an object.</summary>
    public required long Puts { get; init; }

    /// <summary>Requests to the object store that read from one.</summary>
    public required long Gets { get; init; }

    /// <summary>Objects with records in them.</summary>
    public required long Objects { get; init; }

    /// <summary>Chunks that readers found in memory.</summary>
    public required long CacheHits { get; init; }

    /// <summary>Chunks that readers had to wait for.</summary>
    public required long CacheMisses { get; init; }

    /// <summary>Takes the values of now from the load and from the node's metrics.</summary>
    public static DemoSample Take(TimeSpan at, DemoMeasurements load, IReadOnlyList<MetricFamily> metrics)
    {
        var families = metrics.ToDictionary(static family => family.Name);
        return new DemoSample
        {
            At = at,
            ProducedRecords = load.ProducedRecords,
            ProducedBytes = load.ProducedBytes,
            ConsumedRecords = load.ConsumedRecords,
            ConsumedBytes = load.ConsumedBytes,
            ProduceLatency = load.ProduceLatency.Snapshot(),
            EndToEndLatency = load.EndToEndLatency.Snapshot(),
            Puts = Sum("warp.store.requests", KeyValuePair.Create("operation", "put")),
            Gets = Sum("warp.store.requests", KeyValuePair.Create("operation", "get")),
            Objects = Sum("warp.flush.flushes"),
            CacheHits = Sum("warp.cache.hits"),
            CacheMisses = Sum("warp.cache.misses"),
        };

        long Sum(string name, params ReadOnlySpan<KeyValuePair<string, string>> labels) =>
            families.TryGetValue(name, out MetricFamily? family) ? (long)family.Sum(labels) : 0;
    }
}
