using Warp.Protocol.Records;
using Xunit;

namespace Warp.Specs.Protocol.Records;

public sealed class Crc32CSpec(ITestOutputHelper output)
{
    [Fact]
    public void The_check_value_of_the_polynomial_comes_out() => Assert.Equal(0xE3069283, Crc32C.Compute("123456789"u8));

    [Fact]
    public void The_examples_of_RFC_3720_come_out()
    {
        var ascending = new byte[32];
        for (int i = 0; i < ascending.Length; i++)
            ascending[i] = (byte)i;
        byte[] ones = [.. Enumerable.Repeat((byte)0xFF, 32)];
        byte[] readCommand =
        [
            0x01, 0xC0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0x14, 0, 0, 0, 0, 0, 0x04, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18,
            0x28, 0, 0, 0, 0, 0, 0, 0, 0x02, 0, 0, 0, 0, 0, 0, 0,
        ];

        Assert.Equal(0x8A9136AA, Crc32C.Compute(new byte[32]));
        Assert.Equal(0x62A8AB43u, Crc32C.Compute(ones));
        Assert.Equal(0x46DD794Eu, Crc32C.Compute(ascending));
        Assert.Equal(0x113FDB5Cu, Crc32C.Compute([.. Enumerable.Reverse(ascending)]));
        Assert.Equal(0xD9963A56, Crc32C.Compute(readCommand));
    }

    [Fact]
    public void Nothing_has_the_checksum_zero() => Assert.Equal(0u, Crc32C.Compute([]));

    [Fact]
    public void Every_length_agrees_with_one_bit_at_a_time()
    {
        Random random = SeededRandom.Create(output);
        var data = new byte[10_000];
        random.NextBytes(data);
        int[] lengths = [1, 7, 8, 9, 3071, 3072, 3073, 6144, 9999, 10_000];

        foreach (int length in lengths)
            Assert.Equal(BitByBit(data.AsSpan(0, length)), Crc32C.Compute(data.AsSpan(0, length)));
    }

    [Fact]
    public void Appending_the_parts_gives_the_checksum_of_the_whole()
    {
        Random random = SeededRandom.Create(output);
        var data = new byte[20_000];
        random.NextBytes(data);
        uint whole = Crc32C.Compute(data);

        for (int i = 0; i < 100; i++)
        {
            int cut = random.Next(data.Length + 1);
            Assert.Equal(whole, Crc32C.Append(Crc32C.Compute(data.AsSpan(0, cut)), data.AsSpan(cut)));
        }
    }

    private static uint BitByBit(ReadOnlySpan<byte> data)
    {
        uint crc = uint.MaxValue;
        foreach (byte value in data)
        {
            crc ^= value;
            for (int bit = 0; bit < 8; bit++)
                crc = (crc & 1) == 0 ? crc >> 1 : (crc >> 1) ^ 0x82F63B78;
        }
        return ~crc;
    }
}
