using System.Buffers;
using System.Buffers.Binary;
using System.IO.Compression;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;

namespace Warp.Protocol.Compression;

/// <summary>RFC 1952; several members one after the other are one block.</summary>
internal sealed class GzipCodec : ICodec
{
    private static readonly uint[] Crc32Table = BuildCrc32Table();

    // GZipStream writes nothing at all for an empty input.
    private static ReadOnlySpan<byte> EmptyMember => [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0];

    public CompressionType Type => CompressionType.Gzip;

    public void Compress(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        if (input.IsEmpty)
        {
            output.Write(EmptyMember);
            return;
        }
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Optimal, leaveOpen: true))
            gzip.Write(input);
        output.Write(compressed.GetBuffer().AsSpan(0, (int)compressed.Length));
    }

    public unsafe PooledBuffer Decompress(ReadOnlySpan<byte> input, int maxBytes)
    {
        if (input.Length < EmptyMember.Length)
            throw new CorruptRecordException("The gzip block is cut.");
        using var output = new DecompressedOutput(input.Length, maxBytes);
        fixed (byte* start = input)
        {
            Decompress(start, input.Length, output);
            if (output.NeedsSecondRun)
            {
                output.BeginSecondRun();
                Decompress(start, input.Length, output);
            }
        }
        if (!EndsWithLastMember(input, output.Written))
            throw new CorruptRecordException("The gzip block is cut.");
        return output.ToBuffer();
    }

    private static unsafe void Decompress(byte* input, int length, DecompressedOutput output)
    {
        using var source = new UnmanagedMemoryStream(input, length);
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

    /// <summary>
    /// GZipStream takes the end of a cut stream for its end. But a whole one ends with the CRC-32 and the size of its last member,
    /// and GZipStream has checked the CRC already when there is just one.
    /// </summary>
    private static bool EndsWithLastMember(ReadOnlySpan<byte> input, ReadOnlySpan<byte> content)
    {
        uint crc = BinaryPrimitives.ReadUInt32LittleEndian(input[^8..]);
        uint size = BinaryPrimitives.ReadUInt32LittleEndian(input[^4..]);
        return size == content.Length || (size < content.Length && Crc32(content[^(int)size..]) == crc);
    }

    private static uint Crc32(ReadOnlySpan<byte> bytes)
    {
        uint crc = uint.MaxValue;
        foreach (byte next in bytes)
            crc = Crc32Table[(byte)crc ^ next] ^ (crc >> 8);
        return ~crc;
    }

    private static uint[] BuildCrc32Table()
    {
        var table = new uint[256];
        for (uint i = 0; i < table.Length; i++)
        {
            uint entry = i;
            for (int bit = 0; bit < 8; bit++)
                entry = (entry >> 1) ^ (0xEDB88320 & (0 - (entry & 1)));
            table[i] = entry;
        }
        return table;
    }
}
