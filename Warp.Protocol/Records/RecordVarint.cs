using System.Buffers;

namespace Warp.Protocol.Records;

/// <summary>The zig-zag variable-length integers inside records; <see cref="RecordCursor"/> reads them.</summary>
internal static class RecordVarint
{
    /// <summary>The most that a number takes.</summary>
    public const int MaxBytes = 10;

    /// <summary>Writes 1 to 10 bytes; a value of 32 bits takes at most 5, so this serves varint and varlong.</summary>
    public static void Write(IBufferWriter<byte> output, long value) => output.Advance(Write(output.GetSpan(MaxBytes), value));

    /// <summary>Writes to the start of at least <see cref="MaxBytes"/> bytes.</summary>
    /// <returns>How many it took.</returns>
    public static int Write(Span<byte> bytes, long value)
    {
        ulong rest = (ulong)((value << 1) ^ (value >> 63));
        int count = 0;
        while (rest >= 0x80)
        {
            bytes[count++] = (byte)(rest | 0x80);
            rest >>= 7;
        }
        bytes[count++] = (byte)rest;
        return count;
    }
}
