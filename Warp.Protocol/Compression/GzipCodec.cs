using System.Buffers;
using System.IO.Compression;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;

namespace Warp.Protocol.Compression;

/// <summary>RFC 1952; several members one after the other are one block.</summary>
internal sealed class GzipCodec : ICodec
{
    // Header 10 bytes, an empty deflate block 2, trailer 8.
    private const int SmallestMemberBytes = 20;

    public CompressionType Type => CompressionType.Gzip;

    public void Compress(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(input);
        output.Write(compressed.GetBuffer().AsSpan(0, (int)compressed.Length));
    }

    public unsafe PooledBuffer Decompress(ReadOnlySpan<byte> input, int maxBytes)
    {
        // GZipStream takes an empty or very short stream for an empty one.
        if (input.Length < SmallestMemberBytes)
            throw new CorruptRecordException("The gzip block is cut.");
        using var output = new DecompressedOutput(input.Length, maxBytes);
        fixed (byte* start = input)
        {
            using var source = new UnmanagedMemoryStream(start, input.Length);
            using var gzip = new GZipStream(source, CompressionMode.Decompress);
            try
            {
                while (gzip.Read(output.Free) is > 0 and var read)
                    output.Advance(read);
            }
            catch (InvalidDataException damaged)
            {
                throw new CorruptRecordException("The gzip block is damaged.", damaged);
            }
        }
        return output.ToBuffer();
    }
}
