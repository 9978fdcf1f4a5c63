using Warp.Protocol.Records;

namespace Warp.Load.Connections;

/// <summary>
/// Keeps the CRC-32C of a block of bytes right when some of its first bytes change, in a time that does not depend on the block's length.
/// Immutable; thread-safe.
/// </summary>
/// <remarks>
/// A CRC is affine over GF(2): of three blocks of one length, crc(a) ^ crc(b) ^ crc(c) = crc(a ^ b ^ c). So the CRC of the changed block
/// is the old one, with the CRC of a block that is zero but for the changed bits, with that of an all-zero block. Starting at a zero
/// state, zero bytes before the change leave the state alone, and the zero bytes behind it multiply it with a fixed 32×32 bit
/// matrix, which is what the table holds.
/// </remarks>
public sealed class CrcShift
{
    private readonly uint[] _table = new uint[4 * 256];

    /// <param name="bytesBehind">How many bytes follow the ones that change, to the end of the block.</param>
    public CrcShift(int bytesBehind)
    {
        byte[] zeros = new byte[bytesBehind];
        Span<uint> bits = stackalloc uint[32];
        for (int bit = 0; bit < bits.Length; bit++)
            bits[bit] = AppendRaw(1u << bit, zeros);
        for (int i = 0; i < _table.Length; i++)
        {
            uint state = (uint)(i & 0xFF) << (8 * (i >> 8));
            for (int bit = 0; bit < bits.Length; bit++)
                _table[i] ^= (state >> bit & 1) == 0 ? 0 : bits[bit];
        }
    }

    /// <summary>The CRC after a change.</summary>
    /// <param name="crc">The CRC before it.</param>
    /// <param name="difference">The changed bytes, old XOR new; they end where the bytes behind begin.</param>
    public uint Update(uint crc, ReadOnlySpan<byte> difference)
    {
        uint state = AppendRaw(0, difference);
        return crc
            ^ _table[state & 0xFF]
            ^ _table[0x100 + (state >> 8 & 0xFF)]
            ^ _table[0x200 + (state >> 16 & 0xFF)]
            ^ _table[0x300 + (state >> 24)];
    }

    /// <summary>Without the inversions that the public form has before and after.</summary>
    private static uint AppendRaw(uint state, ReadOnlySpan<byte> bytes) => ~Crc32C.Append(~state, bytes);
}
