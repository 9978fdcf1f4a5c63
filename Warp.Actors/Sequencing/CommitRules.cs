using System.Runtime.InteropServices;
using Warp.Protocol.Messages;

namespace Warp.Actors.Sequencing;

/// <summary>
/// The rules of a commit: which batch gets which offset, which is a duplicate, which must wait, which is refused. A function of the state
/// and the commit; nothing of these is changed. The event of a decision is kept for the next one: by then it must have been applied.
/// </summary>
public sealed class CommitRules
{
    /// <summary>An object id further in the future than this means a broken clock.</summary>
    private static readonly TimeSpan MaxAhead = TimeSpan.FromSeconds(5);

    /// <summary>As batches lie in their object.</summary>
    private static readonly Comparison<ObjectCommitted.CommittedBatch> s_byPlace = static (one, other) =>
        one.TopicId != other.TopicId ? one.TopicId.CompareTo(other.TopicId)
        : one.Partition != other.Partition ? one.Partition.CompareTo(other.Partition)
        : one.Index.CompareTo(other.Index);

    /// <summary>Those of the partition whose batches are being decided, as they would be after the batches decided so far.</summary>
    private readonly Dictionary<long, ProducerState> _producers = [];

    /// <summary>The event of the last decision that had one.</summary>
    public ObjectCommitted Committed { get; } = new();

    /// <summary>Decides a commit.</summary>
    public CommitDecision Decide(SequencerState state, ObjectCommit commit, DateTimeOffset now, TimeSpan deadline)
    {
        if (state.FindCommit(commit.ObjectId) is { } known)
            return CommitDecision.Repeat(known);
        if (commit.ObjectId.Time - now > MaxAhead)
            return CommitDecision.Refuse(CommitRefusal.FromTheFuture);
        if (now - commit.ObjectId.Time > deadline)
            return CommitDecision.Refuse(CommitRefusal.TooLate);
        // A number between the two may have been given up by the node and journaled all the same; one before them must not be missing.
        long last = state.LastCommitOf(commit.Node);
        if (commit.PreviousNumber > last || commit.Number <= last)
            return CommitDecision.Refuse(CommitRefusal.OutOfTurn);

        Begin(commit, commit.Number, now);
        for (int i = 0; i < commit.Batches.Count; i++)
            Add(i, commit.Batches[i]);
        // By partition, each of which is looked up once. What follows on each other in the object also needs fewer bytes.
        Committed.Batches.Sort(s_byPlace);
        return DecideBatches(state, Patience.Wait);
    }

    /// <summary>Decides one batch that was held back: again because its predecessor may have come, or for the last time.</summary>
    public CommitDecision DecideHeld(SequencerState state, ObjectCommit commit, int index, DateTimeOffset now, Patience patience)
    {
        Begin(commit, number: 0, now);
        Add(index, commit.Batches[index]);
        return DecideBatches(state, patience);
    }

    private void Begin(ObjectCommit commit, long number, DateTimeOffset now)
    {
        Committed.Time = now.ToUnixTimeMilliseconds();
        Committed.ObjectId = commit.ObjectId.ToGuid();
        Committed.ObjectSize = commit.SizeBytes;
        Committed.NodeId = commit.Node.NodeId;
        Committed.Incarnation = commit.Node.Incarnation;
        Committed.Number = number;
        Committed.BatchCount = commit.Batches.Count;
        Committed.Batches.Clear();
    }

    private void Add(int index, in BatchToCommit batch) => Committed.Batches.Add(new ObjectCommitted.CommittedBatch
    {
        TopicId = batch.Partition.TopicId,
        Partition = batch.Partition.Partition,
        Index = index,
        BaseOffset = -1,
        Position = batch.Position,
        Length = batch.Length,
        OffsetCount = batch.OffsetCount,
        MaxTimestamp = batch.MaxTimestamp,
        ProducerId = batch.ProducerId,
        ProducerEpoch = batch.ProducerEpoch,
        BaseSequence = batch.BaseSequence,
    });

    private CommitDecision DecideBatches(SequencerState state, Patience patience)
    {
        Span<ObjectCommitted.CommittedBatch> batches = CollectionsMarshal.AsSpan(Committed.Batches);
        List<int>? held = null;
        bool anyAccepted = false;
        int answered = 0;
        TopicPartition? current = null;
        PartitionLog? log = null;
        long nextOffset = 0;
        foreach (ref ObjectCommitted.CommittedBatch batch in batches)
        {
            if (batch.Key != current)
            {
                current = batch.Key;
                log = state.Find(batch.Key);
                nextOffset = log?.NextOffset ?? 0;
                _producers.Clear();
            }
            if (!TryAnswer(ref batch, log, nextOffset, patience))
            {
                (held ??= []).Add(batch.Index);
                continue;
            }
            if (batch is { Error: ErrorCode.None, Duplicate: false })
            {
                nextOffset += batch.OffsetCount;
                anyAccepted = true;
            }
            batches[answered++] = batch;
        }
        Committed.Batches.RemoveRange(answered, batches.Length - answered);
        bool isEvent = answered > 0 || Committed.Number > 0;
        return new CommitDecision(CommitRefusal.None, null, isEvent ? Committed : null, held ?? (IReadOnlyList<int>)[], anyAccepted);
    }

    /// <summary>Gives a batch its offset, that of the first time, or an error; false when it has to wait.</summary>
    private bool TryAnswer(ref ObjectCommitted.CommittedBatch batch, PartitionLog? log, long nextOffset, Patience patience)
    {
        if (log is null)
        {
            batch.Error = ErrorCode.UnknownTopicOrPartition;
            return true;
        }
        SequenceVerdict verdict = SequenceVerdict.InOrder;
        long offset = nextOffset;
        if (batch.ProducerId >= 0)
            verdict = Judge(batch, log, patience, ref offset);
        switch (verdict)
        {
            case SequenceVerdict.InOrder:
                batch.BaseOffset = offset;
                return true;
            case SequenceVerdict.Duplicate:
                batch.BaseOffset = offset;
                batch.Duplicate = true;
                return true;
            case SequenceVerdict.Ahead when patience != Patience.AtAnEnd:
                return false;
            case SequenceVerdict.StaleEpoch:
                batch.Error = ErrorCode.InvalidProducerEpoch;
                return true;
            default:
                batch.Error = ErrorCode.OutOfOrderSequenceNumber;
                return true;
        }
    }

    /// <summary>Judges a batch of an idempotent producer, and notes it when it is the next one.</summary>
    /// <param name="batch">The batch.</param>
    /// <param name="log">Its partition.</param>
    /// <param name="patience">Whether it could still wait.</param>
    /// <param name="offset">What its offset would be; that of the first time when it is a duplicate.</param>
    private SequenceVerdict Judge(in ObjectCommitted.CommittedBatch batch, PartitionLog log, Patience patience, ref long offset)
    {
        ref ProducerState producer = ref CollectionsMarshal.GetValueRefOrAddDefault(_producers, batch.ProducerId, out bool drafted);
        if (!drafted)
            producer = log.ProducerOf(batch.ProducerId);
        SequenceVerdict verdict = producer.Judge(batch.ProducerEpoch, batch.BaseSequence, batch.OffsetCount, out long originalOffset);
        // A producer that nobody remembers (its state expired, its records were deleted) may go on where it was, as in Kafka; but the
        // batch may also have overtaken the first one, so it waits like any other that is ahead.
        if (verdict == SequenceVerdict.Ahead && producer.Count == 0 && patience == Patience.AtAnEnd)
            verdict = SequenceVerdict.InOrder;
        if (verdict == SequenceVerdict.InOrder)
        {
            int last = ProducerState.LastSequence(batch.BaseSequence, batch.OffsetCount);
            producer.Append(batch.ProducerEpoch, batch.BaseSequence, last, offset, Committed.Time);
        }
        else if (verdict == SequenceVerdict.Duplicate)
        {
            offset = originalOffset;
        }
        return verdict;
    }
}

/// <summary>How a batch that is ahead of its predecessor is treated.</summary>
public enum Patience
{
    /// <summary>It waits.</summary>
    Wait,

    /// <summary>It has waited long enough and is answered now.</summary>
    AtAnEnd,
}

/// <summary>What <see cref="CommitRules"/> decided.</summary>
/// <param name="Refusal">Why the whole commit counts for nothing, or None.</param>
/// <param name="Repeated">The answers of the first time, when the commit was seen before.</param>
/// <param name="Committed">The event to journal, which is good until the next decision; null when there is nothing to.</param>
/// <param name="Held">Indexes of the batches that wait for their predecessors, in no order.</param>
/// <param name="AnyAccepted">Whether an extent results, so that the object must be kept.</param>
public readonly record struct CommitDecision(
    CommitRefusal Refusal, RecentCommit? Repeated, ObjectCommitted? Committed, IReadOnlyList<int> Held, bool AnyAccepted)
{
    internal static CommitDecision Refuse(CommitRefusal why) => new(why, null, null, [], false);

    internal static CommitDecision Repeat(RecentCommit known) => new(CommitRefusal.None, known, null, [], false);
}
