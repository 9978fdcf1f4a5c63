using System.Buffers.Binary;

namespace Warp.Protocol.Wire;

public sealed partial class WireWriter
{
    private static readonly List<FrameRecords> s_none = [];

    /// <summary>Record sets that belong between the buffer's bytes before and after <see cref="FrameRecords.Position"/>.</summary>
    private List<FrameRecords>? _records;

    private long _recordBytes;

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

    /// <summary>Begins a frame without records behind those that have been ended. One that was begun and not ended is dropped.</summary>
    public void BeginFrame()
    {
        _position = _framesEnd;
        Reserve(PrefixBytes);
    }

    /// <summary>Ends the frame that was begun.</summary>
    /// <returns>Its bytes, the 4 of the length included.</returns>
    public int EndFrame()
    {
        int bytes = _position - _framesEnd;
        BinaryPrimitives.WriteInt32BigEndian(_buffer.AsSpan(_framesEnd), bytes - PrefixBytes);
        _framesEnd = _position;
        return bytes;
    }

    /// <summary>Hands over the buffer with all frames that have been ended, in one. The writer is of no use afterwards.</summary>
    public OutgoingFrame CompleteFrames()
    {
        ObjectDisposedException.ThrowIf(_buffer.Length == 0, this);
        var frames = new OutgoingFrame(_buffer, _framesEnd, s_none, _framesEnd);
        _buffer = [];
        return frames;
    }

    /// <summary>
    /// Ends the frame: sets its length and hands over the buffer and the record sets. The writer is of no use afterwards.
    /// </summary>
    public OutgoingFrame Complete()
    {
        int length = Length;
        ObjectDisposedException.ThrowIf(_buffer.Length == 0, this);
        BinaryPrimitives.WriteInt32BigEndian(_buffer, length);
        var frame = new OutgoingFrame(_buffer, _position, _records ?? s_none, checked(length + PrefixBytes));
        _buffer = [];
        _records = null;
        return frame;
    }

    /// <summary>A copy of all that was written, without the frame's length.</summary>
    public byte[] ToArray()
    {
        var result = new byte[Length];
        int start = PrefixBytes, written = 0;
        foreach (FrameRecords records in _records ?? s_none)
        {
            Copy(_buffer.AsSpan(start, records.Position - start));
            foreach (ReadOnlyMemory<byte> segment in records.Records.Segments)
                Copy(segment.Span);
            start = records.Position;
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
        if (records.Length == 0)
            return;
        records.TakeOver();
        (_records ??= []).Add(new FrameRecords(_position, records));
        _recordBytes += records.Length;
    }

    private void ReleaseRecords()
    {
        foreach (FrameRecords records in _records ?? s_none)
            records.Records.Dispose();
        _records = null;
    }
}

/// <summary>A record set in a frame.</summary>
/// <param name="Position">How many of the frame's other bytes come before it.</param>
/// <param name="Records">The record set.</param>
internal readonly record struct FrameRecords(int Position, RecordSet Records);
