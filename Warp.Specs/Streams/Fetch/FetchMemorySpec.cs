using Warp.Protocol.Wire;
using Warp.Streams.Fetch;
using Xunit;

namespace Warp.Specs.Streams.Fetch;

public sealed class FetchMemorySpec
{
    [Fact]
    public void A_fetch_gets_what_it_wants_up_to_a_quarter_of_what_is_left()
    {
        var memory = new FetchMemory(1000);
        using FetchGrant small = memory.Take(50);
        using FetchGrant large = memory.Take(10_000);
        Assert.Equal((50, 212), (small.Bytes, large.Bytes));
        Assert.Equal(3 * (50 + 212), memory.UsedBytes);
    }

    [Fact]
    public void Fetches_that_stay_leave_the_next_ones_less_and_never_more_is_granted_than_there_is()
    {
        var memory = new FetchMemory(1 << 20);
        FetchGrant[] grants = [.. Enumerable.Range(0, 100).Select(_ => memory.Take(1 << 20))];
        Assert.InRange(memory.UsedBytes, 0, memory.CapacityBytes);
        Assert.Equal(grants.Select(static grant => grant.Bytes).OrderDescending(), grants.Select(static grant => grant.Bytes));
        foreach (FetchGrant grant in grants)
            grant.Dispose();
        Assert.Equal(0, memory.UsedBytes);
    }

    [Fact]
    public void Memory_is_given_back_with_the_last_of_the_answers_record_sets()
    {
        var memory = new FetchMemory(1 << 20);
        FetchGrant grant = memory.Take(1000);
        RecordSet first = Build(grant);
        RecordSet second = Build(grant);
        grant.Dispose();
        second.Dispose();
        second.Dispose();
        Assert.Equal(3000, memory.UsedBytes);
        first.Dispose();
        Assert.Equal(0, memory.UsedBytes);
    }

    [Fact]
    public void Chunks_are_held_up_to_twice_the_size_of_the_records_and_a_few_more_and_copied_beyond()
    {
        const int chunk = 4 << 20;
        using FetchGrant grant = new FetchMemory(1L << 30).Take(chunk);
        PooledBuffer[] chunks = [.. Enumerable.Range(0, 9).Select(static _ => PooledBuffer.Rent(chunk))];
        using var builder = new RecordSetBuilder(grant);
        foreach (PooledBuffer buffer in chunks)
        {
            buffer.Memory.Span.Clear();
            builder.Append(buffer.Memory[..5000], buffer);
            builder.Append(buffer.Memory[6000..11_000], buffer);
        }
        using RecordSet records = builder.Build();
        foreach (PooledBuffer buffer in chunks)
            buffer.Release();

        Assert.Equal(90_000, records.Memory.Length);
        Assert.Equal([true, true, true, true, true, true, true, false, false], chunks.Select(IsHeld));
    }

    private static bool IsHeld(PooledBuffer buffer)
    {
        try
        {
            return buffer.Memory.Length > 0;
        }
        catch (ObjectDisposedException)
        {
            return false;
        }
    }

    private static RecordSet Build(FetchGrant grant)
    {
        using var builder = new RecordSetBuilder(grant);
        builder.AppendCopy([1, 2, 3]);
        return builder.Build();
    }
}
