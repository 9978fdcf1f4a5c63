using System.Runtime.InteropServices;
using Warp.Protocol.Messages;

namespace Warp.Actors.Sequencing;

/// <summary>
/// The rules of a commit: which batch gets which offset, which is a duplicate, which must wait, which is refused. A function of the state
/// and the commit; nothing is changed.
/// </summary>
public static class CommitRules
{
    /// <summary>An object id further in the future than this means a broken clock.</summary>
    private static readonly TimeSpan MaxAhead = TimeSpan.FromSeconds(5);

    /// <summary>Decides a commit.</summary>
    public static CommitDecision Decide(SequencerState state, ObjectCommit commit, DateTimeOffset now, TimeSpan deadline)
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

        var draft = new CommitDraft(state, commit, now);
        for (int i = 0; i < commit.Batches.Count; i++)
            draft.Decide(i, commit.Batches[i], patience: Patience.Wait);
        return draft.Finish(commit.Number);
    }

    /// <summary>Decides one batch that was held back: again because its predecessor may have come, or for the last time.</summary>
    public static CommitDecision DecideHeld(SequencerState state, ObjectCommit commit, int index, DateTimeOffset now, Patience patience)
    {
        var draft = new CommitDraft(state, commit, now);
        draft.Decide(index, commit.Batches[index], patience);
        return draft.Finish(number: 0);
    }

    /// <summary>The offsets and producers as they would be after the batches decided so far.</summary>
    private sealed class CommitDraft(SequencerState state, ObjectCommit commit, DateTimeOffset now)
    {
        private readonly Dictionary<TopicPartition, long> _nextOffsets = [];
        private readonly Dictionary<(TopicPartition, long), ProducerState> _producers = [];
        private readonly Dictionary<TopicPartition, ObjectCommitted.CommittedPartition> _partitions = [];
        private readonly List<int> _held = [];
        private bool _anyAccepted;
        private bool _any;

        public void Decide(int index, in BatchToCommit batch, Patience patience)
        {
            if (state.Find(batch.Partition) is not { } log)
            {
                Answer(index, batch, ErrorCode.UnknownTopicOrPartition, -1, duplicate: false);
                return;
            }
            ref long nextOffset = ref CollectionsMarshal.GetValueRefOrAddDefault(_nextOffsets, batch.Partition, out bool drafted);
            if (!drafted)
                nextOffset = log.NextOffset;
            if (batch.ProducerId >= 0 && !DecideSequence(index, batch, log, nextOffset, patience))
                return;
            Answer(index, batch, ErrorCode.None, nextOffset, duplicate: false);
            nextOffset += batch.OffsetCount;
            _anyAccepted = true;
        }

        public CommitDecision Finish(long number)
        {
            if (!_any && number == 0)
                return new CommitDecision(CommitRefusal.None, null, null, _held, false);
            var committed = new ObjectCommitted
            {
                Time = now.ToUnixTimeMilliseconds(),
                ObjectId = commit.ObjectId.ToGuid(),
                ObjectSize = commit.SizeBytes,
                NodeId = commit.Node.NodeId,
                Incarnation = commit.Node.Incarnation,
                Number = number,
                BatchCount = commit.Batches.Count,
                // As they lie in the object, which is by topic and partition: what follows on each other needs fewer bytes.
                Partitions = [.. _partitions.Values.OrderBy(static partition => partition.Batches[0].Position)],
            };
            return new CommitDecision(CommitRefusal.None, null, committed, _held, _anyAccepted);
        }

        /// <summary>Whether an idempotent producer's batch may be appended; when not, it has been answered or held.</summary>
        private bool DecideSequence(int index, in BatchToCommit batch, PartitionLog log, long baseOffset, Patience patience)
        {
            ref ProducerState producer = ref CollectionsMarshal.GetValueRefOrAddDefault(_producers, (batch.Partition, batch.ProducerId), out bool drafted);
            if (!drafted)
                producer = log.ProducerOf(batch.ProducerId);
            SequenceVerdict verdict = producer.Judge(batch.ProducerEpoch, batch.BaseSequence, batch.OffsetCount, out long originalOffset);
            // A producer that nobody remembers (its state expired, its records were deleted) may go on where it was, as in Kafka; but the
            // batch may also have overtaken the first one, so it waits like any other that is ahead.
            if (verdict == SequenceVerdict.Ahead && producer.Count == 0 && patience == Patience.AtAnEnd)
                verdict = SequenceVerdict.InOrder;
            switch (verdict)
            {
                case SequenceVerdict.InOrder:
                    int last = ProducerState.LastSequence(batch.BaseSequence, batch.OffsetCount);
                    producer.Append(batch.ProducerEpoch, batch.BaseSequence, last, baseOffset, now.ToUnixTimeMilliseconds());
                    return true;
                case SequenceVerdict.Duplicate:
                    Answer(index, batch, ErrorCode.None, originalOffset, duplicate: true);
                    return false;
                case SequenceVerdict.Ahead when patience != Patience.AtAnEnd:
                    _held.Add(index);
                    return false;
                case SequenceVerdict.StaleEpoch:
                    Answer(index, batch, ErrorCode.InvalidProducerEpoch, -1, duplicate: false);
                    return false;
                default:
                    Answer(index, batch, ErrorCode.OutOfOrderSequenceNumber, -1, duplicate: false);
                    return false;
            }
        }

        private void Answer(int index, in BatchToCommit batch, ErrorCode error, long baseOffset, bool duplicate)
        {
            _any = true;
            ref ObjectCommitted.CommittedPartition? partition =
                ref CollectionsMarshal.GetValueRefOrAddDefault(_partitions, batch.Partition, out _);
            partition ??= new ObjectCommitted.CommittedPartition { TopicId = batch.Partition.TopicId, Partition = batch.Partition.Partition };
            partition.Batches.Add(new ObjectCommitted.CommittedBatch
            {
                Index = index,
                Error = error,
                Duplicate = duplicate,
                BaseOffset = baseOffset,
                Position = batch.Position,
                Length = batch.Length,
                OffsetCount = batch.OffsetCount,
                MaxTimestamp = batch.MaxTimestamp,
                ProducerId = batch.ProducerId,
                ProducerEpoch = batch.ProducerEpoch,
                BaseSequence = batch.BaseSequence,
            });
        }
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
/// <param name="Committed">The event to journal; null when there is nothing to.</param>
/// <param name="Held">Indexes of the batches that wait for their predecessors.</param>
/// <param name="AnyAccepted">Whether an extent results, so that the object must be kept.</param>
public sealed record CommitDecision(
    CommitRefusal Refusal, RecentCommit? Repeated, ObjectCommitted? Committed, IReadOnlyList<int> Held, bool AnyAccepted)
{
    internal static CommitDecision Refuse(CommitRefusal why) => new(why, null, null, [], false);

    internal static CommitDecision Repeat(RecentCommit known) => new(CommitRefusal.None, known, null, [], false);
}
