using Warp.Actors.Sequencing;

namespace Warp.Actors.Cluster.Peers;

/// <summary>Between what actors know and what travels, for the structs that several messages share.</summary>
internal static class PeerConversions
{
    public static PeerPartition ToPeer(this TopicPartition partition) =>
        new() { TopicId = partition.TopicId, Partition = partition.Partition };

    public static TopicPartition FromPeer(this PeerPartition partition) => new(partition.TopicId, partition.Partition);

    public static List<PeerPartition> ToPeer(this IEnumerable<TopicPartition> partitions) => [.. partitions.Select(ToPeer)];

    public static TopicPartition[] FromPeer(this List<PeerPartition> partitions) => [.. partitions.Select(FromPeer)];

    public static PeerExtent ToPeer(this Extent extent) => new()
    {
        BaseOffset = extent.BaseOffset,
        LastOffset = extent.LastOffset,
        Source = (sbyte)extent.Source,
        ObjectId = extent.ObjectId.ToGuid(),
        Position = extent.Position,
        Length = extent.Length,
        MaxTimestamp = extent.MaxTimestamp,
    };

    public static Extent FromPeer(this PeerExtent extent) => new(
        extent.BaseOffset,
        extent.LastOffset,
        (ExtentSource)extent.Source,
        extent.ObjectId.ToObjectId(),
        extent.Position,
        extent.Length,
        extent.MaxTimestamp);

    public static PeerReadableExtent ToPeer(this ReadableExtent readable) => new()
    {
        Extent = readable.Extent.ToPeer(),
        ObjectSizeBytes = readable.ObjectSizeBytes,
        Level = readable.Level,
    };

    public static ReadableExtent FromPeer(this PeerReadableExtent readable) =>
        new(readable.Extent.FromPeer(), readable.ObjectSizeBytes, readable.Level);

    public static PeerLogEnds ToPeer(this LogEnds ends) => new()
    {
        Error = ends.Error,
        LogStartOffset = ends.LogStartOffset,
        HighWatermark = ends.HighWatermark,
        LastStableOffset = ends.LastStableOffset,
        SizeBytes = ends.SizeBytes,
    };

    public static LogEnds FromPeer(this PeerLogEnds ends) =>
        new(ends.Error, ends.LogStartOffset, ends.HighWatermark, ends.LastStableOffset, ends.SizeBytes);

    public static PeerBatchAnswer ToPeer(this BatchAnswer answer) => new()
    {
        Error = answer.Error,
        BaseOffset = answer.BaseOffset,
        LogStartOffset = answer.LogStartOffset,
    };

    public static BatchAnswer FromPeer(this PeerBatchAnswer answer) => new(answer.Error, answer.BaseOffset, answer.LogStartOffset);
}
