using System.Diagnostics.Metrics;
using BenchmarkDotNet.Attributes;
using Warp.Actors.Sequencing;
using Warp.Protocol.Wire;
using Warp.Streams.Cache;
using Warp.Streams.Objects;

namespace Warp.Bench.Micro;

/// <summary>A chunk that is in memory: what every 4 MiB of a tail fetch cost.</summary>
public class ChunkCacheBenchmarks
{
    private const int ChunkBytes = 4 << 20;

    private readonly Meter _meter = new("bench");
    private readonly ObjectId _id = ObjectId.Mint(DateTimeOffset.UnixEpoch.AddYears(50), new Random(1));
    private ChunkCache _cache = null!;

    [GlobalSetup]
    public void Setup()
    {
        _cache = new ChunkCache(new MemoryObjectStore(TimeProvider.System), 64 << 20, _meter);
        using PooledBuffer chunk = PooledBuffer.Rent(ChunkBytes);
        _cache.Offer(_id, [chunk]);
    }

    [Benchmark]
    public async Task<int> Hit()
    {
        using ChunkLease lease = await _cache.GetAsync(_id, "bench", 0, ChunkBytes, CancellationToken.None);
        return lease.Memory.Length;
    }

    [GlobalCleanup]
    public void Cleanup()
    {
        _cache.Dispose();
        _meter.Dispose();
    }
}
