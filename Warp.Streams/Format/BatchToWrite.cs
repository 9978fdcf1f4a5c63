namespace Warp.Streams.Format;

/// <summary>One record batch for a level 0 object.</summary>
/// <param name="TopicId">The topic.</param>
/// <param name="Partition">The partition, 0 or more.</param>
/// <param name="Bytes">The whole batch as the producer sent it, with base offset 0; not empty. Read while the object is encoded.</param>
/// <param name="RecordCount">Records in it, 1 or more; a producer's batch takes as many offsets.</param>
/// <param name="MaxTimestamp">The batch's max timestamp, in ms since 1970.</param>
public readonly record struct BatchToWrite(Guid TopicId, int Partition, ReadOnlyMemory<byte> Bytes, int RecordCount, long MaxTimestamp);
