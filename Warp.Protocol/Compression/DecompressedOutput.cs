using Warp.Protocol.Records;
using Warp.Protocol.Wire;

namespace Warp.Protocol.Compression;

/// <summary>
/// Where a decompressor of unknown size writes. Up to <see cref="MaxGuessBytes"/> it writes to pooled memory that doubles. What comes after
/// that is counted and thrown away, and the decompressor runs a second time, into a buffer of the right size: so a decompression bomb ends
/// at its limit without having taken the memory.
/// </summary>
internal sealed class DecompressedOutput : IDisposable
{
    /// <summary>What is kept as long as it is not known how much comes.</summary>
    public const int MaxGuessBytes = 4 << 20;

    private readonly int _maxBytes;
    private PooledBuffer? _buffer;
    private int _position;
    private int _total;
    private bool _isSecondRun;

    /// <param name="compressedBytes">Size of the input, for a first guess.</param>
    /// <param name="maxBytes">The most that may be written.</param>
    public DecompressedOutput(int compressedBytes, int maxBytes)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(maxBytes);
        _maxBytes = maxBytes;
        _buffer = PooledBuffer.Rent(Capacity(4L * compressedBytes));
    }

    /// <summary>The decompressor has come to its end and must run again: not all that it wrote was kept.</summary>
    public bool NeedsSecondRun { get; private set; }

    /// <summary>Room to write into, never empty. One byte beyond the limit is offered so that a writer can be seen to pass it.</summary>
    public Span<byte> Free
    {
        get
        {
            if (_position == Buffer.Length)
                Grow();
            return Buffer.Memory.Span[_position..];
        }
    }

    public ReadOnlySpan<byte> Written => Buffer.Memory.Span[.._position];

    private PooledBuffer Buffer => _buffer ?? throw new ObjectDisposedException(nameof(DecompressedOutput));

    /// <summary>Takes over what was written to the front of <see cref="Free"/>.</summary>
    /// <exception cref="DecompressionLimitException">That was too much.</exception>
    public void Advance(int bytes)
    {
        _total += bytes;
        _position += bytes;
        if (_total > _maxBytes)
            throw new DecompressionLimitException(_maxBytes);
    }

    /// <summary>Makes room for all that the first run wrote.</summary>
    public void BeginSecondRun()
    {
        Replace(PooledBuffer.Rent(_total + 1));
        (_position, _total, NeedsSecondRun, _isSecondRun) = (0, 0, false, true);
    }

    /// <summary>The bytes written, in a buffer that is the caller's.</summary>
    public PooledBuffer ToBuffer()
    {
        PooledBuffer result = Buffer;
        result.Shrink(_position);
        _buffer = null;
        return result;
    }

    public void Dispose() => _buffer?.Release();

    private void Grow()
    {
        if (_isSecondRun)
            throw new CorruptRecordException("The compressed block does not decompress to the same bytes again.");
        if (Buffer.Length >= MaxGuessBytes)
        {
            NeedsSecondRun = true;
            _position = 0;
            return;
        }
        PooledBuffer larger = PooledBuffer.Rent(Capacity(2L * _position));
        Written.CopyTo(larger.Memory.Span);
        Replace(larger);
    }

    private void Replace(PooledBuffer buffer)
    {
        Buffer.Release();
        _buffer = buffer;
    }

    private int Capacity(long wanted) => (int)Math.Min(Math.Max(wanted, 4096), Math.Min(_maxBytes + 1L, MaxGuessBytes));
}
