using System.Buffers.Binary;
using System.Text;
using Warp.Actors.Sequencing;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;

namespace Warp.Streams.Format;

/// <summary>Turns a footer into bytes; <see cref="FooterDecoder"/> is its mirror and <c>docs/FORMAT.md</c> its description.</summary>
internal ref struct FooterEncoder
{
    private const int MaxVarintBytes = 10;

    /// <summary>Version, flags, id, time, cluster id, the number of topics, and the trailer.</summary>
    private const int MaxFixedBytes =
        (5 * MaxVarintBytes) + ObjectId.SizeBytes + ObjectFormat.MaxClusterIdBytes + ObjectFormat.TrailerBytes;

    /// <summary>Eight numbers, and maybe those of a new topic.</summary>
    private const int MaxExtentBytes = (9 * MaxVarintBytes) + TopicIdBytes;

    private const int MaxEntryBytes = 3 * MaxVarintBytes;

    private const int TopicIdBytes = 16;

    private readonly Span<byte> _output;
    private int _length;

    private FooterEncoder(Span<byte> output) => _output = output;

    /// <summary>Footer and trailer, in a buffer that is the caller's.</summary>
    /// <exception cref="ArgumentException">The cluster id or the footer is too long.</exception>
    public static PooledBuffer Encode(
        ObjectId objectId,
        DateTimeOffset createdAt,
        string clusterId,
        ObjectFlags flags,
        ReadOnlySpan<FooterExtent> extents,
        ReadOnlySpan<IndexEntry> index)
    {
        int clusterBytes = Encoding.UTF8.GetByteCount(clusterId);
        if (clusterBytes > ObjectFormat.MaxClusterIdBytes)
            throw new ArgumentException($"A cluster id has at most {ObjectFormat.MaxClusterIdBytes} bytes of UTF-8.", nameof(clusterId));
        PooledBuffer buffer = PooledBuffer.Rent(checked(MaxFixedBytes + (extents.Length * MaxExtentBytes) + (index.Length * MaxEntryBytes)));
        var encoder = new FooterEncoder(buffer.Memory.Span);
        encoder.WriteVarint(ObjectFormat.Version);
        encoder.WriteVarint((ulong)flags);
        objectId.WriteTo(encoder.Take(ObjectId.SizeBytes));
        long createdAtMs = createdAt.ToUnixTimeMilliseconds();
        encoder.WriteVarint((ulong)createdAtMs);
        encoder.WriteVarint((ulong)clusterBytes);
        Encoding.UTF8.GetBytes(clusterId, encoder.Take(clusterBytes));
        encoder.WriteTopics(createdAtMs, flags, extents, index);
        if (encoder._length > ObjectFormat.MaxFooterBytes)
        {
            buffer.Release();
            throw new ArgumentException(
                $"The footer would take more than {ObjectFormat.MaxFooterBytes} bytes: put fewer partitions into an object.");
        }
        encoder.WriteTrailer();
        buffer.Shrink(encoder._length);
        return buffer;
    }

    private void WriteTopics(long createdAtMs, ObjectFlags flags, ReadOnlySpan<FooterExtent> extents, ReadOnlySpan<IndexEntry> index)
    {
        WriteVarint((ulong)CountTopics(extents));
        for (int start = 0; start < extents.Length;)
        {
            int end = EndOfTopic(extents, start);
            extents[start].TopicId.TryWriteBytes(Take(TopicIdBytes), bigEndian: true, out _);
            WriteVarint((ulong)(end - start));
            for (int i = start; i < end; i++)
            {
                int partitionGap = i == start ? extents[i].Partition : extents[i].Partition - extents[i - 1].Partition - 1;
                WriteVarint((ulong)partitionGap);
                WriteExtent(createdAtMs, flags, extents[i], index.Slice(extents[i].IndexStart, extents[i].IndexCount));
            }
            start = end;
        }
    }

    private void WriteExtent(long createdAtMs, ObjectFlags flags, in FooterExtent extent, ReadOnlySpan<IndexEntry> spans)
    {
        WriteVarint((ulong)extent.Length);
        WriteVarint((ulong)extent.BatchCount);
        WriteVarint((ulong)extent.RecordCount);
        WriteVarint(ZigZag(unchecked(extent.MaxTimestamp - createdAtMs)));
        if (flags.HasFlag(ObjectFlags.AbsoluteOffsets))
        {
            WriteVarint((ulong)extent.BaseOffset);
            WriteVarint((ulong)extent.OffsetCount);
        }
        WriteVarint((ulong)(spans.Length - 1));
        for (int i = 1; i < spans.Length; i++)
        {
            WriteVarint((ulong)(spans[i].RelativeOffset - spans[i - 1].RelativeOffset));
            WriteVarint((ulong)(spans[i].Position - spans[i - 1].Position));
        }
        // A lone span has the extent's max timestamp. The difference of two longs always fits an unsigned one.
        for (int i = 0; i < spans.Length && spans.Length > 1; i++)
            WriteVarint(unchecked((ulong)extent.MaxTimestamp - (ulong)spans[i].MaxTimestamp));
    }

    private void WriteTrailer()
    {
        int footerLength = _length;
        uint crc = Crc32C.Compute(_output[..footerLength]);
        Span<byte> trailer = Take(ObjectFormat.TrailerBytes);
        BinaryPrimitives.WriteUInt32BigEndian(trailer, (uint)footerLength);
        BinaryPrimitives.WriteUInt32BigEndian(trailer[4..], crc);
        ObjectFormat.TrailerMagic.CopyTo(trailer[8..]);
    }

    private static int CountTopics(ReadOnlySpan<FooterExtent> extents)
    {
        int count = 0;
        for (int start = 0; start < extents.Length; count++)
            start = EndOfTopic(extents, start);
        return count;
    }

    private static int EndOfTopic(ReadOnlySpan<FooterExtent> extents, int start)
    {
        int end = start + 1;
        while (end < extents.Length && extents[end].TopicId == extents[start].TopicId)
            end++;
        return end;
    }

    private static ulong ZigZag(long value) => (ulong)((value << 1) ^ (value >> 63));

    private void WriteVarint(ulong value)
    {
        for (; value >= 0x80; value >>= 7)
            _output[_length++] = (byte)(value | 0x80);
        _output[_length++] = (byte)value;
    }

    private Span<byte> Take(int length)
    {
        Span<byte> taken = _output.Slice(_length, length);
        _length += length;
        return taken;
    }
}
