namespace Warp.Protocol.Compression;

/// <summary>The codec of a batch: bits 0 to 2 of its attributes. The numbers are Kafka's.</summary>
public enum CompressionType
{
    None = 0,
    Gzip = 1,
    Snappy = 2,
    Lz4 = 3,
    Zstd = 4,
}
