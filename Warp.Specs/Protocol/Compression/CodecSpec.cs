using System.Buffers;
using Warp.Protocol.Compression;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Specs.Protocol.Records;
using Xunit;

namespace Warp.Specs.Protocol.Compression;

public sealed class CodecSpec(ITestOutputHelper output)
{
    public static TheoryData<CompressionType> EveryCodec =>
        [CompressionType.Gzip, CompressionType.Snappy, CompressionType.Lz4, CompressionType.Zstd];

    public static MatrixTheoryData<CompressionType, int> EveryCodecAndSize =>
        new([CompressionType.Gzip, CompressionType.Snappy, CompressionType.Lz4, CompressionType.Zstd], [0, 1, 100, 65_537, 5 << 20]);

    [Theory]
    [MemberData(nameof(EveryCodecAndSize))]
    public void What_goes_in_comes_out(CompressionType type, int length)
    {
        Random random = SeededRandom.Create(output);
        byte[] noise = new byte[length];
        random.NextBytes(noise);

        foreach (byte[] content in (byte[][])[noise, Text(length), new byte[length]])
        {
            byte[] compressed = Compress(type, content);
            using PooledBuffer back = Codecs.For(type).Decompress(compressed, length);
            Assert.True(back.Memory.Span.SequenceEqual(content));
        }
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void Text_gets_smaller(CompressionType type) => Assert.InRange(Compress(type, Text(100_000)).Length, 1, 30_000);

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void One_byte_more_than_the_limit_is_too_much(CompressionType type)
    {
        byte[] compressed = Compress(type, Text(10_000));
        var refusal = Assert.Throws<DecompressionLimitException>(() => Codecs.For(type).Decompress(compressed, 9_999));
        Assert.Equal(9_999, refusal.MaxBytes);
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void A_limit_of_nothing_allows_nothing(CompressionType type)
    {
        using PooledBuffer nothing = Codecs.For(type).Decompress(Compress(type, []), 0);
        Assert.Equal(0, nothing.Length);
        Assert.Throws<DecompressionLimitException>(() => Codecs.For(type).Decompress(Compress(type, [1]), 0));
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void No_bytes_are_no_block(CompressionType type) =>
        Assert.Throws<CorruptRecordException>(() => Codecs.For(type).Decompress([], 1_000));

    [Theory]
    [InlineData(CompressionType.Gzip)]
    [InlineData(CompressionType.Lz4)]
    [InlineData(CompressionType.Zstd)]
    public void Two_frames_one_after_the_other_are_one_block(CompressionType type)
    {
        byte[] compressed = [.. Compress(type, Text(5_000)), .. Compress(type, Text(70))];
        using PooledBuffer back = Codecs.For(type).Decompress(compressed, 10_000);
        Assert.True(back.Memory.Span.SequenceEqual([.. Text(5_000), .. Text(70)]));
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void Threads_can_share_a_codec(CompressionType type)
    {
        byte[] compressed = Compress(type, Text(20_000));
        Parallel.For(0, 64, _ =>
        {
            using PooledBuffer back = Codecs.For(type).Decompress(compressed, 20_000);
            Assert.True(back.Memory.Span.SequenceEqual(Text(20_000)));
        });
    }

    [Fact]
    public void There_is_no_codec_for_plain_or_unknown_batches()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => Codecs.For(CompressionType.None));
        Assert.Throws<ArgumentOutOfRangeException>(() => Codecs.For((CompressionType)5));
    }

    [Fact]
    public void A_missing_library_is_named()
    {
        var refusal = Assert.Throws<CodecUnavailableException>(() => NativeCodecLibrary.Load("not-there"));
        Assert.Contains("libnot-there.so.1", refusal.Message, StringComparison.Ordinal);
    }

    internal static byte[] Compress(CompressionType type, byte[] content)
    {
        var writer = new ArrayBufferWriter<byte>();
        Codecs.For(type).Compress(content, writer);
        return writer.WrittenSpan.ToArray();
    }

    internal static byte[] Text(int length)
    {
        var text = new byte[length];
        for (int i = 0; i < length; i++)
            text[i] = (byte)('a' + (i * i / 7 % 13));
        return text;
    }
}
