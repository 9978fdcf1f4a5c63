using Warp.Actors.Sequencing;
using Warp.Protocol.Records;
using Warp.Streams.Format;
using Xunit;

namespace Warp.Specs.Streams.Format;

/// <summary>Objects whose batches carry absolute offsets, as compaction writes them, of one partition.</summary>
internal static class AbsoluteObject
{
    /// <summary>The whole object.</summary>
    public static byte[] Encode(ObjectId id, TopicPartition partition, params ReadOnlySpan<byte[]> batches)
    {
        var builder = new FooterBuilder(id, ObjectSamples.CreatedAt, "cluster-1", ObjectFlags.AbsoluteOffsets);
        var bytes = new List<byte>();
        var header = new byte[ObjectFormat.HeaderBytes];
        ObjectHeader.Write(header);
        bytes.AddRange(header);
        foreach (byte[] batch in batches)
        {
            Assert.True(RecordBatchHeader.TryRead(batch, out RecordBatchHeader read));
            builder.Add(
                partition.TopicId, partition.Partition, batch.Length, read.RecordsCount, read.MaxTimestamp, read.BaseOffset,
                read.LastOffsetDelta + 1);
            bytes.AddRange(batch);
        }
        builder.Build(out byte[] tail);
        bytes.AddRange(tail);
        return [.. bytes];
    }
}
