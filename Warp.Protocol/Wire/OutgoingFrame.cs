using System.Buffers;
using System.Runtime.InteropServices;

namespace Warp.Protocol.Wire;

/// <summary>
/// A complete frame, ready to be sent: its 4-byte length first, record bytes by reference. Whoever has it disposes it once the bytes are
/// sent; until then the buffers stay valid.
/// </summary>
public sealed class OutgoingFrame : IDisposable
{
    private readonly List<RecordSet>? _recordSets;
    private byte[]? _buffer;

    internal OutgoingFrame(List<ArraySegment<byte>> segments, int length, byte[] buffer, List<RecordSet>? recordSets)
    {
        Segments = segments;
        Length = length;
        _buffer = buffer;
        _recordSets = recordSets;
    }

    /// <summary>The bytes in order, for a gathering send. Also an <see cref="IList{T}"/>, which is what a socket wants.</summary>
    public List<ArraySegment<byte>> Segments { get; }

    /// <summary>All bytes, the 4 of the length included.</summary>
    public int Length { get; }

    /// <summary>A copy in one array.</summary>
    public byte[] ToArray()
    {
        var result = new byte[Length];
        int written = 0;
        foreach (var segment in Segments)
        {
            segment.AsSpan().CopyTo(result.AsSpan(written));
            written += segment.Count;
        }
        return result;
    }

    /// <summary>Returns the buffer to the pool and releases the record sets. More calls do nothing.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _buffer, null) is not { } buffer)
            return;
        ArrayPool<byte>.Shared.Return(buffer);
        if (_recordSets is null)
            return;
        foreach (var records in _recordSets)
            records.Dispose();
    }

    /// <summary>Sockets gather arrays only; memory of another kind is copied.</summary>
    internal static ArraySegment<byte> AsSegment(ReadOnlyMemory<byte> memory) =>
        MemoryMarshal.TryGetArray(memory, out var segment) ? segment : new ArraySegment<byte>(memory.ToArray());
}
