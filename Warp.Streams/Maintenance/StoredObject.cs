using Warp.Streams.Format;
using Warp.Streams.Objects;

namespace Warp.Streams.Maintenance;

/// <summary>Reads one object of the store forwards through one buffer. Not thread-safe.</summary>
internal sealed class StoredObject(IObjectStore store, string key, long sizeBytes, byte[] buffer)
{
    private long _start;
    private int _length;

    public string Key => key;

    public long SizeBytes => sizeBytes;

    /// <summary>Bytes of the object, at most as many as the buffer holds; valid until the next call.</summary>
    /// <exception cref="CorruptObjectException">The object is shorter than it should be.</exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(long position, int length, CancellationToken cancellationToken)
    {
        if (position < _start || position + length > _start + _length)
        {
            int wanted = (int)Math.Min(buffer.Length, sizeBytes - position);
            _start = position;
            _length = await store.GetRangeAsync(key, position, buffer.AsMemory(0, wanted), cancellationToken);
            if (_length < length)
                throw new CorruptObjectException($"The object ends after {position + _length} bytes; it should have {sizeBytes}.");
        }
        return buffer.AsMemory((int)(position - _start), length);
    }

    /// <summary>The object's footer, its checksum verified.</summary>
    /// <exception cref="CorruptObjectException">There is none, or it is damaged.</exception>
    public async Task<ObjectFooter> ReadFooterAsync(CancellationToken cancellationToken)
    {
        ReadOnlyMemory<byte> header = await ReadAsync(0, (int)Math.Min(sizeBytes, ObjectFormat.HeaderBytes), cancellationToken);
        ObjectHeader.Verify(header.Span);
        int trailerLength = (int)Math.Min(sizeBytes, ObjectFormat.TrailerBytes);
        byte[] trailer = await ReadTailAsync(trailerLength, cancellationToken);
        return ObjectFooter.Parse(await ReadTailAsync(ObjectFooter.TailLength(trailer, sizeBytes), cancellationToken), sizeBytes);
    }

    private async Task<byte[]> ReadTailAsync(int length, CancellationToken cancellationToken)
    {
        long position = sizeBytes - length;
        if (position >= _start && position + length <= _start + _length)
            return buffer.AsSpan((int)(position - _start), length).ToArray();
        var tail = new byte[length];
        int read = await store.GetRangeAsync(key, position, tail, cancellationToken);
        return read == length
            ? tail
            : throw new CorruptObjectException($"The object ends after {position + read} bytes; it should have {sizeBytes}.");
    }
}
