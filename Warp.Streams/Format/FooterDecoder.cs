using System.Text;
using Warp.Actors.Sequencing;

namespace Warp.Streams.Format;

/// <summary>Turns a footer's bytes, whose checksum has been found right, into an <see cref="ObjectFooter"/>.</summary>
internal ref struct FooterDecoder
{
    private static readonly UTF8Encoding StrictUtf8 = new(false, throwOnInvalidBytes: true);
    private static readonly long MaxTimeMs = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    private readonly List<FooterExtent> _extents;
    private readonly List<IndexEntry> _index;
    private readonly long _dataEnd;
    private FooterReader _reader;
    private ObjectFlags _flags;
    private long _createdAtMs;
    private long _position;

    private FooterDecoder(ReadOnlySpan<byte> footer, long dataEnd)
    {
        _reader = new FooterReader(footer);
        _dataEnd = dataEnd;
        _extents = [];
        _index = [];
        _position = ObjectFormat.HeaderBytes;
    }

    /// <exception cref="CorruptObjectException">Something in it cannot be.</exception>
    public static ObjectFooter Decode(ReadOnlySpan<byte> footer, long dataEnd, long objectSize) =>
        new FooterDecoder(footer, dataEnd).Decode(objectSize);

    private ObjectFooter Decode(long objectSize)
    {
        long version = _reader.Number(0, long.MaxValue, "format version");
        if (version is 0 or > ObjectFormat.Version)
            throw new CorruptObjectException(
                $"The object's footer has format version {version}; this node reads versions up to {ObjectFormat.Version}.");
        _flags = (ObjectFlags)_reader.Number(0, (long)ObjectFlags.AbsoluteOffsets, "flags");
        var objectId = ObjectId.FromBytes(_reader.Bytes(ObjectId.SizeBytes, "the object id"));
        _createdAtMs = _reader.Number(0, MaxTimeMs, "creation time");
        string clusterId = ReadClusterId();
        ReadTopics();
        if (_reader.Remaining != 0)
            throw new CorruptObjectException($"{_reader.Remaining} bytes follow the last extent of the footer.");
        if (_position != _dataEnd)
            throw new CorruptObjectException($"The footer's extents end at position {_position}, the batches at {_dataEnd}.");
        return new ObjectFooter(
            objectId, DateTimeOffset.FromUnixTimeMilliseconds(_createdAtMs), clusterId, _flags, objectSize, [.. _extents], [.. _index]);
    }

    private string ReadClusterId()
    {
        int length = (int)_reader.Number(0, ObjectFormat.MaxClusterIdBytes, "cluster id length");
        try
        {
            return StrictUtf8.GetString(_reader.Bytes(length, "the cluster id"));
        }
        catch (DecoderFallbackException)
        {
            throw new CorruptObjectException("The footer's cluster id is not UTF-8.");
        }
    }

    private void ReadTopics()
    {
        long topics = _reader.Number(1, int.MaxValue, "topic count");
        Guid previous = default;
        for (long i = 0; i < topics; i++)
        {
            var topicId = new Guid(_reader.Bytes(16, "a topic id"), bigEndian: true);
            if (i > 0 && topicId.CompareTo(previous) <= 0)
                throw new CorruptObjectException($"The footer's topics are out of order at {topicId}.");
            previous = topicId;
            ReadPartitions(topicId);
        }
    }

    private void ReadPartitions(Guid topicId)
    {
        long partitions = _reader.Number(1, int.MaxValue, "partition count");
        int partition = -1;
        for (long i = 0; i < partitions; i++)
        {
            partition = (int)(partition + 1L + _reader.Number(0, int.MaxValue - 1L - partition, "partition"));
            ReadExtent(topicId, partition);
        }
    }

    private void ReadExtent(Guid topicId, int partition)
    {
        bool absolute = _flags.HasFlag(ObjectFlags.AbsoluteOffsets);
        long length = _reader.Number(1, _dataEnd - _position, "extent length");
        int batches = (int)_reader.Number(1, Math.Min(length, int.MaxValue), "batch count");
        long records = _reader.Number(absolute ? 0 : batches, long.MaxValue, "record count");
        long maxTimestamp = unchecked(_createdAtMs + _reader.ZigZag("max timestamp"));
        long baseOffset = absolute ? _reader.Number(0, long.MaxValue - 1, "base offset") : 0;
        long offsets = absolute ? _reader.Number(batches, long.MaxValue - baseOffset, "offset count") : records;
        var extent = new FooterExtent(topicId, partition, _position, length, batches, records, offsets, baseOffset, maxTimestamp)
        {
            IndexStart = _index.Count,
        };
        ReadIndex(extent);
        _extents.Add(extent with { IndexCount = _index.Count - extent.IndexStart });
        _position += length;
    }

    private void ReadIndex(in FooterExtent extent)
    {
        long more = _reader.Number(0, extent.BatchCount - 1, "index size");
        _index.Add(new IndexEntry(0, extent.Position, extent.MaxTimestamp));
        for (long i = 0; i < more; i++)
        {
            IndexEntry last = _index[^1];
            long offset = _reader.Number(1, extent.OffsetCount - 1 - last.RelativeOffset, "index offset") + last.RelativeOffset;
            long position = _reader.Number(1, extent.End - 1 - last.Position, "index position") + last.Position;
            _index.Add(new IndexEntry(offset, position, extent.MaxTimestamp));
        }
        if (more > 0)
            ReadTimestamps(extent);
    }

    private void ReadTimestamps(in FooterExtent extent)
    {
        bool reached = false;
        for (int i = extent.IndexStart; i < _index.Count; i++)
        {
            ulong below = _reader.Unsigned("index timestamp");
            if (below > unchecked((ulong)extent.MaxTimestamp - (ulong)long.MinValue))
                throw new CorruptObjectException("A timestamp of the footer's index is out of range.");
            reached |= below == 0;
            _index[i] = _index[i] with { MaxTimestamp = unchecked((long)((ulong)extent.MaxTimestamp - below)) };
        }
        if (!reached)
            throw new CorruptObjectException("No span of the footer's index has its extent's max timestamp.");
    }
}
