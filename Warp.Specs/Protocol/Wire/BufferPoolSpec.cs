using System.Runtime.InteropServices;
using Warp.Protocol.Wire;
using Warp.Specs.Streams.Format;
using Xunit;

namespace Warp.Specs.Protocol.Wire;

public sealed class BufferPoolSpec
{
    private readonly BufferPool _pool = new(maxIdleBytes: 1 << 20);

    [Fact]
    public void An_array_that_was_given_back_comes_again()
    {
        byte[] first = _pool.Rent(50_000).Array!;
        byte[] second = _pool.Rent(50_000).Array!;
        Assert.NotSame(first, second);
        _pool.Return(first);
        Assert.Equal(first.Length, _pool.IdleBytes);
        Assert.Same(first, _pool.Rent(49_500).Array);
        Assert.Equal(0, _pool.IdleBytes);
    }

    [Fact]
    public void An_array_is_long_enough_and_at_most_a_quarter_longer()
    {
        Random random = TestSeed.Random();
        Assert.Equal(1024, _pool.Rent(0).Count);
        for (int i = 0; i < 200; i++)
        {
            int length = 1024 << random.Next(14);
            length = Math.Min(16 << 20, length + random.Next(length));
            ArraySegment<byte> bytes = _pool.Rent(length);
            Assert.InRange(bytes.Count, length, length + (length / 4));
            byte[] array = bytes.Array!;
            Assert.Equal(array.Length, BufferPool.CostOf(length));
            _pool.Return(array);
            Assert.Same(array.Length <= 1 << 20 ? array : null, array.Length <= 1 << 20 ? _pool.Rent(bytes.Count).Array : null);
        }
    }

    [Fact]
    public void No_more_lies_idle_than_allowed()
    {
        byte[][] arrays = [.. Enumerable.Range(0, 20).Select(_ => _pool.Rent(100_000).Array!)];
        foreach (byte[] array in arrays)
            _pool.Return(array);
        Assert.Equal((1 << 20) / arrays[0].Length * arrays[0].Length, _pool.IdleBytes);
    }

    [Fact]
    public void What_has_not_been_used_from_one_trim_to_the_next_is_let_go()
    {
        byte[][] arrays = [.. Enumerable.Range(0, 5).Select(_ => _pool.Rent(65_536).Array!)];
        foreach (byte[] array in arrays)
            _pool.Return(array);
        _pool.Trim();
        Assert.Equal(5 * 65_536, _pool.IdleBytes);
        byte[] one = _pool.Rent(65_536).Array!;
        byte[] other = _pool.Rent(65_536).Array!;
        _pool.Return(one);
        _pool.Return(other);
        _pool.Trim();
        Assert.Equal(2 * 65_536, _pool.IdleBytes);
        _pool.Trim();
        Assert.Equal(0, _pool.IdleBytes);
    }

    [Fact]
    public void Arrays_that_are_larger_than_any_shelf_are_as_long_as_asked_for_and_not_kept()
    {
        ArraySegment<byte> bytes = _pool.Rent((16 << 20) + 1);
        Assert.Equal((16 << 20) + 1, bytes.Count);
        _pool.Return(bytes.Array!);
        Assert.Equal(0, _pool.IdleBytes);
    }

    [Theory]
    [InlineData(256 << 10)]
    [InlineData(300_000)]
    [InlineData(4 << 20)]
    [InlineData((16 << 20) + 1)]
    public void Large_ones_begin_at_a_page(int length)
    {
        for (int i = 0; i < 10; i++)
        {
            ArraySegment<byte> bytes = _pool.Rent(length);
            Assert.Equal(0, Marshal.UnsafeAddrOfPinnedArrayElement(bytes.Array!, bytes.Offset) % BufferPool.PageBytes);
            Assert.True(bytes.Offset + bytes.Count <= bytes.Array!.Length);
        }
    }

    [Fact]
    public void An_array_of_somebody_else_is_refused() => Assert.Throws<ArgumentException>(() => _pool.Return(new byte[50_001]));
}
