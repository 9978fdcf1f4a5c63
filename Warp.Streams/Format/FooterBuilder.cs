using Warp.Actors.Sequencing;
using Warp.Protocol.Wire;

namespace Warp.Streams.Format;

/// <summary>
/// Keeps the account of the batches that are written to an object, in the order of their bytes, and makes the footer of it.
/// Not thread-safe.
/// </summary>
/// <param name="objectId">The object's id.</param>
/// <param name="createdAt">When it was encoded; kept to the millisecond.</param>
/// <param name="clusterId">At most <see cref="ObjectFormat.MaxClusterIdBytes"/> bytes of UTF-8.</param>
/// <param name="flags">Whether the batches carry absolute offsets.</param>
public sealed class FooterBuilder(ObjectId objectId, DateTimeOffset createdAt, string clusterId, ObjectFlags flags)
{
    private PooledList<FooterExtent> _extents;
    private PooledList<IndexEntry> _index;
    private FooterExtent _open;
    private long _position = ObjectFormat.HeaderBytes;

    /// <summary>Counts a batch of a level 0 object.</summary>
    /// <returns>The position that its first byte must get.</returns>
    /// <exception cref="ArgumentException">It does not belong after the batches before it, or a count is out of range.</exception>
    public long Add(Guid topicId, int partition, int length, int recordCount, long maxTimestamp)
    {
        Require(!flags.HasFlag(ObjectFlags.AbsoluteOffsets), "This object's batches carry absolute offsets: give the base offset.");
        Require(recordCount >= 1, "A producer's batch has at least one record.");
        bool continues = Continues(topicId, partition);
        return Add(topicId, partition, length, recordCount, continues ? _open.OffsetCount : 0, recordCount, maxTimestamp, baseOffset: 0);
    }

    /// <summary>Counts a batch that carries its absolute offset; there may be gaps between batches and records.</summary>
    /// <returns>The position that its first byte must get.</returns>
    /// <exception cref="ArgumentException">It does not belong after the batches before it, or a count is out of range.</exception>
    public long Add(Guid topicId, int partition, int length, int recordCount, long maxTimestamp, long baseOffset, int offsetCount)
    {
        Require(flags.HasFlag(ObjectFlags.AbsoluteOffsets), "This object's batches have base offset 0: give none.");
        Require(
            offsetCount >= 1 && recordCount >= 0 && baseOffset >= 0 && baseOffset <= long.MaxValue - offsetCount,
            "An offset or a count is out of range.");
        long first = Continues(topicId, partition) ? _open.BaseOffset : baseOffset;
        Require(!Continues(topicId, partition) || baseOffset - first >= _open.OffsetCount, "Offsets rise from batch to batch.");
        return Add(topicId, partition, length, recordCount, baseOffset - first, offsetCount, maxTimestamp, first);
    }

    /// <summary>Makes the footer, and ends the account.</summary>
    /// <param name="tail">Footer and trailer as they follow the last batch.</param>
    /// <exception cref="ArgumentException">There is no batch, or the footer would be too long.</exception>
    public ObjectFooter Build(out byte[] tail)
    {
        Close();
        using PooledBuffer encoded = Encode();
        tail = encoded.Memory.ToArray();
        var createdAtMs = DateTimeOffset.FromUnixTimeMilliseconds(createdAt.ToUnixTimeMilliseconds());
        var footer = new ObjectFooter(
            objectId, createdAtMs, clusterId, flags, _position + tail.Length, _extents.Span.ToArray(), _index.Span.ToArray());
        End();
        return footer;
    }

    /// <summary>Makes no more of the footer than its bytes, and ends the account.</summary>
    /// <param name="objectSize">Bytes of the whole object.</param>
    /// <returns>Footer and trailer as they follow the last batch; the caller's.</returns>
    /// <exception cref="ArgumentException">There is no batch, or the footer would be too long.</exception>
    public PooledBuffer BuildTail(out long objectSize)
    {
        Close();
        PooledBuffer tail = Encode();
        objectSize = _position + tail.Length;
        End();
        return tail;
    }

    private PooledBuffer Encode()
    {
        Require(_extents.Count > 0, "An object has at least one batch.");
        Require(createdAt >= DateTimeOffset.UnixEpoch, "An object is not older than 1970.");
        return FooterEncoder.Encode(objectId, createdAt, clusterId, flags, _extents.Span, _index.Span);
    }

    private void End()
    {
        _extents.Return();
        _index.Return();
    }

    private long Add(
        Guid topicId, int partition, int length, int recordCount, long relativeOffset, int offsetCount, long maxTimestamp, long baseOffset)
    {
        Require(partition >= 0 && length >= 1, "The partition or the length is out of range.");
        if (!Continues(topicId, partition))
        {
            Close();
            Require(
                _extents.Count == 0 || _extents.Last.CompareTo(topicId, partition) < 0,
                "Batches come sorted by topic id and partition.");
            _open = new FooterExtent(topicId, partition, _position, 0, 0, 0, 0, baseOffset, maxTimestamp) { IndexStart = _index.Count };
        }
        AddToIndex(length, relativeOffset, maxTimestamp);
        long position = _position;
        _position += length;
        _open = _open with
        {
            Length = _open.Length + length,
            BatchCount = _open.BatchCount + 1,
            RecordCount = _open.RecordCount + recordCount,
            OffsetCount = relativeOffset + offsetCount,
            MaxTimestamp = Math.Max(_open.MaxTimestamp, maxTimestamp),
            IndexCount = _index.Count - _open.IndexStart,
        };
        return position;
    }

    private void AddToIndex(int length, long relativeOffset, long maxTimestamp)
    {
        bool spanIsFull = _open.BatchCount == 0 || _position + length - _index.Last.Position > ObjectFormat.IndexSpanBytes;
        if (spanIsFull)
            _index.Add(new IndexEntry(relativeOffset, _position, maxTimestamp));
        else if (maxTimestamp > _index.Last.MaxTimestamp)
            _index.Last = _index.Last with { MaxTimestamp = maxTimestamp };
    }

    private bool Continues(Guid topicId, int partition) => _open.BatchCount > 0 && _open.CompareTo(topicId, partition) == 0;

    private void Close()
    {
        if (_open.BatchCount > 0)
            _extents.Add(_open);
        _open = default;
    }

    private static void Require(bool condition, string message)
    {
        if (!condition)
            throw new ArgumentException(message);
    }
}
