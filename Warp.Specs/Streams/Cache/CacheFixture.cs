using System.Diagnostics.Metrics;
using System.Runtime.InteropServices;
using Warp.Actors.Sequencing;
using Warp.Streams.Cache;

namespace Warp.Specs.Streams.Cache;

/// <summary>A cache over a gate store, and small objects of one chunk, each in an array of 1 KiB: tests count in chunks.</summary>
internal sealed class CacheFixture : IDisposable
{
    /// <summary>Bytes of a sample object, and of the array that the pool gives for it.</summary>
    public const int ObjectBytes = 1024;

    private readonly Meter _meter = new(ChunkCache.MeterName);

    public CacheFixture(int capacityInObjects) => Cache = new ChunkCache(Store, (long)capacityInObjects * ObjectBytes, _meter);

    public GateObjectStore Store { get; } = new();

    public ChunkCache Cache { get; }

    public Meter Meter => _meter;

    public static ObjectId Id(int n) => new((UInt128)n + 1);

    public static string Key(int n) => $"l0/00/{Id(n)}";

    /// <summary>The content of sample object n: its number, over and over.</summary>
    public static byte[] Bytes(int n)
    {
        var bytes = new byte[ObjectBytes];
        MemoryMarshal.Cast<byte, int>(bytes.AsSpan()).Fill(n);
        return bytes;
    }

    public CacheFixture WithObjects(int count)
    {
        for (int n = 0; n < count; n++)
            Store.Add(Key(n), Bytes(n));
        return this;
    }

    public ValueTask<ChunkLease> LeaseAsync(int n, CancellationToken cancellationToken = default) =>
        Cache.GetAsync(Id(n), Key(n), 0, ObjectBytes, cancellationToken);

    /// <summary>Reads and gives back. True if the chunk was in memory.</summary>
    public async Task<bool> TouchAsync(int n)
    {
        int before = Store.GetsOf(Key(n));
        using ChunkLease lease = await LeaseAsync(n);
        return Store.GetsOf(Key(n)) == before;
    }

    public void Dispose()
    {
        Cache.Dispose();
        _meter.Dispose();
    }
}
