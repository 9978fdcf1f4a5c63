using System.Buffers;
using System.Runtime.InteropServices;

namespace Warp.Protocol.Wire;

/// <summary>
/// A complete frame, or several, ready to be sent: its 4-byte length first, record bytes by reference. Whoever has it disposes it once the bytes are
/// sent; until then the buffers stay valid. To be gone through piece by piece with <c>foreach</c>, which allocates nothing.
/// </summary>
public sealed class OutgoingFrame : IDisposable
{
    private readonly List<FrameRecords> _records;
    private readonly int _end;
    private byte[]? _buffer;
    private List<ArraySegment<byte>>? _segments;

    internal OutgoingFrame(byte[] buffer, int end, List<FrameRecords> records, int length)
    {
        _buffer = buffer;
        _end = end;
        _records = records;
        Length = length;
    }

    /// <summary>All bytes, the 4 of the length included.</summary>
    public int Length { get; }

    /// <summary>The bytes before the first records, to be changed while nobody sends them.</summary>
    /// <exception cref="ObjectDisposedException">The frame has been disposed.</exception>
    public Span<byte> Head => Buffer.AsSpan(0, _records.Count > 0 ? _records[0].Position : _end);

    /// <summary>The pieces as the list that a gathering send of a socket wants, for frames that are sent again and again.</summary>
    public IList<ArraySegment<byte>> Segments => _segments ??= ToList();

    private byte[] Buffer => _buffer ?? throw new ObjectDisposedException(nameof(OutgoingFrame));

    public Enumerator GetEnumerator() => new(this);

    /// <summary>A copy in one array.</summary>
    public byte[] ToArray()
    {
        var result = new byte[Length];
        int written = 0;
        foreach (ArraySegment<byte> piece in this)
        {
            piece.AsSpan().CopyTo(result.AsSpan(written));
            written += piece.Count;
        }
        return result;
    }

    /// <summary>Returns the buffer to the pool and releases the record sets. More calls do nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is not { } buffer)
            return;
        ArrayPool<byte>.Shared.Return(buffer);
        foreach (FrameRecords records in _records)
            records.Records.Dispose();
    }

    private List<ArraySegment<byte>> ToList()
    {
        var list = new List<ArraySegment<byte>>();
        foreach (ArraySegment<byte> piece in this)
            list.Add(piece);
        return list;
    }

    /// <summary>Goes through the pieces: bytes of the buffer, then those of a record set, and so on.</summary>
    public struct Enumerator
    {
        private readonly OutgoingFrame _frame;
        private int _position;
        private int _record;
        private int _segment;

        internal Enumerator(OutgoingFrame frame) => _frame = frame;

        public ArraySegment<byte> Current { get; private set; }

        public bool MoveNext()
        {
            for (; _record < _frame._records.Count; _record++, _segment = 0)
            {
                FrameRecords next = _frame._records[_record];
                if (TryTakeUpTo(next.Position))
                    return true;
                ReadOnlySpan<ReadOnlyMemory<byte>> segments = next.Records.Segments;
                if (_segment == segments.Length)
                    continue;
                Current = AsSegment(segments[_segment++]);
                return true;
            }
            return TryTakeUpTo(_frame._end);
        }

        private bool TryTakeUpTo(int end)
        {
            if (_position == end)
                return false;
            Current = new ArraySegment<byte>(_frame.Buffer, _position, end - _position);
            _position = end;
            return true;
        }

        /// <summary>Sockets gather arrays only; memory of another kind is copied.</summary>
        private static ArraySegment<byte> AsSegment(ReadOnlyMemory<byte> memory) =>
            MemoryMarshal.TryGetArray(memory, out var segment) ? segment : new ArraySegment<byte>(memory.ToArray());
    }
}
