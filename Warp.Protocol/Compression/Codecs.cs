using System.Runtime.InteropServices;

namespace Warp.Protocol.Compression;

/// <summary>The codecs of Kafka's record batches.</summary>
public static class Codecs
{
    private static readonly GzipCodec Gzip = new();
    private static readonly SnappyCodec Snappy = new();
    private static readonly Lz4Codec Lz4 = new();
    private static readonly ZstdCodec Zstd = new();

    static Codecs() => NativeLibrary.SetDllImportResolver(typeof(Codecs).Assembly, (name, _, _) => NativeCodecLibrary.Load(name));

    /// <summary>The codec for <paramref name="type"/>. Getting one needs no native library; using it may.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="CompressionType.None"/> or no codec of Kafka's.</exception>
    public static ICodec For(CompressionType type) => type switch
    {
        CompressionType.Gzip => Gzip,
        CompressionType.Snappy => Snappy,
        CompressionType.Lz4 => Lz4,
        CompressionType.Zstd => Zstd,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "There is no such codec."),
    };
}
