using Warp.Actors.Kernel;
using Warp.Actors.Maintenance;
using Warp.Protocol.Messages;

namespace Warp.Actors.Sequencing;

/// <summary>What a <see cref="Sequencer"/> can be told or asked.</summary>
public abstract partial record SequencerMessage
{
    private SequencerMessage()
    {
    }

    /// <summary>A message that changes the journal; it waits for the write before it.</summary>
    public abstract record Command : SequencerMessage;

    /// <summary>A question that is answered from what is journaled.</summary>
    public abstract record Question : SequencerMessage;

    /// <summary>Gives offsets to the batches of an object.</summary>
    public sealed record Commit(ObjectCommit Object, Reply<CommitReply> Reply) : Command, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Makes partitions that do not exist yet. Safe to repeat.</summary>
    public sealed record OpenPartitions(Guid TopicId, IReadOnlyList<int> Partitions, Reply<ErrorCode> Reply) : Command, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Removes a topic's partitions of this shard, and keeps late messages from bringing them back. Safe to repeat.</summary>
    public sealed record DeleteTopic(Guid TopicId, Reply<ErrorCode> Reply) : Command, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Advances the log start (DeleteRecords, KIP-107); −1 stands for the high watermark.</summary>
    public sealed record DeleteRecords(TopicPartition Partition, long BeforeOffset, Reply<DeleteRecordsReply> Reply) : Command, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Drops the records that are too old or too many. By topic id; topics that are not named keep everything.</summary>
    public sealed record ApplyRetention(IReadOnlyDictionary<Guid, RetentionPolicy> Policies, Reply<RetentionReply> Reply) : Command, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Forgets the producers that have not written since a moment of the database's clock.</summary>
    public sealed record ExpireProducers(DateTimeOffset Cutoff) : Command;

    /// <summary>Looks at the held batches of one producer again: their predecessor came, or one has waited long enough.</summary>
    internal sealed record RetryHeld(TopicPartition Partition, long ProducerId) : Command;

    /// <summary>Where are the bytes from these offsets on?</summary>
    public sealed record ReadExtents(IReadOnlyList<ExtentRead> Reads, Reply<ReadExtentsReply> Reply) : Question, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Where do these partitions start and end?</summary>
    public sealed record DescribeLogs(IReadOnlyList<TopicPartition> Partitions, Reply<IReadOnlyList<LogEnds>> Reply) : Question, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>Which idempotent producers have written to these partitions lately?</summary>
    public sealed record DescribeProducers(IReadOnlyList<TopicPartition> Partitions, Reply<IReadOnlyList<PartitionProducers>> Reply)
        : Question, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>In which extent is the first record of a time, or the record with the latest time?</summary>
    public sealed record FindTimestamp(TopicPartition Partition, long Timestamp, Reply<TimestampReply> Reply) : Question, IAsk
    {
        public void Fail(Exception error) => Reply.Fail(error);
    }

    /// <summary>
    /// Signals the watcher once, as soon as one of the partitions has records at its offset, or is gone; or when the sequencer stops.
    /// </summary>
    /// <param name="Partitions">The partitions, and from where on records are news.</param>
    /// <param name="Watcher">Who waits.</param>
    /// <param name="Done">Cancelled when nobody waits any more, so that another node need not be asked any longer.</param>
    public sealed record Watch(
        IReadOnlyList<(TopicPartition Partition, long Offset)> Partitions, IPartitionWatcher Watcher, CancellationToken Done = default)
        : Question, IAsk
    {
        public void Fail(Exception error) => Watcher.Signal();
    }
}

/// <summary>A read of one partition from an offset on.</summary>
public readonly record struct ExtentRead(TopicPartition Partition, long Offset, long MaxBytes);

/// <summary>An extent, with what is needed to read the object that it lies in.</summary>
public readonly record struct ReadableExtent(Extent Extent, long ObjectSizeBytes, int Level)
{
    /// <summary>
    /// Whether each batch has its own offset in it: in what compaction has written. In level 0 offsets are counted from the extent's start.
    /// </summary>
    public bool HasAbsoluteOffsets => Level > 0;
}

/// <summary>A partition's ends, and the error if it has none.</summary>
public readonly record struct LogEnds(ErrorCode Error, long LogStartOffset, long HighWatermark, long LastStableOffset, long SizeBytes)
{
    internal static LogEnds Of(PartitionLog? log) => log is null
        ? new LogEnds(ErrorCode.UnknownTopicOrPartition, -1, -1, -1, 0)
        : new LogEnds(ErrorCode.None, log.LogStartOffset, log.NextOffset, log.LastStableOffset, log.SizeBytes);
}

/// <summary>The producers of one partition, and the error if there is no such partition.</summary>
public sealed record PartitionProducers(ErrorCode Error, IReadOnlyList<ActiveProducer> Producers)
{
    internal static PartitionProducers Of(PartitionLog? log) => log is null
        ? new PartitionProducers(ErrorCode.UnknownTopicOrPartition, [])
        : new PartitionProducers(ErrorCode.None, [.. log.Producers.Select(static entry => ActiveProducer.Of(entry.Key, entry.Value))]);
}

/// <summary>A producer that a partition remembers.</summary>
/// <param name="ProducerId">Its id.</param>
/// <param name="Epoch">Its epoch.</param>
/// <param name="LastSequence">The sequence number of its last record; −1 when none is remembered.</param>
/// <param name="LastWriteMs">When it last wrote, in ms of the database's clock.</param>
public readonly record struct ActiveProducer(long ProducerId, short Epoch, int LastSequence, long LastWriteMs)
{
    internal static ActiveProducer Of(long id, in ProducerState state) =>
        new(id, state.Epoch, state.Count == 0 ? -1 : state[state.Count - 1].LastSequence, state.LastWriteMs);
}

/// <summary>The answer for one partition: its ends, and the extents from the asked offset on (the first one holds it).</summary>
public sealed record PartitionExtents(LogEnds Ends, IReadOnlyList<ReadableExtent> Extents);

/// <summary>The answer to <see cref="SequencerMessage.ReadExtents"/>, one entry for each read, and the epoch it was given under.</summary>
public sealed record ReadExtentsReply(long Epoch, IReadOnlyList<PartitionExtents> Partitions);

/// <summary>The answer to <see cref="SequencerMessage.DeleteRecords"/>.</summary>
public readonly record struct DeleteRecordsReply(ErrorCode Error, long LowWatermark);

/// <summary>The answer to <see cref="SequencerMessage.ApplyRetention"/>: what was dropped, and whether nothing is left to drop.</summary>
public readonly record struct RetentionReply(int Extents, long Bytes, bool IsComplete);

/// <summary>The answer to <see cref="SequencerMessage.FindTimestamp"/>: the extent to look into, or none when no record is that late.</summary>
public sealed record TimestampReply(LogEnds Ends, ReadableExtent? Extent);

/// <summary>Somebody who waits for new records.</summary>
public interface IPartitionWatcher
{
    /// <summary>Whether it no longer waits, so that it can be forgotten.</summary>
    bool IsDone { get; }

    /// <summary>Something it watches has changed. Called from an actor's turn: must return at once. Thread-safe.</summary>
    void Signal();
}
