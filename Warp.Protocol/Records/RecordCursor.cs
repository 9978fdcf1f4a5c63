namespace Warp.Protocol.Records;

/// <summary>
/// Reads the primitives inside a record, front to back. Nothing is read beyond the end and no length is trusted:
/// <see cref="CorruptRecordException"/> instead.
/// </summary>
internal ref struct RecordCursor(ReadOnlySpan<byte> bytes)
{
    private readonly ReadOnlySpan<byte> _bytes = bytes;
    private int _position;

    public readonly bool AtEnd => _position == _bytes.Length;

    public readonly ReadOnlySpan<byte> Rest => _bytes[_position..];

    public byte ReadByte()
    {
        if (AtEnd)
            throw new CorruptRecordException("The records end inside a record.");
        return _bytes[_position++];
    }

    /// <summary>A zig-zag varint of at most 5 bytes.</summary>
    public int ReadVarint()
    {
        ulong raw = ReadUnsigned(maxBytes: 5);
        if (raw > uint.MaxValue)
            throw new CorruptRecordException("A varint does not fit 32 bits.");
        return (int)(raw >> 1) ^ -(int)(raw & 1);
    }

    /// <summary>A zig-zag varint of at most 10 bytes.</summary>
    public long ReadVarlong()
    {
        ulong raw = ReadUnsigned(maxBytes: 10);
        return (long)(raw >> 1) ^ -(long)(raw & 1);
    }

    public ReadOnlySpan<byte> ReadBytes(int length)
    {
        if (length < 0 || length > _bytes.Length - _position)
            throw new CorruptRecordException($"A field of {length} bytes in a record does not fit the {_bytes.Length - _position} left.");
        ReadOnlySpan<byte> bytes = _bytes.Slice(_position, length);
        _position += length;
        return bytes;
    }

    /// <summary>A varint length and as many bytes; length -1 is null.</summary>
    public ReadOnlySpan<byte> ReadNullableBytes(out bool present)
    {
        int length = ReadVarint();
        present = length != -1;
        return present ? ReadBytes(length) : default;
    }

    private ulong ReadUnsigned(int maxBytes)
    {
        ulong value = 0;
        for (int i = 0; i < maxBytes; i++)
        {
            byte next = ReadByte();
            value |= (ulong)(next & 0x7F) << (7 * i);
            if (next < 0x80)
                return value;
        }
        throw new CorruptRecordException($"A varint is longer than {maxBytes} bytes.");
    }
}
