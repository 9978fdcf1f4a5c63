using System.Buffers.Binary;

namespace Warp.Streams.Format;

/// <summary>The first <see cref="ObjectFormat.HeaderBytes"/> of an object: magic (4 bytes), version (2), zero (2).</summary>
public static class ObjectHeader
{
    /// <summary>Writes the header of the current version.</summary>
    public static void Write(Span<byte> destination)
    {
        ObjectFormat.HeaderMagic.CopyTo(destination);
        BinaryPrimitives.WriteUInt16BigEndian(destination[4..], ObjectFormat.Version);
        BinaryPrimitives.WriteUInt16BigEndian(destination[6..], 0);
    }

    /// <summary>Checks that the bytes begin an object that this version can read.</summary>
    /// <exception cref="CorruptObjectException">They do not.</exception>
    public static void Verify(ReadOnlySpan<byte> start)
    {
        if (start.Length < ObjectFormat.HeaderBytes)
            throw new CorruptObjectException($"An object's header takes {ObjectFormat.HeaderBytes} bytes; there are only {start.Length}.");
        if (!start.StartsWith(ObjectFormat.HeaderMagic))
            throw new CorruptObjectException("The bytes do not begin with an object's magic number.");
        int version = BinaryPrimitives.ReadUInt16BigEndian(start[4..]);
        if (version is 0 or > ObjectFormat.Version)
            throw new CorruptObjectException(
                $"The object's header has format version {version}; this node reads versions up to {ObjectFormat.Version}.");
        if (BinaryPrimitives.ReadUInt16BigEndian(start[6..]) != 0)
            throw new CorruptObjectException("The reserved bytes of the object's header are not zero.");
    }
}
