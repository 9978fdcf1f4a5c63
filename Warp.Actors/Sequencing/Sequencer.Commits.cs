using System.Runtime.InteropServices;
using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Actors.Sequencing;

public sealed partial class Sequencer
{
    // One commit is written at a time, so what it takes is kept for the next.
    private readonly CommitRules _rules = new();
    private readonly IReadOnlyList<IEvent> _committed;
    private readonly ObjectReference[] _newReference = new ObjectReference[1];
    private readonly Action _commitWritten;
    private readonly Action<WriteResult> _commitRefused;

    private void Commit(SequencerMessage.Commit message)
    {
        ObjectCommit commit = message.Object;
        CommitDecision decision = _rules.Decide(_state, commit, Now, Services.Times.CommitDeadline);
        if (decision.Committed is null)
            AnswerUnwritten(message, decision);
        else
            Persist(message, ChangesOf(commit, decision.AnyAccepted), _commitWritten, _commitRefused);
    }

    private void AnswerUnwritten(SequencerMessage.Commit message, CommitDecision decision) => WhenOwner(
        prove: false,
        () => message.Reply.Set(
            decision.Repeated is { } known ? Answer(message.Object, known) : new CommitReply(decision.Refusal, [])),
        message);

    private void CommitWritten()
    {
        var message = (SequencerMessage.Commit)Writing;
        message.Reply.Set(Answer(message.Object, _state.FindCommit(message.Object.ObjectId)!));
        Published(_rules.Committed);
    }

    private void CommitRefused(WriteResult result) => ((SequencerMessage.Commit)Writing).Reply.Set(
        new CommitReply(result.Refusal == WriteRefusal.TooLate ? CommitRefusal.TooLate : CommitRefusal.NotWritten, []));

    /// <summary>The answers of a journaled commit; batches without one are (again) held.</summary>
    private CommitReply Answer(ObjectCommit commit, RecentCommit known)
    {
        var outcomes = new RentedList<BatchOutcome>(commit.Batches.Count);
        for (int i = 0; i < outcomes.Count; i++)
        {
            outcomes.Items[i] = known.AnswerOf(i) is { } answer
                ? new BatchOutcome(answer with { LogStartOffset = _state.Find(commit.Batches[i].Partition)?.LogStartOffset ?? -1 })
                : new BatchOutcome(default, Hold(commit, i).Answer.Task);
        }
        return new CommitReply(CommitRefusal.None, outcomes);
    }

    private HeldBatch Hold(ObjectCommit commit, int index)
    {
        if (_held.Find(commit, index) is { } waiting)
            return waiting;
        bool full = _held.IsFull;
        HeldBatch held = _held.Add(commit, index);
        var retry = new SequencerMessage.RetryHeld(held.Batch.Partition, held.Batch.ProducerId);
        if (full)
            held.IsOverdue = true;
        else
            After(Services.Times.HeldBatch, EndWait);
        // Its predecessor may have been journaled while its own commit was.
        Self.Tell(retry);
        return held;

        void EndWait()
        {
            held.IsOverdue = true;
            Self.Tell(retry);
        }
    }

    /// <summary>Answers the first held batch of the producer that can be; each gets an event of its own.</summary>
    private void RetryHeld(SequencerMessage.RetryHeld retry)
    {
        IReadOnlyList<HeldBatch> waiting = _held.Of(retry.Partition, retry.ProducerId);
        // A producer that nobody remembers goes on with the lowest number that came, not with the one that came first.
        bool startsHere = _state.Find(retry.Partition)?.ProducerOf(retry.ProducerId).Count == 0 && waiting.Any(static held => held.IsOverdue);
        foreach (HeldBatch held in waiting)
        {
            Patience patience = held.IsOverdue || startsHere ? Patience.AtAnEnd : Patience.Wait;
            CommitDecision decision = _rules.DecideHeld(_state, held.Commit, held.Index, Now, patience);
            if (decision.Committed is null)
                continue;
            Persist(retry, ChangesOf(held.Commit, decision.AnyAccepted), () => Written(held), _ => Refused(held));
            return;
        }

        void Written(HeldBatch held)
        {
            _held.Remove(held);
            held.Answer.Set(_state.FindCommit(held.Commit.ObjectId)?.AnswerOf(held.Index) ?? BatchAnswer.Failed(ErrorCode.RequestTimedOut));
            Published(_rules.Committed);
            if (_held.Any(retry.Partition, retry.ProducerId))
                Self.Tell(retry);
        }

        void Refused(HeldBatch held)
        {
            _held.Remove(held);
            held.Answer.Set(BatchAnswer.Failed(ErrorCode.KafkaStorageError));
        }
    }

    /// <summary>Wakes those who wait for what has just been journaled.</summary>
    private void Published(ObjectCommitted committed)
    {
        TopicPartition? signaled = null;
        foreach (ref readonly ObjectCommitted.CommittedBatch batch in CollectionsMarshal.AsSpan(committed.Batches))
        {
            TopicPartition key = batch.Key;
            if (key != signaled)
                SignalWatchers(key);
            signaled = key;
            if (batch.ProducerId >= 0 && _held.Any(key, batch.ProducerId))
                Self.Tell(new SequencerMessage.RetryHeld(key, batch.ProducerId));
        }
    }

    /// <summary>What is written with the event that was decided last.</summary>
    private Changes ChangesOf(ObjectCommit commit, bool anyAccepted)
    {
        _newReference[0] = new ObjectReference(commit.ObjectId, commit.SizeBytes, 0, ReferenceChange.Add);
        return new Changes(_committed)
        {
            References = anyAccepted && !_state.Objects.ContainsKey(commit.ObjectId) ? _newReference : [],
            NotAfter = commit.ObjectId.Time + Services.Times.CommitDeadline,
        };
    }
}
