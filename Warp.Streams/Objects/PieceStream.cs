namespace Warp.Streams.Objects;

/// <summary>
/// Reads pieces of memory one after the other, as what is sent to a server: it knows its length, can be rewound for a second attempt, and
/// copies nothing on the way into the connection. The pieces stay their owner's.
/// </summary>
/// <param name="pieces">The bytes.</param>
public sealed class PieceStream(IReadOnlyList<ReadOnlyMemory<byte>> pieces) : Stream
{
    /// <summary>The most that is written to a connection at once: what is left of a cancelled upload is noticed this soon.</summary>
    private const int MaxWrite = 256 << 10;

    private int _piece;
    private int _offset;
    private long _position;

    public override bool CanRead => true;

    public override bool CanSeek => true;

    public override bool CanWrite => false;

    public override long Length { get; } = ObjectStores.LengthOf(pieces);

    public override long Position
    {
        get => _position;
        set
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, Length);
            _position = value;
            long left = value;
            for (_piece = 0; _piece < pieces.Count && left >= pieces[_piece].Length; _piece++)
                left -= pieces[_piece].Length;
            _offset = (int)left;
        }
    }

    public override int Read(Span<byte> buffer)
    {
        int filled = 0;
        while (filled < buffer.Length && Next(buffer.Length - filled) is { Length: > 0 } bytes)
        {
            bytes.Span.CopyTo(buffer[filled..]);
            filled += bytes.Length;
        }
        return filled;
    }

    public override int Read(byte[] buffer, int offset, int count) => Read(buffer.AsSpan(offset, count));

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        cancellationToken.IsCancellationRequested
            ? ValueTask.FromCanceled<int>(cancellationToken)
            : ValueTask.FromResult(Read(buffer.Span));

    public override Task<int> ReadAsync(byte[] buffer, int offset, int count, CancellationToken cancellationToken) =>
        ReadAsync(buffer.AsMemory(offset, count), cancellationToken).AsTask();

    public override async Task CopyToAsync(Stream destination, int bufferSize, CancellationToken cancellationToken)
    {
        while (Next(MaxWrite) is { Length: > 0 } bytes)
            await destination.WriteAsync(bytes, cancellationToken);
    }

    public override long Seek(long offset, SeekOrigin origin) => Position = origin switch
    {
        SeekOrigin.Begin => offset,
        SeekOrigin.Current => _position + offset,
        _ => Length + offset,
    };

    public override void Flush()
    {
    }

    public override void SetLength(long value) => throw new NotSupportedException();

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    /// <summary>The next bytes, as they lie in their piece; empty at the end.</summary>
    private ReadOnlyMemory<byte> Next(int most)
    {
        while (_piece < pieces.Count && _offset == pieces[_piece].Length)
        {
            _piece++;
            _offset = 0;
        }
        if (_piece == pieces.Count)
            return default;
        int count = Math.Min(most, pieces[_piece].Length - _offset);
        ReadOnlyMemory<byte> bytes = pieces[_piece].Slice(_offset, count);
        _offset += count;
        _position += count;
        return bytes;
    }
}
