using Warp.Protocol.Records;

namespace Warp.Protocol.Compression;

/// <summary>A compressed block holds more than its reader allows: a decompression bomb, or a batch that is too large.</summary>
public sealed class DecompressionLimitException(int maxBytes)
    : CorruptRecordException($"The records decompress to more than the {maxBytes} bytes that are allowed.")
{
    public int MaxBytes { get; } = maxBytes;
}
