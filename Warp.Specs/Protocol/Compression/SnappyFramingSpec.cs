using Warp.Protocol.Compression;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Specs.Protocol.Records;
using Xunit;

namespace Warp.Specs.Protocol.Compression;

public sealed class SnappyFramingSpec(ITestOutputHelper output)
{
    private static readonly byte[] XerialHeader = [0x82, 0x53, 0x4E, 0x41, 0x50, 0x50, 0x59, 0, 0, 0, 0, 1, 0, 0, 0, 1];

    [Fact]
    public void A_raw_block_is_read()
    {
        // 10 bytes: the literal "ab", then 8 bytes from 2 back.
        Assert.Equal("ababababab"u8.ToArray(), Decompress([10, 0x04, (byte)'a', (byte)'b', 0x11, 2]));
        // The same copy with 2 and with 4 bytes of distance.
        Assert.Equal("ababababab"u8.ToArray(), Decompress([10, 0x04, (byte)'a', (byte)'b', 0x1E, 2, 0]));
        Assert.Equal("ababababab"u8.ToArray(), Decompress([10, 0x04, (byte)'a', (byte)'b', 0x1F, 2, 0, 0, 0]));
        // A literal whose length takes a byte of its own.
        Assert.Equal("abc"u8.ToArray(), Decompress([3, 0xF0, 2, (byte)'a', (byte)'b', (byte)'c']));
        Assert.Empty(Decompress([0]));
    }

    [Fact]
    public void A_xerial_stream_of_several_blocks_is_read() =>
        Assert.Equal(
            "aba"u8.ToArray(),
            Decompress([.. XerialHeader, 0, 0, 0, 4, 2, 0x04, (byte)'a', (byte)'b', 0, 0, 0, 3, 1, 0, (byte)'a']));

    [Fact]
    public void Another_implementations_raw_blocks_are_read()
    {
        Random random = SeededRandom.Create(output);
        for (int i = 0; i < 200; i++)
        {
            var content = new byte[random.Next(200_000)];
            int alphabet = random.Next(1, 40);
            for (int k = 0; k < content.Length; k++)
                content[k] = (byte)random.Next(alphabet);
            Assert.True(Decompress(IronSnappy.Snappy.Encode(content)).AsSpan().SequenceEqual(content));
        }
    }

    [Fact]
    public void What_is_written_is_xerial_in_blocks_of_32_KiB()
    {
        byte[] stream = CodecSpec.Compress(CompressionType.Snappy, CodecSpec.Text(70_000));

        Assert.Equal(XerialHeader, stream[..16]);
        int blocks = 0;
        for (int at = 16; at < stream.Length; blocks++)
            at += 4 + System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(stream.AsSpan(at));
        Assert.Equal(3, blocks);
    }

    [Theory]
    [InlineData(new byte[] { 10, 0x04, 97, 98, 0x11, 3 })] // from before the beginning
    [InlineData(new byte[] { 10, 0x04, 97, 98, 0x11, 0 })] // from nowhere
    [InlineData(new byte[] { 9, 0x04, 97, 98, 0x11, 2 })] // more than stated
    [InlineData(new byte[] { 11, 0x04, 97, 98, 0x11, 2 })] // less than stated
    [InlineData(new byte[] { 10, 0x04, 97, 98, 0x1F, 0xFF, 0xFF, 0xFF, 0xFF })] // a negative distance
    [InlineData(new byte[] { 2, 0xFC, 0xFF, 0xFF, 0xFF, 0x7F, 97, 98 })] // a literal that overflows an int
    [InlineData(new byte[] { 2, 0xFC, 0xFF, 0xFF, 0xFF, 0xFF, 97, 98 })] // a negative literal
    [InlineData(new byte[] { 0x80, 0x80, 0x80, 0x80, 0x80, 0 })] // a length of six bytes
    [InlineData(new byte[] { 0x80 })] // a length that does not end
    public void A_damaged_raw_block_is_refused(byte[] block) => Assert.Throws<CorruptRecordException>(() => Decompress(block));

    [Fact]
    public void The_limit_counts_all_blocks_of_a_stream()
    {
        byte[] stream = CodecSpec.Compress(CompressionType.Snappy, CodecSpec.Text(70_000));
        Assert.Throws<DecompressionLimitException>(() => Codecs.For(CompressionType.Snappy).Decompress(stream, 69_999));
    }

    private static byte[] Decompress(byte[] input)
    {
        using PooledBuffer result = Codecs.For(CompressionType.Snappy).Decompress(input, 1 << 20);
        return result.Memory.ToArray();
    }
}
