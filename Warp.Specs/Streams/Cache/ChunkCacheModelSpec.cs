using Warp.Protocol.Wire;
using Warp.Specs.Streams.Format;
using Warp.Streams.Cache;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Cache;

/// <summary>The cache against what it promises: right bytes, bounded memory, no buffer lost and none given back twice.</summary>
public sealed class ChunkCacheModelSpec
{
    private const int Objects = 60;

    [Fact]
    public async Task Whatever_is_asked_in_whatever_order_bytes_are_right_and_memory_is_bounded()
    {
        Random random = TestSeed.Random();
        for (int round = 0; round < 30; round++)
        {
            var seen = new HashSet<PooledBuffer>();
            var leases = new List<(int N, ChunkLease Lease)>();
            using CacheFixture fixture = new CacheFixture(random.Next(0, 40)).WithObjects(Objects);
            for (int step = 0; step < 1000; step++)
            {
                int n = (int)(Objects * random.NextDouble() * random.NextDouble());
                switch (random.Next(10))
                {
                    case 0:
                        Offer(fixture, n, seen);
                        break;
                    case 1:
                        fixture.Store.Failure = new ObjectNotFoundException("gate:", "x");
                        await TryLeaseAsync(fixture, n, leases, seen);
                        fixture.Store.Failure = null;
                        break;
                    case < 5 when leases.Count > 0:
                        Release(leases);
                        break;
                    default:
                        await TryLeaseAsync(fixture, n, leases, seen);
                        break;
                }
                if (leases.Count > 15)
                    Release(leases);
                Assert.Equal(0, fixture.Cache.LoadingBytes);
                Assert.InRange(fixture.Cache.ResidentBytes, 0, fixture.Cache.CapacityBytes);
            }
            AssertAllGivenBack(fixture, leases, seen);
        }
    }

    [Fact]
    public async Task Many_readers_at_once_get_right_bytes_and_every_buffer_goes_back_once()
    {
        int seed = TestSeed.Random().Next();
        var seen = new HashSet<PooledBuffer>();
        using CacheFixture fixture = new CacheFixture(8).WithObjects(Objects);
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(seed + worker);
            for (int step = 0; step < 3000; step++)
            {
                int n = random.Next(Objects);
                using var impatient = new CancellationTokenSource();
                ValueTask<ChunkLease> reading = fixture.LeaseAsync(n, impatient.Token);
                if (random.Next(3) == 0)
                    await impatient.CancelAsync();
                try
                {
                    using ChunkLease lease = await reading;
                    lock (seen)
                        seen.Add(lease.Buffer);
                    Assert.True(lease.Memory.Span.SequenceEqual(CacheFixture.Bytes(n)));
                }
                catch (OperationCanceledException)
                {
                    Assert.True(impatient.IsCancellationRequested);
                }
            }
        })));
        Assert.Equal(0, fixture.Cache.LoadingBytes);
        AssertAllGivenBack(fixture, [], seen);
    }

    private static async Task TryLeaseAsync(
        CacheFixture fixture, int n, List<(int N, ChunkLease Lease)> leases, HashSet<PooledBuffer> seen)
    {
        try
        {
            ChunkLease lease = await fixture.LeaseAsync(n);
            seen.Add(lease.Buffer);
            leases.Add((n, lease));
        }
        catch (ObjectNotFoundException)
        {
            Assert.NotNull(fixture.Store.Failure);
        }
        foreach ((int held, ChunkLease lease) in leases)
            Assert.True(lease.Memory.Span.SequenceEqual(CacheFixture.Bytes(held)));
    }

    private static void Release(List<(int N, ChunkLease Lease)> leases)
    {
        leases[0].Lease.Dispose();
        leases.RemoveAt(0);
    }

    private static void Offer(CacheFixture fixture, int n, HashSet<PooledBuffer> seen)
    {
        using PooledBuffer block = PooledBuffer.Rent(CacheFixture.ObjectBytes);
        CacheFixture.Bytes(n).CopyTo(block.Memory);
        fixture.Cache.Offer(CacheFixture.Id(n), [block]);
        seen.Add(block);
    }

    private static void AssertAllGivenBack(CacheFixture fixture, List<(int N, ChunkLease Lease)> leases, HashSet<PooledBuffer> seen)
    {
        fixture.Cache.Dispose();
        foreach ((int n, ChunkLease lease) in leases)
        {
            Assert.True(lease.Memory.Span.SequenceEqual(CacheFixture.Bytes(n)));
            lease.Dispose();
        }
        Assert.NotEmpty(seen);
        Assert.All(seen, buffer => Assert.Throws<ObjectDisposedException>(() => buffer.Memory));
    }
}
