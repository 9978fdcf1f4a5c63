using System.IO.Compression;
using Warp.Protocol.Compression;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Specs.Protocol.Records;
using Xunit;

namespace Warp.Specs.Protocol.Compression;

public sealed class HostileInputSpec(ITestOutputHelper output)
{
    private const int Limit = 1 << 20;

    public static TheoryData<CompressionType> EveryCodec => CodecSpec.EveryCodec;

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void A_cut_block_is_refused_wherever_it_is_cut(CompressionType type)
    {
        byte[] whole = CodecSpec.Compress(type, CodecSpec.Text(700));
        for (int length = 0; length < whole.Length; length++)
        {
            // A xerial stream may well end after its header: it holds nothing then.
            if (type == CompressionType.Snappy && length == 16)
                continue;
            byte[] cut = whole[..length];
            Assert.Throws<CorruptRecordException>(() => Codecs.For(type).Decompress(cut, Limit));
        }
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void A_block_with_any_bit_flipped_is_refused_or_stays_within_the_limit(CompressionType type)
    {
        byte[] whole = CodecSpec.Compress(type, CodecSpec.Text(700));
        for (int bit = 0; bit < 8 * whole.Length; bit++)
        {
            byte[] flipped = [.. whole];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            TryDecompress(type, flipped);
        }
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void Random_damage_is_refused_or_stays_within_the_limit(CompressionType type)
    {
        Random random = SeededRandom.Create(output);
        byte[][] samples = [CodecSpec.Compress(type, CodecSpec.Text(700)), CodecSpec.Compress(type, new byte[90_000])];
        for (int i = 0; i < 5_000; i++)
        {
            byte[] damaged = [.. samples[i % samples.Length]];
            for (int changes = random.Next(1, 6); changes > 0; changes--)
                damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            if (random.Next(3) == 0)
                damaged = damaged[..random.Next(damaged.Length)];
            TryDecompress(type, damaged);
        }
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void Noise_is_refused_or_stays_within_the_limit(CompressionType type)
    {
        Random random = SeededRandom.Create(output);
        for (int i = 0; i < 2_000; i++)
        {
            var noise = new byte[random.Next(200)];
            random.NextBytes(noise);
            TryDecompress(type, noise);
        }
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void A_bomb_stops_at_the_limit(CompressionType type)
    {
        byte[] bomb = Bomb(type);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<DecompressionLimitException>(() => Codecs.For(type).Decompress(bomb, Limit));

        // Buffers that double up to the limit add up to twice the limit, whatever of them the pool did not have.
        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 4 * Limit);
    }

    [Theory]
    [InlineData(CompressionType.Gzip)]
    [InlineData(CompressionType.Lz4)]
    [InlineData(CompressionType.Zstd)]
    public void A_bomb_takes_little_memory_however_high_the_limit_is(CompressionType type)
    {
        byte[] bomb = Bomb(type);
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<DecompressionLimitException>(() => Codecs.For(type).Decompress(bomb, 64 << 20));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 16 << 20);
    }

    [Theory]
    [MemberData(nameof(EveryCodec))]
    public void What_is_large_and_allowed_comes_out_whole(CompressionType type)
    {
        // Up to 4 MiB there is one run of the decompressor, above that a second.
        foreach (int size in new[] { (4 << 20) - 1, 4 << 20, (4 << 20) + 1, 10_000_000 })
        {
            byte[] content = new byte[size];
            new Random(size).NextBytes(content.AsSpan(0, size / 100));
            byte[] compressed = CodecSpec.Compress(type, content);
            using (PooledBuffer result = Codecs.For(type).Decompress(compressed, size))
                Assert.True(result.Memory.Span.SequenceEqual(content));
            Assert.Throws<DecompressionLimitException>(() => Codecs.For(type).Decompress(compressed, size - 1));
        }
    }

    [Fact]
    public void A_short_snappy_block_that_claims_to_be_long_gets_no_memory()
    {
        // A length of 16 MB, and three bytes that could make 64 at most.
        byte[] liar = [0x80, 0x80, 0x80, 0x08, 0xFE, 1, 0];
        long before = GC.GetAllocatedBytesForCurrentThread();

        Assert.Throws<CorruptRecordException>(() => Codecs.For(CompressionType.Snappy).Decompress(liar, int.MaxValue));

        Assert.InRange(GC.GetAllocatedBytesForCurrentThread() - before, 0, 100_000);
    }

    /// <summary>A hundred million zeros, compressed.</summary>
    private static byte[] Bomb(CompressionType type)
    {
        const int Size = 100_000_000;
        if (type != CompressionType.Gzip)
            return CodecSpec.Compress(type, new byte[Size]);
        // The ratio of gzip ends at 1 : 1000, at any level.
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(new byte[Size]);
        return compressed.ToArray();
    }

    private static void TryDecompress(CompressionType type, byte[] input)
    {
        try
        {
            using PooledBuffer result = Codecs.For(type).Decompress(input, Limit);
            Assert.InRange(result.Length, 0, Limit);
        }
        catch (CorruptRecordException)
        {
            // What is expected of most damage.
        }
    }
}
