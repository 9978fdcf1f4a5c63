using System.Buffers;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;

namespace Warp.Protocol.Compression;

/// <summary>Compresses and decompresses the record block of a batch, in the framing that Kafka clients use. Thread-safe.</summary>
public interface ICodec
{
    CompressionType Type { get; }

    /// <summary>Appends the compressed form of <paramref name="input"/> to <paramref name="output"/>.</summary>
    /// <exception cref="CodecUnavailableException">The codec's native library is missing.</exception>
    void Compress(ReadOnlySpan<byte> input, IBufferWriter<byte> output);

    /// <summary>
    /// Decompresses one block. No more than a small multiple of <paramref name="maxBytes"/> is allocated, whatever the input says.
    /// </summary>
    /// <param name="input">Bytes from the network: not trusted.</param>
    /// <param name="maxBytes">The most that may come out, in bytes.</param>
    /// <returns>A buffer that is the caller's to release.</returns>
    /// <exception cref="CorruptRecordException">The input is damaged or cut.</exception>
    /// <exception cref="DecompressionLimitException">More than <paramref name="maxBytes"/> would come out.</exception>
    /// <exception cref="CodecUnavailableException">The codec's native library is missing.</exception>
    PooledBuffer Decompress(ReadOnlySpan<byte> input, int maxBytes);
}
