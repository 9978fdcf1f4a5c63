using System.Diagnostics.Metrics;
using Warp.Protocol.Wire;
using Warp.Specs.Streams.Format;
using Warp.Streams.Cache;
using Warp.Streams.Format;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Cache;

public sealed class ChunkCacheSpec
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_chunk_is_read_once_and_then_leased_at_once()
    {
        using CacheFixture fixture = new CacheFixture(10).WithObjects(1);
        using (ChunkLease first = await fixture.LeaseAsync(0, Cancellation))
            Assert.Equal(CacheFixture.Bytes(0), first.Memory.ToArray());

        ValueTask<ChunkLease> second = fixture.LeaseAsync(0, Cancellation);

        Assert.True(second.IsCompletedSuccessfully);
        using ChunkLease lease = await second;
        Assert.Equal(CacheFixture.Bytes(0), lease.Memory.ToArray());
        Assert.Equal(1, fixture.Store.Gets);
    }

    [Fact]
    public async Task A_hundred_readers_at_once_cause_one_read()
    {
        using CacheFixture fixture = new CacheFixture(10).WithObjects(1);
        fixture.Store.Close();
        Task<ChunkLease>[] readers = [.. Enumerable.Range(0, 100).Select(_ => fixture.LeaseAsync(0, Cancellation).AsTask())];
        Assert.Equal(1, fixture.Store.GetsUnderWay);
        Assert.DoesNotContain(readers, reader => reader.IsCompleted);
        Assert.Equal(CacheFixture.ObjectBytes, fixture.Cache.LoadingBytes);

        fixture.Store.Open();

        PooledBuffer? buffer = null;
        foreach (ChunkLease lease in await Task.WhenAll(readers))
        {
            Assert.Equal(CacheFixture.Bytes(0), lease.Memory.ToArray());
            Assert.Same(buffer ??= lease.Buffer, lease.Buffer);
            lease.Dispose();
        }
        Assert.Equal((1, 0), (fixture.Store.Gets, fixture.Cache.LoadingBytes));
        fixture.Cache.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer!.Memory);
    }

    [Fact]
    public async Task A_reader_that_cancels_does_not_cancel_the_read_for_others()
    {
        using CacheFixture fixture = new CacheFixture(10).WithObjects(1);
        fixture.Store.Close();
        using var impatient = new CancellationTokenSource();
        Task<ChunkLease> leaving = fixture.LeaseAsync(0, impatient.Token).AsTask();
        Task<ChunkLease> staying = fixture.LeaseAsync(0, Cancellation).AsTask();

        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        fixture.Store.Open();

        ChunkLease lease = await staying;
        PooledBuffer buffer = lease.Buffer;
        Assert.Equal(CacheFixture.Bytes(0), lease.Memory.ToArray());
        lease.Dispose();
        fixture.Cache.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.Memory);
    }

    [Fact]
    public async Task A_chunk_that_everybody_stopped_waiting_for_is_kept_for_the_next()
    {
        using CacheFixture fixture = new CacheFixture(10).WithObjects(1);
        fixture.Store.Close();
        using var impatient = new CancellationTokenSource();
        Task<ChunkLease> leaving = fixture.LeaseAsync(0, impatient.Token).AsTask();
        await impatient.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => leaving);
        fixture.Store.Open();

        using ChunkLease lease = await fixture.LeaseAsync(0, Cancellation);

        Assert.Equal(1, fixture.Store.Gets);
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => fixture.LeaseAsync(1, impatient.Token).AsTask());
        Assert.Equal(1, fixture.Store.Gets);
    }

    [Fact]
    public async Task A_failed_read_fails_all_who_wait_and_is_not_remembered()
    {
        using CacheFixture fixture = new CacheFixture(10).WithObjects(1);
        fixture.Store.Close();
        fixture.Store.Failure = new ObjectStoreException("gate:", "x", "It fails.", isTransient: true);
        Task<ChunkLease>[] readers = [.. Enumerable.Range(0, 10).Select(_ => fixture.LeaseAsync(0, Cancellation).AsTask())];
        fixture.Store.Open();
        foreach (Task<ChunkLease> reader in readers)
            Assert.Same(fixture.Store.Failure, await Assert.ThrowsAsync<ObjectStoreException>(() => reader));
        Assert.Equal((0, 0), (fixture.Cache.ResidentBytes, fixture.Cache.LoadingBytes));

        fixture.Store.Failure = null;

        Assert.False(await fixture.TouchAsync(0));
        Assert.True(await fixture.TouchAsync(0));
    }

    [Fact]
    public async Task A_leased_chunk_stays_valid_after_its_eviction()
    {
        using CacheFixture fixture = new CacheFixture(4).WithObjects(30);
        ChunkLease lease = await fixture.LeaseAsync(0, Cancellation);
        PooledBuffer buffer = lease.Buffer;
        for (int n = 1; n < 30; n++)
            await fixture.TouchAsync(n);

        Assert.Equal(CacheFixture.Bytes(0), lease.Memory.ToArray());
        Assert.InRange(fixture.Cache.ResidentBytes, 0, fixture.Cache.CapacityBytes);
        lease.Dispose();
        Assert.Throws<ObjectDisposedException>(() => buffer.Memory);
    }

    [Fact]
    public async Task Offered_chunks_are_leased_without_a_read_or_a_copy()
    {
        Random random = TestSeed.Random();
        using var meter = new Meter(ChunkCache.MeterName);
        var store = new GateObjectStore();
        using var cache = new ChunkCache(store, 64 << 20, meter);
        BatchToWrite[] batches = [.. Enumerable.Range(0, 9).Select(i => ObjectSamples.Batch(random, 0, i, 1 << 20))];
        EncodedObject encoded = ObjectSamples.Encode(random, batches);
        byte[] bytes = encoded.ToArray();
        byte[][] arrays = [.. encoded.Blocks.Select(block => block.Array)];
        cache.Offer(encoded);
        cache.Offer(encoded);
        encoded.Dispose();

        for (int i = 0; i < arrays.Length; i++)
        {
            using ChunkLease lease = await cache.GetAsync(encoded.Id, "key", i, encoded.Length, Cancellation);
            Assert.Same(arrays[i], lease.Buffer.Array);
            Assert.True(lease.Memory.Span.SequenceEqual(bytes.AsSpan(i * ObjectFormat.ChunkSize, lease.Memory.Length)));
        }
        Assert.Equal(0, store.Gets);
        Assert.Equal(arrays.Sum(array => (long)array.Length), cache.ResidentBytes);
    }

    [Fact]
    public async Task Chunks_of_large_objects_are_read_by_their_numbers_also_when_the_size_is_not_known()
    {
        using var fixture = new CacheFixture(100_000);
        var bytes = new byte[(2 * ObjectFormat.ChunkSize) + 5000];
        new Random(1).NextBytes(bytes);
        fixture.Store.Add("big", bytes);
        long? known = bytes.Length;
        foreach ((int n, long? size) in new[] { (1, null), (2, known) })
        {
            for (int chunk = 0; chunk < 3; chunk++)
            {
                using ChunkLease lease = await fixture.Cache.GetAsync(CacheFixture.Id(n), "big", chunk, size, Cancellation);
                Assert.Equal(ObjectFormat.ChunkLength(bytes.Length, chunk), lease.Memory.Length);
                Assert.True(lease.Memory.Span.SequenceEqual(bytes.AsSpan(chunk * ObjectFormat.ChunkSize, lease.Memory.Length)));
                Assert.InRange(lease.Buffer.Array.Length, lease.Memory.Length, Math.Max(8192, lease.Memory.Length + BufferPool.PageBytes));
            }
        }
        foreach ((int chunk, long? size) in new[] { (3, known), (-1, null) })
        {
            await Assert.ThrowsAsync<ArgumentOutOfRangeException>(
                () => fixture.Cache.GetAsync(default, "big", chunk, size, Cancellation).AsTask());
        }
    }

    [Fact]
    public async Task Objects_that_are_missing_or_too_short_are_named()
    {
        using CacheFixture fixture = new CacheFixture(10).WithObjects(1);
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => fixture.LeaseAsync(1, Cancellation).AsTask());
        var cut = await Assert.ThrowsAsync<CorruptObjectException>(
            () => fixture.Cache.GetAsync(CacheFixture.Id(0), CacheFixture.Key(0), 0, 2000, Cancellation).AsTask());
        Assert.Contains(CacheFixture.Key(0), cut.Message);
        Assert.Contains("gate:", cut.Message);
        await Assert.ThrowsAsync<CorruptObjectException>(
            () => fixture.Cache.GetAsync(CacheFixture.Id(0), CacheFixture.Key(0), 1, null, Cancellation).AsTask());
        Assert.Equal(0, fixture.Cache.ResidentBytes);
    }

    [Fact]
    public async Task Reads_under_way_make_room_before_they_take_memory()
    {
        using CacheFixture fixture = new CacheFixture(10).WithObjects(40);
        for (int n = 0; n < 10; n++)
            await fixture.TouchAsync(n);
        Assert.Equal(fixture.Cache.CapacityBytes, fixture.Cache.ResidentBytes);
        fixture.Store.Close();

        Task<ChunkLease>[] readers = [.. Enumerable.Range(10, 6).Select(n => fixture.LeaseAsync(n, Cancellation).AsTask())];
        Assert.Equal((4 * 1024, 6 * 1024), (fixture.Cache.ResidentBytes, fixture.Cache.LoadingBytes));
        readers = [.. readers, .. Enumerable.Range(16, 20).Select(n => fixture.LeaseAsync(n, Cancellation).AsTask())];
        Assert.Equal((0, 26 * 1024), (fixture.Cache.ResidentBytes, fixture.Cache.LoadingBytes));

        fixture.Store.Open();
        foreach (ChunkLease lease in await Task.WhenAll(readers))
            lease.Dispose();
        Assert.Equal(0, fixture.Cache.LoadingBytes);
        Assert.InRange(fixture.Cache.ResidentBytes, 1, fixture.Cache.CapacityBytes);
    }

    [Fact]
    public async Task Disposing_fails_who_waits_and_leaves_leases_valid()
    {
        using CacheFixture fixture = new CacheFixture(10).WithObjects(2);
        ChunkLease lease = await fixture.LeaseAsync(0, Cancellation);
        fixture.Store.Close();
        Task<ChunkLease> waiting = fixture.LeaseAsync(1, Cancellation).AsTask();

        fixture.Cache.Dispose();

        await Assert.ThrowsAsync<ObjectDisposedException>(() => waiting);
        await Assert.ThrowsAsync<ObjectDisposedException>(() => fixture.LeaseAsync(0, Cancellation).AsTask());
        Assert.Equal(CacheFixture.Bytes(0), lease.Memory.ToArray());
        lease.Dispose();
    }

    [Fact]
    public async Task Hits_misses_and_bytes_are_measured()
    {
        using CacheFixture fixture = new CacheFixture(10).WithObjects(3);
        var sums = new Dictionary<string, long>();
        using var listener = new MeterListener();
        listener.InstrumentPublished = (instrument, l) =>
        {
            if (instrument.Meter == fixture.Meter)
                l.EnableMeasurementEvents(instrument);
        };
        listener.SetMeasurementEventCallback<long>(
            (instrument, value, _, _) => sums[instrument.Name] = sums.GetValueOrDefault(instrument.Name) + value);
        listener.Start();

        for (int i = 0; i < 7; i++)
            await fixture.TouchAsync(i % 3);
        listener.RecordObservableInstruments();

        Assert.Equal((4, 3, 3 * 1024), (sums["warp.cache.hits"], sums["warp.cache.misses"], sums["warp.cache.bytes"]));
    }
}
