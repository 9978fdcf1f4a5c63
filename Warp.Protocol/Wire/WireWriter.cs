using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Warp.Protocol.Messages;

namespace Warp.Protocol.Wire;

/// <summary>
/// Writes Kafka's primitives into a pooled buffer that grows, in front of which it keeps room for a frame's length. Record bytes are
/// not copied: the frame refers to them. Not thread-safe.
/// </summary>
/// <remarks>
/// Ends in one of three ways: <see cref="Complete"/> hands everything to an <see cref="OutgoingFrame"/>; <see cref="CompleteFrames"/> does so
/// with several frames (<see cref="BeginFrame"/>); <see cref="ToArray"/> copies the content without the length, for journals and snapshots.
/// <see cref="Dispose"/> gives back what was not handed over.
/// </remarks>
public sealed partial class WireWriter : IDisposable
{
    private const int PrefixBytes = 4;
    private const int DefaultCapacity = 512;

    private static readonly UTF8Encoding s_utf8 = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);

    private byte[] _buffer;
    private int _position = PrefixBytes;
    private int _framesEnd;

    /// <summary>Makes a writer.</summary>
    /// <param name="capacity">Bytes to make room for at once, records not counted.</param>
    public WireWriter(int capacity = DefaultCapacity) => _buffer = ArrayPool<byte>.Shared.Rent(Math.Max(capacity, 1) + PrefixBytes);

    /// <summary>The bytes written so far, the records' included and the frame's length not.</summary>
    /// <exception cref="OverflowException">They are more than a frame can carry (2 GiB).</exception>
    public int Length => checked((int)(_position - PrefixBytes + _recordBytes));

    /// <summary>What has been written, but for records and the frame's length; good until more is written.</summary>
    public ReadOnlyMemory<byte> Content => _buffer.AsMemory(PrefixBytes, _position - PrefixBytes);

    /// <summary>The exception for a field with a value that the version has no place for.</summary>
    public static NotSupportedException NotInVersion(string field, short version) =>
        new($"{field} has a value, which version {version} cannot carry.");

    /// <summary>Forgets what has been written, to begin anew in the same memory.</summary>
    public void Clear()
    {
        _position = PrefixBytes;
        _framesEnd = 0;
        ReleaseRecords();
    }

    public void WriteBool(bool value) => Reserve(1)[0] = value ? (byte)1 : (byte)0;

    public void WriteInt8(sbyte value) => Reserve(1)[0] = (byte)value;

    public void WriteInt16(short value) => BinaryPrimitives.WriteInt16BigEndian(Reserve(2), value);

    public void WriteUInt16(ushort value) => BinaryPrimitives.WriteUInt16BigEndian(Reserve(2), value);

    public void WriteInt32(int value) => BinaryPrimitives.WriteInt32BigEndian(Reserve(4), value);

    public void WriteUInt32(uint value) => BinaryPrimitives.WriteUInt32BigEndian(Reserve(4), value);

    public void WriteInt64(long value) => BinaryPrimitives.WriteInt64BigEndian(Reserve(8), value);

    public void WriteFloat64(double value) => BinaryPrimitives.WriteDoubleBigEndian(Reserve(8), value);

    /// <summary>Writes 16 bytes, most significant first.</summary>
    public void WriteUuid(Guid value) => value.TryWriteBytes(Reserve(16), bigEndian: true, out _);

    public void WriteError(ErrorCode value) => WriteInt16((short)value);

    public void WriteUvarint(uint value) => WriteUvarlong(value);

    public void WriteUvarlong(ulong value) => Varint.Write(Reserve(Varint.Size(value)), value);

    /// <summary>Writes a zig-zag number.</summary>
    public void WriteVarint(int value) => WriteUvarlong(Varint.ZigZag(value));

    /// <summary>Writes a zig-zag number.</summary>
    public void WriteVarlong(long value) => WriteUvarlong(Varint.ZigZag(value));

    /// <summary>Writes a string of at most 32767 bytes of UTF-8.</summary>
    /// <exception cref="ArgumentException">It is longer, or holds half a surrogate pair.</exception>
    public void WriteString(string value, bool compact)
    {
        ArgumentNullException.ThrowIfNull(value);
        int length = s_utf8.GetByteCount(value);
        if (length > short.MaxValue)
            throw new ArgumentException($"A string has {length} bytes; Kafka's have at most {short.MaxValue}.", nameof(value));
        if (compact)
            WriteUvarint((uint)length + 1);
        else
            WriteInt16((short)length);
        s_utf8.GetBytes(value, Reserve(length));
    }

    public void WriteNullableString(string? value, bool compact, bool allowed, string field)
    {
        if (value is not null)
            WriteString(value, compact);
        else if (!allowed)
            throw Null(field);
        else if (compact)
            WriteUvarint(0);
        else
            WriteInt16(-1);
    }

    /// <summary>Copies the bytes.</summary>
    public void WriteBytes(ReadOnlyMemory<byte> value, bool compact)
    {
        WriteLength(value.Length, compact);
        WriteRaw(value.Span);
    }

    public void WriteNullableBytes(ReadOnlyMemory<byte>? value, bool compact, bool allowed, string field)
    {
        if (value is { } bytes)
            WriteBytes(bytes, compact);
        else
            WriteNullLength(compact, allowed, field);
    }

    /// <summary>Writes bytes as they are, without a length.</summary>
    public void WriteRaw(ReadOnlySpan<byte> bytes) => bytes.CopyTo(Reserve(bytes.Length));

    public void WriteArrayCount(int count, bool compact) => WriteLength(count, compact);

    /// <summary>Writes a count; <paramref name="count"/> null for an array that is null.</summary>
    public void WriteNullableArrayCount(int? count, bool compact, bool allowed, string field)
    {
        if (count is { } some)
            WriteLength(some, compact);
        else
            WriteNullLength(compact, allowed, field);
    }

    /// <summary>Writes the byte in front of a struct that may be null, if the version has one (<paramref name="nullable"/>).</summary>
    public void WritePresence(bool present, bool nullable, string field)
    {
        if (nullable)
            WriteInt8(present ? (sbyte)1 : (sbyte)-1);
        else if (!present)
            throw Null(field);
    }

    /// <summary>Starts a tagged field; its value is written next.</summary>
    /// <returns>What <see cref="EndTag"/> needs.</returns>
    public int BeginTag(uint tag)
    {
        WriteUvarint(tag);
        return _position;
    }

    /// <summary>Ends a tagged field: moves its value to make room for the size in front of it.</summary>
    public void EndTag(int start)
    {
        int size = _position - start;
        int sizeBytes = Varint.Size((uint)size);
        Reserve(sizeBytes);
        _buffer.AsSpan(start, size).CopyTo(_buffer.AsSpan(start + sizeBytes));
        Varint.Write(_buffer.AsSpan(start), (uint)size);
    }

    public void Dispose()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
        ReleaseRecords();
    }

    private void WriteLength(int length, bool compact)
    {
        if (compact)
            WriteUvarint((uint)length + 1);
        else
            WriteInt32(length);
    }

    private void WriteNullLength(bool compact, bool allowed, string field)
    {
        if (!allowed)
            throw Null(field);
        WriteLength(-1, compact);
    }

    private static InvalidOperationException Null(string field) => new($"{field} is null, which the version cannot carry.");

    private Span<byte> Reserve(int length)
    {
        if (length > _buffer.Length - _position)
            Grow(length);
        var reserved = _buffer.AsSpan(_position, length);
        _position += length;
        return reserved;
    }

    private void Grow(int length)
    {
        ObjectDisposedException.ThrowIf(_buffer.Length == 0, this);
        int doubled = (int)Math.Min(2L * _buffer.Length, Array.MaxLength);
        var larger = ArrayPool<byte>.Shared.Rent(Math.Max(checked(_position + length), doubled));
        _buffer.AsSpan(0, _position).CopyTo(larger);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
    }
}
