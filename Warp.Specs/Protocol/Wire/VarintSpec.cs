using Warp.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Protocol.Wire;

public sealed class VarintSpec
{
    [Theory]
    [InlineData(0UL, "00")]
    [InlineData(1UL, "01")]
    [InlineData(127UL, "7f")]
    [InlineData(128UL, "80 01")]
    [InlineData(300UL, "ac 02")]
    [InlineData(16383UL, "ff 7f")]
    [InlineData(16384UL, "80 80 01")]
    [InlineData(uint.MaxValue, "ff ff ff ff 0f")]
    [InlineData(ulong.MaxValue, "ff ff ff ff ff ff ff ff ff 01")]
    public void Numbers_take_seven_bits_a_byte(ulong value, string hex)
    {
        var expected = WireHex.Bytes(hex);
        Span<byte> written = stackalloc byte[Varint.MaxSize64];
        int size = Varint.Write(written, value);
        Assert.Equal(WireHex.Text(expected), WireHex.Text(written[..size]));
        Assert.Equal(expected.Length, Varint.Size(value));
        Assert.Equal(expected.Length, Varint.TryRead(expected, 64, out ulong read));
        Assert.Equal(value, read);
    }

    [Theory]
    [InlineData(0L, 0UL)]
    [InlineData(-1L, 1UL)]
    [InlineData(1L, 2UL)]
    [InlineData(-2L, 3UL)]
    [InlineData(int.MaxValue, 4294967294UL)]
    [InlineData(int.MinValue, 4294967295UL)]
    [InlineData(long.MaxValue, ulong.MaxValue - 1)]
    [InlineData(long.MinValue, ulong.MaxValue)]
    public void Zig_zag_keeps_small_magnitudes_small(long value, ulong mapped)
    {
        Assert.Equal(mapped, Varint.ZigZag(value));
        Assert.Equal(value, Varint.UnZigZag(mapped));
    }

    [Theory]
    [InlineData("", 32)]
    [InlineData("80", 32)]
    [InlineData("ff ff ff ff", 32)]
    [InlineData("ff ff ff ff 10", 32)]
    [InlineData("80 80 80 80 80 00", 32)]
    [InlineData("ff ff ff ff ff ff ff ff ff 02", 64)]
    [InlineData("80 80 80 80 80 80 80 80 80 80 00", 64)]
    public void Cut_off_and_too_large_numbers_are_refused(string hex, int bits) =>
        Assert.Equal(0, Varint.TryRead(WireHex.Bytes(hex), bits, out _));
}
