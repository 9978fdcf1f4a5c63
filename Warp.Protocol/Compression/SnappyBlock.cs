using Warp.Protocol.Records;

namespace Warp.Protocol.Compression;

/// <summary>
/// Decodes a raw snappy block: the decoded length as a varint, then literals and copies of earlier output. Written here because its
/// input comes from the network and its output goes straight to pooled memory.
/// </summary>
internal static class SnappyBlock
{
    /// <summary>The decoded length that the block states.</summary>
    /// <param name="block">The whole block.</param>
    /// <param name="headerBytes">Bytes that the length takes.</param>
    /// <exception cref="CorruptRecordException">The length is malformed, or more than so few bytes can hold.</exception>
    public static int ReadLength(ReadOnlySpan<byte> block, out int headerBytes)
    {
        ulong length = 0;
        headerBytes = 0;
        byte next;
        do
        {
            if (headerBytes == block.Length || headerBytes == 5)
                throw Damaged();
            next = block[headerBytes];
            length |= (ulong)(next & 0x7F) << (7 * headerBytes++);
        }
        while (next >= 0x80);
        // The densest element, a copy, makes 64 bytes of 3. A length beyond that is a lie, found before memory is taken for it.
        if (length > int.MaxValue || length * 3 > (ulong)block.Length * 64)
            throw Damaged();
        return (int)length;
    }

    /// <summary>Decodes the block to the front of <paramref name="output"/>.</summary>
    /// <returns>The bytes written: the block's stated length.</returns>
    /// <exception cref="CorruptRecordException">The block is damaged.</exception>
    public static int Decode(ReadOnlySpan<byte> block, Span<byte> output)
    {
        int length = ReadLength(block, out int from);
        output = output[..length];
        int to = 0;
        while (from < block.Length)
        {
            int tag = block[from++];
            int elementBytes, distance;
            switch (tag & 3)
            {
                case 0:
                    elementBytes = tag >> 2;
                    if (elementBytes >= 60)
                        elementBytes = ReadInteger(block, ref from, elementBytes - 59);
                    elementBytes++;
                    if (elementBytes <= 0 || elementBytes > block.Length - from || elementBytes > length - to)
                        throw Damaged();
                    block.Slice(from, elementBytes).CopyTo(output[to..]);
                    from += elementBytes;
                    to += elementBytes;
                    continue;
                case 1:
                    elementBytes = 4 + ((tag >> 2) & 7);
                    distance = ((tag & 0xE0) << 3) | ReadInteger(block, ref from, 1);
                    break;
                default:
                    elementBytes = 1 + (tag >> 2);
                    distance = ReadInteger(block, ref from, (tag & 3) == 2 ? 2 : 4);
                    break;
            }
            if (distance <= 0 || distance > to || elementBytes > length - to)
                throw Damaged();
            CopyWithin(output, to, distance, elementBytes);
            to += elementBytes;
        }
        return to == length ? length : throw Damaged();
    }

    /// <summary>Repeats what is <paramref name="distance"/> bytes back; a distance shorter than the count repeats its own output.</summary>
    private static void CopyWithin(Span<byte> output, int to, int distance, int count)
    {
        if (distance >= count)
        {
            output.Slice(to - distance, count).CopyTo(output[to..]);
            return;
        }
        for (int i = to; i < to + count; i++)
            output[i] = output[i - distance];
    }

    // A 4-byte value above int.MaxValue comes out negative, which every caller refuses.
    private static int ReadInteger(ReadOnlySpan<byte> block, ref int from, int bytes)
    {
        if (bytes > block.Length - from)
            throw Damaged();
        int value = 0;
        for (int i = 0; i < bytes; i++)
            value |= block[from++] << (8 * i);
        return value;
    }

    private static CorruptRecordException Damaged() => new("The snappy block is damaged.");
}
