using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;
using Warp.Protocol.Messages;

namespace Warp.Protocol.Wire;

/// <summary>
/// Reads Kafka's primitives from bytes that may be hostile. Every length and count is held against the bytes that are left before
/// anything is allocated. Bytes and records come out as slices of the input, without a copy: they live as long as it does.
/// </summary>
/// <remarks>
/// Each method throws <see cref="MalformedMessageException"/> that names the field when the bytes end too early or make no sense. It
/// knows no messages; these are generated from the schemas.
/// </remarks>
public ref partial struct WireReader
{
    /// <summary>
    /// The most elements a list gets room for at once. Longer ones grow as elements arrive, so that a count alone costs at most 8 KiB.
    /// </summary>
    private const int MaxPreallocation = 1024;

    private readonly ReadOnlyMemory<byte> _memory;
    private readonly ReadOnlySpan<byte> _span;
    private int _position;

    /// <summary>Where reading must stop: the end of the innermost open tagged field, or of the input.</summary>
    private int _end;

    /// <summary>How many more elements arrays may have.</summary>
    private int _elementsLeft;

    /// <param name="memory">The bytes to read.</param>
    /// <param name="maxElements">The most elements that all arrays may have together, for those who answer a stranger.</param>
    public WireReader(ReadOnlyMemory<byte> memory, int maxElements = int.MaxValue)
    {
        _elementsLeft = maxElements;
        _memory = memory;
        _span = memory.Span;
        _end = memory.Length;
    }

    /// <summary>How many bytes have been read.</summary>
    public readonly int Position => _position;

    /// <summary>How many bytes are left.</summary>
    public readonly int Remaining => _end - _position;

    /// <summary>The capacity to give a list that is about to receive <paramref name="count"/> elements.</summary>
    public static int Capacity(int count) => Math.Min(count, MaxPreallocation);

    /// <summary>Refuses a version outside of what the codec of <paramref name="message"/> knows.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The version is not in the range.</exception>
    public static void CheckVersion(short version, short lowest, short highest, string message)
    {
        if (version < lowest || version > highest)
            throw new ArgumentOutOfRangeException(nameof(version), version, $"{message} has versions {lowest} to {highest}.");
    }

    public bool ReadBool(string field) => Take(1, field)[0] != 0;

    public sbyte ReadInt8(string field) => (sbyte)Take(1, field)[0];

    public short ReadInt16(string field) => BinaryPrimitives.ReadInt16BigEndian(Take(2, field));

    public ushort ReadUInt16(string field) => BinaryPrimitives.ReadUInt16BigEndian(Take(2, field));

    public int ReadInt32(string field) => BinaryPrimitives.ReadInt32BigEndian(Take(4, field));

    public uint ReadUInt32(string field) => BinaryPrimitives.ReadUInt32BigEndian(Take(4, field));

    public long ReadInt64(string field) => BinaryPrimitives.ReadInt64BigEndian(Take(8, field));

    public double ReadFloat64(string field) => BinaryPrimitives.ReadDoubleBigEndian(Take(8, field));

    /// <summary>Reads 16 bytes, most significant first; all zero means "none".</summary>
    public Guid ReadUuid(string field) => new(Take(16, field), bigEndian: true);

    /// <summary>Reads an int16; codes without a name are kept.</summary>
    public ErrorCode ReadError(string field) => (ErrorCode)ReadInt16(field);

    public uint ReadUvarint(string field) => (uint)ReadVarint(32, field);

    public ulong ReadUvarlong(string field) => ReadVarint(64, field);

    /// <summary>Reads a zig-zag number.</summary>
    public int ReadVarint(string field) => (int)Varint.UnZigZag(ReadVarint(32, field));

    /// <summary>Reads a zig-zag number.</summary>
    public long ReadVarlong(string field) => Varint.UnZigZag(ReadVarint(64, field));

    public string ReadString(string field, bool compact) =>
        ReadNullableString(field, compact, allowed: false)!;

    /// <summary>Reads a string of at most 32767 bytes of UTF-8; null only if <paramref name="allowed"/>.</summary>
    public string? ReadNullableString(string field, bool compact, bool allowed) =>
        TryTakeString(field, compact, allowed, out ReadOnlySpan<byte> bytes) ? Encoding.UTF8.GetString(bytes) : null;

    /// <summary>The same for a string that comes again and again, mostly without a new object.</summary>
    public string? ReadRecurringString(string field, bool compact, bool allowed) =>
        TryTakeString(field, compact, allowed, out ReadOnlySpan<byte> bytes) ? RecurringStrings.Get(bytes) : null;

    private bool TryTakeString(string field, bool compact, bool allowed, out ReadOnlySpan<byte> bytes)
    {
        bytes = default;
        int length = compact ? ReadCompactLength(field) : ReadInt16(field);
        if (length < 0)
        {
            CheckNull(length, field, allowed);
            return false;
        }
        if (length > short.MaxValue)
            throw Malformed(field, $"has {length} bytes, more than a string may have");
        bytes = Take(length, field);
        if (!Utf8.IsValid(bytes))
            throw Malformed(field, "is not UTF-8");
        return true;
    }

    public ReadOnlyMemory<byte> ReadBytes(string field, bool compact) =>
        ReadNullableBytes(field, compact, allowed: false).GetValueOrDefault();

    /// <summary>Reads a slice; null only if <paramref name="allowed"/>.</summary>
    public ReadOnlyMemory<byte>? ReadNullableBytes(string field, bool compact, bool allowed)
    {
        int length = compact ? ReadCompactLength(field) : ReadInt32(field);
        if (length < 0)
        {
            CheckNull(length, field, allowed);
            return null;
        }
        int start = _position;
        Take(length, field);
        return _memory.Slice(start, length);
    }

    public RecordSet ReadRecords(string field, bool compact) => new(ReadBytes(field, compact));

    /// <summary>Reads a slice; <see cref="RecordSet.Null"/> only if <paramref name="allowed"/>.</summary>
    public RecordSet ReadNullableRecords(string field, bool compact, bool allowed) =>
        ReadNullableBytes(field, compact, allowed) is { } slice ? new RecordSet(slice) : RecordSet.Null;

    /// <summary>Reads the count of an array.</summary>
    /// <param name="field">The array's name.</param>
    /// <param name="compact">Whether the count is an unsigned varint, one too high.</param>
    /// <param name="leastBytes">What one element takes at least (1 or more): the bytes left must suffice for all.</param>
    public int ReadArrayCount(string field, bool compact, int leastBytes) =>
        ReadNullableArrayCount(field, compact, leastBytes, allowed: false);

    /// <summary>Like <see cref="ReadArrayCount"/>, but -1 for null if that is <paramref name="allowed"/>.</summary>
    public int ReadNullableArrayCount(string field, bool compact, int leastBytes, bool allowed)
    {
        int count = compact ? ReadCompactLength(field) : ReadInt32(field);
        if (count < 0)
        {
            CheckNull(count, field, allowed);
            return -1;
        }
        if (count > Remaining / leastBytes)
            throw Malformed(field, $"claims {count} elements where {Remaining} bytes are left");
        if (count > _elementsLeft)
            throw Malformed(field, $"has {count} elements, of which only {_elementsLeft} are allowed");
        _elementsLeft -= count;
        return count;
    }

    /// <summary>Reads the byte in front of a struct that may be null: -1 for null, 1 for present.</summary>
    /// <param name="field">The struct's name.</param>
    /// <param name="nullable">If false the version has no such byte, and the struct is there.</param>
    public bool ReadPresence(string field, bool nullable)
    {
        if (!nullable)
            return true;
        return ReadInt8(field) switch
        {
            1 => true,
            -1 => false,
            var other => throw Malformed(field, $"is marked with {other}, which is neither null (-1) nor present (1)"),
        };
    }

    private int ReadCompactLength(string field)
    {
        ulong length = ReadVarint(32, field);
        if (length > int.MaxValue)
            throw Malformed(field, $"has the length {length - 1}");
        return (int)length - 1;
    }

    private ulong ReadVarint(int bits, string field)
    {
        int size = Varint.TryRead(_span[_position.._end], bits, out ulong value);
        if (size == 0)
            throw Malformed(field, $"holds no complete number of {bits} bits");
        _position += size;
        return value;
    }

    private ReadOnlySpan<byte> Take(int length, string field)
    {
        if (length > Remaining)
            throw Malformed(field, $"needs {length} bytes where {Remaining} are left");
        var taken = _span.Slice(_position, length);
        _position += length;
        return taken;
    }

    private readonly void CheckNull(int length, string field, bool allowed)
    {
        if (length < -1)
            throw Malformed(field, $"has the length {length}");
        if (!allowed)
            throw Malformed(field, "is null, which this version does not allow");
    }

    private readonly MalformedMessageException Malformed(string field, string what) =>
        new($"{field} {what} (at byte {_position} of {_memory.Length}).");
}
