using Warp.Actors.Sequencing;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Actors.Sequencing;

public sealed class ExtentListSpec
{
    private static readonly DateTimeOffset s_start = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    private readonly ExtentList _list = new();
    private readonly List<Extent> _expected = [];

    [Fact]
    public void Random_extents_come_back_as_they_were_put_in_whatever_is_removed_meanwhile()
    {
        var random = new Random(TestRun.TakeSeed());
        for (int i = 0; i < 3000; i++)
        {
            if (random.Next(20) == 0)
                RemoveFirst(random.Next(_expected.Count + 1));
            else
                Add(Next(random));
            if (i % 50 == 0 || _expected.Count < 3)
                AssertSame(random);
        }
        AssertSame(random);
    }

    [Fact]
    public void Numbers_of_any_size_come_back()
    {
        var id = new ObjectId(UInt128.MaxValue);
        Add(new Extent(0, 0, ExtentSource.Object, default, 0, 0, 0));
        Add(new Extent(5, int.MaxValue * 4L, ExtentSource.Marker, id, long.MaxValue, long.MaxValue, long.MaxValue));
        Add(new Extent(long.MaxValue / 2, long.MaxValue - 1, ExtentSource.Inline, default, 1, 1, long.MinValue));
        Add(new Extent(long.MaxValue - 1, long.MaxValue - 1, ExtentSource.Object, id, 1, 1, -1));

        Assert.Equal(_expected, _list.All.ToArray());
    }

    [Fact]
    public void Only_an_extent_that_goes_on_in_bytes_and_offsets_is_joined_to_the_last()
    {
        ObjectId id = ObjectId.Mint(s_start, new Random(1));
        var first = new Extent(0, 9, ExtentSource.Object, id, 64, 100, 5);
        Assert.False(_list.TryContinue(first));
        _list.Add(first);

        Assert.False(_list.TryContinue(new Extent(10, 19, ExtentSource.Object, id, 165, 100, 7)));
        Assert.True(_list.TryContinue(new Extent(10, 19, ExtentSource.Object, id, 164, 100, 7)));

        Assert.Equal([new Extent(0, 19, ExtentSource.Object, id, 64, 200, 7)], _list.All.ToArray());
    }

    [Fact]
    public void An_extent_takes_a_third_of_its_size()
    {
        var random = new Random(1);
        for (int i = 0; i < 1000; i++)
        {
            DateTimeOffset time = s_start.AddMilliseconds(250 * i);
            Add(new Extent(16 * i, (16 * i) + 15, ExtentSource.Object, ObjectId.Mint(time, random),
                random.Next(8 << 20), 16_000 + random.Next(1000), time.ToUnixTimeMilliseconds() - random.Next(500)));
        }
        long before = GC.GetAllocatedBytesForCurrentThread();
        var list = new ExtentList();
        foreach (Extent extent in _expected)
            list.Add(extent);
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 34 * _expected.Count);
    }

    private void Add(in Extent extent)
    {
        _list.Add(extent);
        _expected.Add(extent);
    }

    private void RemoveFirst(int count)
    {
        _list.RemoveFirst(count);
        _expected.RemoveRange(0, count);
    }

    private void AssertSame(Random random)
    {
        Assert.Equal(_expected.Count, _list.Count);
        Assert.Equal(_expected, _list.All.ToArray());
        if (_expected.Count == 0)
        {
            Assert.Equal(0, _list.Find(random.Next(1000)));
            return;
        }
        int from = random.Next(_expected.Count);
        int count = random.Next(_expected.Count - from + 1);
        Assert.Equal(_expected.GetRange(from, count), _list.All.Slice(from, count).ToArray());
        Assert.Equal(_expected[from], _list.All[from]);
        foreach (long offset in (long[])
            [_expected[from].BaseOffset, _expected[from].LastOffset, _expected[from].LastOffset + 1, _expected[0].BaseOffset - 1, long.MaxValue])
        {
            int found = _expected.FindIndex(extent => extent.LastOffset >= offset);
            Assert.Equal(found < 0 ? _expected.Count : found, _list.Find(offset));
        }
    }

    /// <summary>Mostly without a gap, and of about the usual size.</summary>
    private Extent Next(Random random)
    {
        long baseOffset = _expected.Count == 0 ? random.Next(100) : _expected[^1].LastOffset + 1;
        if (random.Next(10) == 0)
            baseOffset += random.NextInt64(1L << random.Next(40));
        long count = random.NextInt64(1, 1L << random.Next(1, 34));
        DateTimeOffset time = s_start.AddMilliseconds(random.Next());
        return new Extent(
            baseOffset, baseOffset + count - 1, (ExtentSource)random.Next(3), ObjectId.Mint(time, random),
            random.NextInt64(1L << random.Next(40)), random.NextInt64(1L << random.Next(40)),
            random.Next(5) == 0 ? -1 : time.ToUnixTimeMilliseconds() + random.Next(-5000, 5000));
    }
}
