using System.Buffers.Binary;
using Warp.Protocol.Wire;

namespace Warp.Actors.Cluster.Peers;

/// <summary>A frame that gets no answer: the connection is closed.</summary>
internal sealed class PeerProtocolException(string message) : Exception(message);

/// <summary>
/// Cuts what a connection receives into frames. Small ones come many at a time; of a large one only the beginning is copied, the rest is
/// received where it stays. Not thread-safe.
/// </summary>
internal sealed class FrameReceiver(PeerTransport transport, PeerMetrics metrics, TimeProvider time)
{
    private const int LengthBytes = 4;
    private const int BufferBytes = 16 << 10;

    private readonly byte[] _buffer = new byte[BufferBytes];
    private int _start;
    private int _end;
    private long _lastReceived = time.GetTimestamp();

    /// <summary>When the last byte came, or the connection was made: large frames take their time.</summary>
    public long LastReceived => Volatile.Read(ref _lastReceived);

    /// <summary>Receives the length of the next frame; −1 when the peer has closed between two frames.</summary>
    /// <exception cref="PeerProtocolException">The length is none that a frame may have, or the connection ended within it.</exception>
    public async ValueTask<int> ReceiveLengthAsync(int minBytes, int maxBytes, CancellationToken cancellationToken)
    {
        while (_end - _start < LengthBytes)
        {
            if (!await FillAsync(cancellationToken))
                return _end == _start ? -1 : throw Cut();
        }
        int length = BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(_start));
        if (length < minBytes || length > maxBytes)
            throw new PeerProtocolException($"a frame claims {length} bytes, where {minBytes} to {maxBytes} are allowed");
        _start += LengthBytes;
        return length;
    }

    /// <summary>Receives a frame of the length that was just received, into a buffer that the caller releases.</summary>
    /// <exception cref="PeerProtocolException">The connection ended within it.</exception>
    public async ValueTask<PooledBuffer> ReceiveFrameAsync(int length, CancellationToken cancellationToken)
    {
        PooledBuffer frame = PooledBuffer.Rent(length);
        try
        {
            int filled = Math.Min(length, _end - _start);
            _buffer.AsSpan(_start, filled).CopyTo(frame.Memory.Span);
            _start += filled;
            while (filled < length)
            {
                // Short of the end nothing is taken for the next frame; close to it that saves a call.
                if (length - filled < BufferBytes)
                {
                    if (!await FillAsync(cancellationToken))
                        throw Cut();
                    int count = Math.Min(length - filled, _end - _start);
                    _buffer.AsSpan(_start, count).CopyTo(frame.Memory.Span[filled..]);
                    _start += count;
                    filled += count;
                    continue;
                }
                int direct = await transport.ReceiveAsync(frame.Memory[filled..], cancellationToken);
                if (direct == 0)
                    throw Cut();
                Received(direct);
                filled += direct;
            }
            return frame;
        }
        catch
        {
            frame.Release();
            throw;
        }
    }

    private static PeerProtocolException Cut() => new("the connection ended within a frame");

    private void Received(int bytes)
    {
        Volatile.Write(ref _lastReceived, time.GetTimestamp());
        metrics.Received(bytes);
    }

    private async ValueTask<bool> FillAsync(CancellationToken cancellationToken)
    {
        _buffer.AsSpan(_start, _end - _start).CopyTo(_buffer);
        _end -= _start;
        _start = 0;
        int count = await transport.ReceiveAsync(_buffer.AsMemory(_end), cancellationToken);
        if (count == 0)
            return false;
        Received(count);
        _end += count;
        return true;
    }
}
