using Warp.Protocol.Wire;
using Warp.Specs.Streams.Format;
using Xunit;

namespace Warp.Specs.Streams.Cache;

/// <summary>A consumer that reads everything from the start must not cost the others their chunks.</summary>
public sealed class ChunkCacheScanSpec
{
    private const int Capacity = 200;
    private const int Old = 5000;

    [Fact]
    public async Task A_scan_of_all_old_data_does_not_push_out_hot_chunks()
    {
        Random random = TestSeed.Random();
        using CacheFixture fixture = new CacheFixture(Capacity).WithObjects(Old + 50 + Capacity);
        int[] hot = [.. Enumerable.Range(Old, 50)];
        // Chunks become hot by being used over a while in which other chunks come.
        for (int i = 0; i < Capacity; i++)
        {
            await fixture.TouchAsync(Old + 50 + i);
            await fixture.TouchAsync(hot[i % hot.Length]);
        }

        int misses = 0;
        for (int i = 0; i < Old; i++)
        {
            await ScanAsync(fixture, i);
            misses += await fixture.TouchAsync(hot[random.Next(hot.Length)]) ? 0 : 1;
        }

        Assert.Equal(0, misses);
    }

    [Fact]
    public async Task A_scan_of_all_old_data_does_not_push_out_what_was_just_written_even_if_nobody_has_read_it_yet()
    {
        using CacheFixture fixture = new CacheFixture(Capacity).WithObjects(Old);
        // Nobody can read these from the store.
        int[] live = [.. Enumerable.Range(Old, Capacity / 2)];
        foreach (int n in live)
            Offer(fixture, n);

        for (int i = 0; i < Old; i++)
            await ScanAsync(fixture, i);

        foreach (int n in live)
            Assert.True(await fixture.TouchAsync(n), $"chunk {n - Old} of the live edge");
    }

    [Fact]
    public async Task Writing_scanning_tailing_and_hot_chunks_get_along()
    {
        const int Behind = Capacity / 2;
        const int FirstWritten = Old + 50;
        using CacheFixture fixture = new CacheFixture(Capacity).WithObjects(FirstWritten);
        int hotMisses = 0;
        for (int i = 0; i < Old; i++)
        {
            Offer(fixture, FirstWritten + i);
            await ScanAsync(fixture, i);
            hotMisses += await fixture.TouchAsync(Old + (i % 20)) ? 0 : 1;
            if (i >= Behind)
                Assert.True(await fixture.TouchAsync(FirstWritten + i - Behind + 1), $"the tailing reader's chunk at {i}");
        }
        // Each comes once, and perhaps once more before it has shown that it is hot.
        Assert.InRange(hotMisses, 20, 40);
    }

    [Fact]
    public async Task A_written_chunk_that_is_wanted_after_it_has_left_comes_back_to_stay()
    {
        using CacheFixture fixture = new CacheFixture(Capacity).WithObjects(Old + 1);
        for (int i = 0; i < Capacity + 10; i++)
            Offer(fixture, Old - i);
        Assert.False(await fixture.TouchAsync(Old));

        for (int i = 0; i < Old / 2; i++)
            await ScanAsync(fixture, i);

        Assert.True(await fixture.TouchAsync(Old));
    }

    /// <summary>A reader of old data takes a chunk piece by piece.</summary>
    private static async Task ScanAsync(CacheFixture fixture, int n)
    {
        for (int piece = 0; piece < 4; piece++)
            await fixture.TouchAsync(n);
    }

    private static void Offer(CacheFixture fixture, int n)
    {
        using PooledBuffer block = PooledBuffer.Rent(CacheFixture.ObjectBytes);
        CacheFixture.Bytes(n).CopyTo(block.Memory);
        fixture.Cache.Offer(CacheFixture.Id(n), [block]);
    }
}
