using System.Buffers.Binary;

namespace Warp.Specs.Scenarios;

/// <summary>Frames that are put together by hand, because no client would send them.</summary>
internal static class RawFrames
{
    /// <summary>The first 12 bytes of a frame.</summary>
    /// <param name="api">Its API.</param>
    /// <param name="version">The version of that.</param>
    /// <param name="length">The length that it claims; 8 bytes of it are these.</param>
    public static byte[] Start(short api, short version, int length)
    {
        var start = new byte[12];
        BinaryPrimitives.WriteInt32BigEndian(start, length);
        BinaryPrimitives.WriteInt16BigEndian(start.AsSpan(4), api);
        BinaryPrimitives.WriteInt16BigEndian(start.AsSpan(6), version);
        return start;
    }

    /// <summary>A whole frame.</summary>
    /// <param name="api">Its API.</param>
    /// <param name="version">The version of that.</param>
    /// <param name="rest">What follows the correlation id: the client id and the body.</param>
    public static byte[] Whole(short api, short version, byte[] rest) => [.. Start(api, version, 8 + rest.Length), .. rest];

    /// <summary>An unsigned number in groups of seven bits.</summary>
    public static byte[] Varint(uint value) => value < 0x80 ? [(byte)value] : [(byte)(value | 0x80), .. Varint(value >> 7)];
}
