using System.Buffers;
using System.Buffers.Binary;
using IronSnappy;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;

namespace Warp.Protocol.Compression;

/// <summary>
/// Snappy in the two framings that clients send: one raw block (librdkafka, franz-go), or the "xerial" stream of snappy-java, a
/// 16-byte header and then raw blocks with a big-endian length before each. Writes the latter, which every client reads.
/// </summary>
internal sealed class SnappyCodec : ICodec
{
    // What snappy-java writes by default.
    private const int XerialBlockBytes = 32 * 1024;
    private const int XerialMagicBytes = 8;

    // Magic, version 1, readable since version 1.
    private static ReadOnlySpan<byte> XerialHeader =>
        [0x82, (byte)'S', (byte)'N', (byte)'A', (byte)'P', (byte)'P', (byte)'Y', 0, 0, 0, 0, 1, 0, 0, 0, 1];

    public CompressionType Type => CompressionType.Snappy;

    public void Compress(ReadOnlySpan<byte> input, IBufferWriter<byte> output)
    {
        output.Write(XerialHeader);
        while (!input.IsEmpty)
        {
            int taken = Math.Min(input.Length, XerialBlockBytes);
            byte[] block = Snappy.Encode(input[..taken]);
            BinaryPrimitives.WriteInt32BigEndian(output.GetSpan(sizeof(int)), block.Length);
            output.Advance(sizeof(int));
            output.Write(block);
            input = input[taken..];
        }
    }

    public PooledBuffer Decompress(ReadOnlySpan<byte> input, int maxBytes)
    {
        if (input.IsEmpty)
            throw new CorruptRecordException("The snappy block is empty.");
        var blocks = new BlockReader(input);
        long length = 0;
        while (blocks.TryRead(out ReadOnlySpan<byte> block))
            length += SnappyBlock.ReadLength(block, out _);
        if (length > maxBytes)
            throw new DecompressionLimitException(maxBytes);

        PooledBuffer output = PooledBuffer.Rent((int)length);
        try
        {
            Span<byte> free = output.Memory.Span;
            blocks = new BlockReader(input);
            while (blocks.TryRead(out ReadOnlySpan<byte> block))
                free = free[SnappyBlock.Decode(block, free)..];
            return output;
        }
        catch
        {
            output.Release();
            throw;
        }
    }

    /// <summary>Finds the raw blocks of either framing.</summary>
    private ref struct BlockReader
    {
        private readonly bool _xerial;
        private ReadOnlySpan<byte> _rest;

        public BlockReader(ReadOnlySpan<byte> input)
        {
            // No raw block starts like the magic: its third byte would be a copy from before the beginning.
            _xerial = input.StartsWith(XerialHeader[..XerialMagicBytes]);
            if (_xerial && input.Length < XerialHeader.Length)
                throw new CorruptRecordException("The header of the snappy stream is cut.");
            _rest = _xerial ? input[XerialHeader.Length..] : input;
        }

        public bool TryRead(out ReadOnlySpan<byte> block)
        {
            block = _rest;
            if (_rest.IsEmpty)
                return false;
            if (!_xerial)
            {
                _rest = default;
                return true;
            }
            int length = _rest.Length < sizeof(int) ? -1 : BinaryPrimitives.ReadInt32BigEndian(_rest);
            if (length < 0 || length > _rest.Length - sizeof(int))
                throw new CorruptRecordException("A block of the snappy stream is cut.");
            block = _rest.Slice(sizeof(int), length);
            _rest = _rest[(sizeof(int) + length)..];
            return true;
        }
    }
}
