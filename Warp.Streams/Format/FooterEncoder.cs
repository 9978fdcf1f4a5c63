using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using Warp.Actors.Sequencing;
using Warp.Protocol.Records;

namespace Warp.Streams.Format;

/// <summary>Turns a footer into bytes; <see cref="FooterDecoder"/> is its mirror and <c>docs/FORMAT.md</c> its description.</summary>
internal static class FooterEncoder
{
    /// <summary>Footer and trailer.</summary>
    /// <exception cref="ArgumentException">The cluster id or the footer is too long.</exception>
    public static byte[] Encode(
        ObjectId objectId,
        DateTimeOffset createdAt,
        string clusterId,
        ObjectFlags flags,
        ReadOnlySpan<FooterExtent> extents,
        ReadOnlySpan<IndexEntry> index)
    {
        var output = new ArrayBufferWriter<byte>(256 + (extents.Length * 32) + (index.Length * 10));
        WriteVarint(output, ObjectFormat.Version);
        WriteVarint(output, (ulong)flags);
        objectId.WriteTo(output.GetSpan(ObjectId.SizeBytes));
        output.Advance(ObjectId.SizeBytes);
        long createdAtMs = createdAt.ToUnixTimeMilliseconds();
        WriteVarint(output, (ulong)createdAtMs);
        byte[] cluster = Encoding.UTF8.GetBytes(clusterId);
        if (cluster.Length > ObjectFormat.MaxClusterIdBytes)
            throw new ArgumentException($"A cluster id has at most {ObjectFormat.MaxClusterIdBytes} bytes of UTF-8.", nameof(clusterId));
        WriteVarint(output, (ulong)cluster.Length);
        output.Write(cluster);
        WriteTopics(output, createdAtMs, flags, extents, index);
        if (output.WrittenCount > ObjectFormat.MaxFooterBytes)
            throw new ArgumentException(
                $"The footer would take more than {ObjectFormat.MaxFooterBytes} bytes: put fewer partitions into an object.");
        return AppendTrailer(output);
    }

    private static void WriteTopics(
        ArrayBufferWriter<byte> output,
        long createdAtMs,
        ObjectFlags flags,
        ReadOnlySpan<FooterExtent> extents,
        ReadOnlySpan<IndexEntry> index)
    {
        WriteVarint(output, (ulong)CountTopics(extents));
        for (int start = 0; start < extents.Length;)
        {
            int end = EndOfTopic(extents, start);
            extents[start].TopicId.TryWriteBytes(output.GetSpan(16), bigEndian: true, out int written);
            output.Advance(written);
            WriteVarint(output, (ulong)(end - start));
            for (int i = start; i < end; i++)
            {
                int partitionGap = i == start ? extents[i].Partition : extents[i].Partition - extents[i - 1].Partition - 1;
                WriteVarint(output, (ulong)partitionGap);
                WriteExtent(output, createdAtMs, flags, extents[i], index.Slice(extents[i].IndexStart, extents[i].IndexCount));
            }
            start = end;
        }
    }

    private static void WriteExtent(
        ArrayBufferWriter<byte> output, long createdAtMs, ObjectFlags flags, in FooterExtent extent, ReadOnlySpan<IndexEntry> spans)
    {
        WriteVarint(output, (ulong)extent.Length);
        WriteVarint(output, (ulong)extent.BatchCount);
        WriteVarint(output, (ulong)extent.RecordCount);
        WriteVarint(output, ZigZag(unchecked(extent.MaxTimestamp - createdAtMs)));
        if (flags.HasFlag(ObjectFlags.AbsoluteOffsets))
        {
            WriteVarint(output, (ulong)extent.BaseOffset);
            WriteVarint(output, (ulong)extent.OffsetCount);
        }
        WriteVarint(output, (ulong)(spans.Length - 1));
        for (int i = 1; i < spans.Length; i++)
        {
            WriteVarint(output, (ulong)(spans[i].RelativeOffset - spans[i - 1].RelativeOffset));
            WriteVarint(output, (ulong)(spans[i].Position - spans[i - 1].Position));
        }
        // A lone span has the extent's max timestamp. The difference of two longs always fits an unsigned one.
        for (int i = 0; i < spans.Length && spans.Length > 1; i++)
            WriteVarint(output, unchecked((ulong)extent.MaxTimestamp - (ulong)spans[i].MaxTimestamp));
    }

    private static byte[] AppendTrailer(ArrayBufferWriter<byte> output)
    {
        int footerLength = output.WrittenCount;
        uint crc = Crc32C.Compute(output.WrittenSpan);
        Span<byte> trailer = output.GetSpan(ObjectFormat.TrailerBytes);
        BinaryPrimitives.WriteUInt32BigEndian(trailer, (uint)footerLength);
        BinaryPrimitives.WriteUInt32BigEndian(trailer[4..], crc);
        ObjectFormat.TrailerMagic.CopyTo(trailer[8..]);
        output.Advance(ObjectFormat.TrailerBytes);
        return output.WrittenSpan.ToArray();
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

    private static void WriteVarint(ArrayBufferWriter<byte> output, ulong value)
    {
        Span<byte> destination = output.GetSpan(10);
        int length = 0;
        for (; value >= 0x80; value >>= 7)
            destination[length++] = (byte)(value | 0x80);
        destination[length++] = (byte)value;
        output.Advance(length);
    }
}
