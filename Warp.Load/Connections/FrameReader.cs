using System.Buffers.Binary;
using System.Net.Sockets;

namespace Warp.Load.Connections;

/// <summary>
/// Receives frames into one buffer that is used again and again, and grows to the largest frame: no allocation for each. Not thread-safe.
/// </summary>
internal sealed class FrameReader(Socket socket)
{
    private const int LengthBytes = 4;
    private const int FirstBufferBytes = 64 << 10;

    /// <summary>Above what a broker answers to a Fetch: 55 MiB, and one batch that is larger than a client asked for.</summary>
    private const int MaxFrameBytes = 256 << 20;

    private byte[] _buffer = new byte[FirstBufferBytes];
    private int _start;
    private int _end;

    /// <summary>Receives the next frame.</summary>
    /// <returns>Its bytes behind the length; valid until the next call.</returns>
    /// <exception cref="IOException">The connection was closed, or what came is no frame.</exception>
    /// <exception cref="SocketException">The connection broke.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync()
    {
        await FillAsync(LengthBytes);
        int length = LengthOfFrame();
        await FillAsync(LengthBytes + length);
        return TakeFrame(length);
    }

    /// <summary>The same on a thread of one's own, which blocks: no other thread has to be woken for what comes.</summary>
    public ReadOnlyMemory<byte> Read()
    {
        Fill(LengthBytes);
        int length = LengthOfFrame();
        Fill(LengthBytes + length);
        return TakeFrame(length);
    }

    private async ValueTask FillAsync(int wanted)
    {
        while (_end - _start < wanted)
        {
            MakeRoom(wanted);
            Received(await socket.ReceiveAsync(_buffer.AsMemory(_end)));
        }
    }

    private void Fill(int wanted)
    {
        while (_end - _start < wanted)
        {
            MakeRoom(wanted);
            Received(socket.Receive(_buffer.AsSpan(_end)));
        }
    }

    private void Received(int count)
    {
        if (count == 0)
            throw new IOException("The broker closed the connection.");
        _end += count;
    }

    private int LengthOfFrame()
    {
        int length = BinaryPrimitives.ReadInt32BigEndian(_buffer.AsSpan(_start));
        return length is >= sizeof(int) and <= MaxFrameBytes ? length : throw new IOException($"The broker sent a frame of {length} bytes.");
    }

    private ReadOnlyMemory<byte> TakeFrame(int length)
    {
        ReadOnlyMemory<byte> frame = _buffer.AsMemory(_start + LengthBytes, length);
        _start += LengthBytes + length;
        return frame;
    }

    private void MakeRoom(int wanted)
    {
        if (_start == _end)
            _start = _end = 0;
        if (_buffer.Length - _start >= wanted && _end < _buffer.Length)
            return;
        byte[] target = _buffer.Length >= wanted ? _buffer : GC.AllocateUninitializedArray<byte>(wanted + FirstBufferBytes);
        _buffer.AsSpan(_start.._end).CopyTo(target);
        (_buffer, _end, _start) = (target, _end - _start, 0);
    }
}
