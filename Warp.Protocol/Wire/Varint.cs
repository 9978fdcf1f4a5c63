using System.Numerics;

namespace Warp.Protocol.Wire;

/// <summary>Numbers in groups of seven bits, lowest first; the top bit of a byte says that another one follows.</summary>
public static class Varint
{
    /// <summary>The most bytes that a 32-bit number takes.</summary>
    public const int MaxSize32 = 5;

    /// <summary>The most bytes that a 64-bit number takes.</summary>
    public const int MaxSize64 = 10;

    /// <summary>The number of bytes that <paramref name="value"/> takes: 1 to 10.</summary>
    public static int Size(ulong value) => (70 - BitOperations.LeadingZeroCount(value | 1)) / 7;

    /// <summary>Writes at the start of <paramref name="destination"/>, which must have room.</summary>
    /// <returns>The number of bytes written.</returns>
    public static int Write(Span<byte> destination, ulong value)
    {
        int size = 0;
        while (value >= 0x80)
        {
            destination[size++] = (byte)(value | 0x80);
            value >>= 7;
        }
        destination[size++] = (byte)value;
        return size;
    }

    /// <summary>Reads from the start of <paramref name="source"/>.</summary>
    /// <param name="source">The bytes.</param>
    /// <param name="bits">32 or 64: how large the number may be.</param>
    /// <param name="value">The number.</param>
    /// <returns>The number of bytes read, or 0 if they end too early or hold a larger number.</returns>
    public static int TryRead(ReadOnlySpan<byte> source, int bits, out ulong value)
    {
        value = 0;
        for (int shift = 0, size = 0; shift < bits && size < source.Length; shift += 7)
        {
            byte current = source[size++];
            ulong group = current & 0x7Fu;
            if (shift + 7 > bits && group >> (bits - shift) != 0)
                return 0;
            value |= group << shift;
            if (current < 0x80)
                return size;
        }
        return 0;
    }

    /// <summary>Maps numbers of small magnitude to small unsigned ones: 0, -1, 1, -2 become 0, 1, 2, 3.</summary>
    public static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    /// <summary>The inverse of <see cref="ZigZag"/>.</summary>
    public static long UnZigZag(ulong value) => (long)(value >> 1) ^ -(long)(value & 1);
}
