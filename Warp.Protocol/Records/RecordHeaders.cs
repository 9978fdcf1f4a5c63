using System.Text;

namespace Warp.Protocol.Records;

/// <summary>One header of a record (KIP-82), seen in place.</summary>
public readonly ref struct RecordHeader
{
    /// <summary>UTF-8.</summary>
    public ReadOnlySpan<byte> Key { get; init; }

    /// <summary>False when the value is null.</summary>
    public bool HasValue { get; init; }

    public ReadOnlySpan<byte> Value { get; init; }

    public string KeyText => Encoding.UTF8.GetString(Key);
}

/// <summary>The headers of a record, in order, for <c>foreach</c>. Those of a record that a reader gave are well-formed.</summary>
public readonly ref struct RecordHeaders
{
    private readonly ReadOnlySpan<byte> _bytes;

    internal RecordHeaders(int count, ReadOnlySpan<byte> bytes)
    {
        Count = count;
        _bytes = bytes;
    }

    public int Count { get; }

    public Enumerator GetEnumerator() => new(Count, _bytes);

    public ref struct Enumerator
    {
        private RecordCursor _cursor;
        private int _left;

        internal Enumerator(int count, ReadOnlySpan<byte> bytes)
        {
            _cursor = new RecordCursor(bytes);
            _left = count;
        }

        public RecordHeader Current { get; private set; }

        /// <exception cref="CorruptRecordException">A length is impossible, or bytes are left after the last header.</exception>
        public bool MoveNext()
        {
            if (_left == 0)
                return _cursor.AtEnd ? false : throw new CorruptRecordException("Bytes are left after the last header of a record.");
            _left--;
            ReadOnlySpan<byte> key = _cursor.ReadBytes(_cursor.ReadVarint());
            ReadOnlySpan<byte> value = _cursor.ReadNullableBytes(out bool hasValue);
            Current = new RecordHeader { Key = key, HasValue = hasValue, Value = value };
            return true;
        }
    }
}
