using System.Diagnostics.Metrics;
using Warp.Actors.Sequencing;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Cache;
using Warp.Streams.Cache;
using Warp.Streams.Fetch;
using Warp.Streams.Format;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Fetch;

public sealed class ReadAheadSpec : IDisposable
{
    private const int Small = 1000;

    private readonly Meter _meter = new(ChunkCache.MeterName);
    private readonly GateObjectStore _store = new();
    private readonly ObjectKeys _keys = new();

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose() => _meter.Dispose();

    [Fact]
    public async Task The_objects_of_a_plan_are_read_side_by_side_and_each_once()
    {
        using ChunkCache cache = Cache(1L << 40);
        ReadableExtent[] plan = [.. Enumerable.Range(0, 40).Select(static n => Whole(n, Small))];
        foreach (ReadableExtent extent in plan)
            _store.Add(KeyOf(extent), new byte[Small]);
        _store.Close();
        var ahead = new ReadAhead(cache, _keys, plan, 0, 1 << 20);

        ahead.Continue();
        ahead.Continue();

        Assert.Equal(24, _store.GetsUnderWay);
        ValueTask<ChunkLease> first = cache.GetAsync(plan[0].Extent.ObjectId, KeyOf(plan[0]), 0, Small, Cancellation);
        Assert.Equal(24, _store.GetsUnderWay);
        _store.Open();
        (await first).Dispose();
        await Wait.UntilAsync(() => cache.ResidentBytes >= 24 * Small && cache.LoadingBytes == 0, TimeSpan.FromSeconds(30), "the first reads");
        ahead.Continue();
        await Wait.UntilAsync(() => cache.ResidentBytes >= 40 * Small, TimeSpan.FromSeconds(30), "the rest");
        Assert.All(plan, extent => Assert.Equal(1, _store.GetsOf(KeyOf(extent))));
    }

    [Fact]
    public void A_long_extent_is_read_as_far_as_it_is_wanted_and_from_where_reading_begins()
    {
        using ChunkCache cache = Cache(1L << 40);
        _store.Close();
        ReadableExtent extent = Whole(0, 20 * ObjectFormat.ChunkSize);

        new ReadAhead(cache, _keys, [extent], 3 * ObjectFormat.ChunkSize, 4 * ObjectFormat.ChunkSize).Continue();

        Assert.Equal(4, _store.GetsUnderWay);
        foreach (int chunk in (int[])[3, 4, 5, 6])
            _ = cache.GetAsync(extent.Extent.ObjectId, KeyOf(extent), chunk, extent.ObjectSizeBytes, Cancellation).AsTask();
        Assert.Equal(4, _store.GetsUnderWay);
    }

    [Fact]
    public void A_cache_without_room_for_it_reads_nothing_ahead()
    {
        using ChunkCache cache = Cache(5 * Small);
        _store.Close();

        new ReadAhead(cache, _keys, [Whole(0, Small), Whole(1, Small)], 0, 1 << 20).Continue();

        Assert.Equal(0, _store.GetsUnderWay);
    }

    [Fact]
    public async Task A_read_ahead_that_fails_is_begun_again_by_whoever_wants_the_chunk()
    {
        using ChunkCache cache = Cache(1L << 40);
        ReadableExtent extent = Whole(0, Small);
        _store.Add(KeyOf(extent), new byte[Small]);
        _store.Failure = new ObjectStoreException("gate:", null, "It fails.", isTransient: true);
        new ReadAhead(cache, _keys, [extent, Whole(1, Small)], 0, 1 << 20).Continue();
        await Wait.UntilAsync(() => cache.LoadingBytes == 0, TimeSpan.FromSeconds(30), "the failure");
        _store.Failure = null;

        using ChunkLease lease = await cache.GetAsync(extent.Extent.ObjectId, KeyOf(extent), 0, Small, Cancellation);

        Assert.Equal(Small, lease.Memory.Length);
    }

    private static ReadableExtent Whole(int n, int size) =>
        new(new Extent(n, n, ExtentSource.Object, new ObjectId((UInt128)n + 1), 0, size, 0), size, 0);

    private ChunkCache Cache(long capacity) => new(_store, capacity, _meter);

    private string KeyOf(in ReadableExtent extent) => _keys.Object(extent.Level, extent.Extent.ObjectId);
}
