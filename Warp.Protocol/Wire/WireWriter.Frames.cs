using System.Buffers.Binary;
using System.Runtime.InteropServices;

namespace Warp.Protocol.Wire;

public sealed partial class WireWriter
{
    /// <summary>Record bytes that belong between the buffer's bytes before and after <see cref="External.Position"/>.</summary>
    private List<External>? _externals;

    private List<RecordSet>? _recordSets;
    private long _externalBytes;

    private ReadOnlySpan<External> Externals => CollectionsMarshal.AsSpan(_externals);

    /// <summary>
    /// Writes a record set's length and a reference to its bytes. The frame takes the set over and disposes it; null is written as
    /// empty, because clients fail on a null in a response.
    /// </summary>
    public void WriteRecords(RecordSet value, bool compact)
    {
        WriteLength(value.Length, compact);
        Reference(value);
    }

    /// <summary>Like <see cref="WriteRecords"/>, but keeps null apart from empty.</summary>
    public void WriteNullableRecords(RecordSet value, bool compact, bool allowed, string field)
    {
        if (value.IsNull)
            WriteNullLength(compact, allowed, field);
        else
            WriteRecords(value, compact);
    }

    /// <summary>
    /// Ends the frame: sets its length and hands over the buffer and the record sets. The writer is of no use afterwards.
    /// </summary>
    public OutgoingFrame Complete()
    {
        int length = Length;
        ObjectDisposedException.ThrowIf(_buffer.Length == 0, this);
        BinaryPrimitives.WriteInt32BigEndian(_buffer, length);
        var segments = new List<ArraySegment<byte>>(2 * (_externals?.Count ?? 0) + 1);
        int start = 0;
        foreach (External external in Externals)
        {
            if (external.Position > start)
                segments.Add(new ArraySegment<byte>(_buffer, start, external.Position - start));
            start = external.Position;
            segments.Add(OutgoingFrame.AsSegment(external.Bytes));
        }
        if (_position > start)
            segments.Add(new ArraySegment<byte>(_buffer, start, _position - start));
        var frame = new OutgoingFrame(segments, checked(length + PrefixBytes), _buffer, _recordSets);
        _buffer = [];
        _recordSets = null;
        return frame;
    }

    /// <summary>A copy of all that was written, without the frame's length.</summary>
    public byte[] ToArray()
    {
        var result = new byte[Length];
        int start = PrefixBytes, written = 0;
        foreach (External external in Externals)
        {
            Copy(_buffer.AsSpan(start, external.Position - start));
            Copy(external.Bytes.Span);
            start = external.Position;
        }
        Copy(_buffer.AsSpan(start, _position - start));
        return result;

        void Copy(ReadOnlySpan<byte> bytes)
        {
            bytes.CopyTo(result.AsSpan(written));
            written += bytes.Length;
        }
    }

    private void Reference(RecordSet records)
    {
        if (records.Length > 0)
        {
            _externals ??= [];
            foreach (var segment in records.Segments)
                _externals.Add(new External(_position, segment));
            _externalBytes += records.Length;
        }
        if (records.HoldsReferences)
            (_recordSets ??= []).Add(records);
    }

    private void ReleaseRecords()
    {
        if (_recordSets is null)
            return;
        foreach (var records in _recordSets)
            records.Dispose();
        _recordSets = null;
    }

    private readonly record struct External(int Position, ReadOnlyMemory<byte> Bytes);
}
