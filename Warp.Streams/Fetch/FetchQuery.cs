using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Streams.Fetch;

/// <summary>A fetch of several partitions.</summary>
/// <param name="Partitions">In the order in which the byte budget is spent.</param>
/// <param name="MinBytes">Wait for so many…</param>
/// <param name="MaxWait">…but not longer than this.</param>
/// <param name="MaxBytes">The budget of the whole answer.</param>
/// <param name="ReadCommitted">Only below the last stable offset.</param>
public sealed record FetchQuery(IReadOnlyList<PartitionQuery> Partitions, int MinBytes, TimeSpan MaxWait, int MaxBytes, bool ReadCommitted);

/// <summary>One partition of a fetch.</summary>
public readonly record struct PartitionQuery(TopicPartition Partition, long Offset, int MaxBytes);

/// <summary>What a fetch found of one partition. The records hold references: whoever has them disposes them.</summary>
public sealed record PartitionRecords(LogEnds Ends, RecordSet Records)
{
    public ErrorCode Error => Ends.Error;
}
