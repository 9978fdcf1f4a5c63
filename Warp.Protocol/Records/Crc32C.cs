using System.Buffers.Binary;
using System.Numerics;
using System.Runtime.InteropServices;

namespace Warp.Protocol.Records;

/// <summary>
/// CRC-32C (Castagnoli polynomial, RFC 3720 appendix B.4), the checksum of record batches. Uses the processor's CRC instruction
/// where there is one. Stateless and thread-safe.
/// </summary>
public static class Crc32C
{
    // The instruction takes 3 cycles but a new one can start in each, so three independent lanes fill it. A lane of 1 KiB keeps the
    // price of joining lanes (8 table look-ups) below a tenth of the work, and batches from 3 KiB up profit.
    private const int LaneBytes = 1024;
    private const int LaneWords = LaneBytes / sizeof(ulong);

    private static readonly uint[] LaneShift = BuildLaneShift();

    /// <summary>The CRC-32C of <paramref name="data"/>.</summary>
    public static uint Compute(ReadOnlySpan<byte> data) => Append(0, data);

    /// <summary>The CRC-32C of the bytes that gave <paramref name="crc"/> followed by <paramref name="data"/>.</summary>
    /// <param name="crc">The checksum so far; 0 for none.</param>
    /// <param name="data">The bytes that follow.</param>
    public static uint Append(uint crc, ReadOnlySpan<byte> data)
    {
        uint state = ~crc;
        while (data.Length >= 3 * LaneBytes)
        {
            state = AppendLanes(state, data);
            data = data[(3 * LaneBytes)..];
        }
        foreach (ulong word in MemoryMarshal.Cast<byte, ulong>(data))
            state = BitOperations.Crc32C(state, LittleEndian(word));
        foreach (byte value in data[(data.Length & ~7)..])
            state = BitOperations.Crc32C(state, value);
        return ~state;
    }

    private static uint AppendLanes(uint state, ReadOnlySpan<byte> data)
    {
        ReadOnlySpan<ulong> first = Lane(data, 0), second = Lane(data, 1), third = Lane(data, 2);
        uint a = state, b = 0, c = 0;
        for (int i = 0; i < LaneWords; i++)
        {
            a = BitOperations.Crc32C(a, LittleEndian(first[i]));
            b = BitOperations.Crc32C(b, LittleEndian(second[i]));
            c = BitOperations.Crc32C(c, LittleEndian(third[i]));
        }
        return Shift(Shift(a) ^ b) ^ c;
    }

    private static ReadOnlySpan<ulong> Lane(ReadOnlySpan<byte> data, int index) =>
        MemoryMarshal.Cast<byte, ulong>(data.Slice(index * LaneBytes, LaneBytes));

    private static ulong LittleEndian(ulong word) =>
        BitConverter.IsLittleEndian ? word : BinaryPrimitives.ReverseEndianness(word);

    /// <summary>The state after one more lane of zero bytes: what moves a lane's checksum in front of the next lane's.</summary>
    private static uint Shift(uint state) =>
        LaneShift[state & 0xFF]
        ^ LaneShift[0x100 + ((state >> 8) & 0xFF)]
        ^ LaneShift[0x200 + ((state >> 16) & 0xFF)]
        ^ LaneShift[0x300 + (state >> 24)];

    // The shift is linear over GF(2), so the images of the four bytes of a state add up (by XOR) to the image of the state.
    private static uint[] BuildLaneShift()
    {
        var table = new uint[4 * 256];
        for (int i = 0; i < table.Length; i++)
        {
            uint state = (uint)(i & 0xFF) << (8 * (i >> 8));
            for (int word = 0; word < LaneWords; word++)
                state = BitOperations.Crc32C(state, 0UL);
            table[i] = state;
        }
        return table;
    }
}
