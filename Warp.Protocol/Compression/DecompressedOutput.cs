using Warp.Protocol.Wire;

namespace Warp.Protocol.Compression;

/// <summary>Where a decompressor of unknown size writes: pooled memory that doubles until a limit.</summary>
internal sealed class DecompressedOutput : IDisposable
{
    private readonly int _maxBytes;
    private PooledBuffer _buffer;
    private int _written;

    /// <param name="compressedBytes">Size of the input, for a first guess.</param>
    /// <param name="maxBytes">The most that may be written.</param>
    public DecompressedOutput(int compressedBytes, int maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        _maxBytes = maxBytes;
        _buffer = PooledBuffer.Rent(Capacity(4L * compressedBytes));
    }

    /// <summary>Room to write into, never empty. One byte beyond the limit is offered so that a writer can be seen to pass it.</summary>
    public Span<byte> Free
    {
        get
        {
            if (_written == _buffer.Length)
                Grow();
            return _buffer.Memory.Span[_written..];
        }
    }

    public ReadOnlySpan<byte> Written => _buffer.Memory.Span[.._written];

    /// <summary>Takes over what was written to the front of <see cref="Free"/>.</summary>
    /// <exception cref="DecompressionLimitException">That was too much.</exception>
    public void Advance(int bytes)
    {
        _written += bytes;
        if (_written > _maxBytes)
            throw new DecompressionLimitException(_maxBytes);
    }

    /// <summary>The bytes written so far, in a buffer of their exact size that is the caller's.</summary>
    public PooledBuffer ToBuffer()
    {
        PooledBuffer exact = PooledBuffer.Rent(_written);
        Written.CopyTo(exact.Memory.Span);
        return exact;
    }

    public void Dispose() => _buffer.Release();

    private void Grow()
    {
        PooledBuffer larger = PooledBuffer.Rent(Capacity(2L * _written));
        Written.CopyTo(larger.Memory.Span);
        _buffer.Release();
        _buffer = larger;
    }

    private int Capacity(long wanted) => (int)Math.Min(Math.Max(wanted, 4096), Math.Min(_maxBytes + 1L, Array.MaxLength));
}
