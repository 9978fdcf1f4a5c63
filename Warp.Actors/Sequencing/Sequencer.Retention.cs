using System.Runtime.InteropServices;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Actors.Sequencing;

public sealed partial class Sequencer
{
    private void Retain(SequencerMessage.ApplyRetention retain)
    {
        RetentionDecision decision = RetentionRules.Decide(_state, retain.Policies, Now.ToUnixTimeMilliseconds());
        if (decision.Events.Count == 0)
        {
            WhenOwner(prove: false, () => retain.Reply.Set(new RetentionReply(0, 0, IsComplete: true)), retain);
            return;
        }
        Persist(
            retain,
            ChangesOf(decision),
            () => retain.Reply.Set(
                new RetentionReply(decision.Dropped.Count, decision.Dropped.Sum(static extent => extent.Length), decision.IsComplete)),
            result => retain.Fail(new JournalException($"The journal refused to drop records: {result.Detail}")));
    }

    /// <summary>
    /// Drops some of the records of a topic that is to be deleted, if there are more than one write should drop: the shard's commits go in
    /// between.
    /// </summary>
    /// <returns>Whether it did; the message then comes again.</returns>
    private bool DropFirstOf(SequencerMessage.DeleteTopic delete)
    {
        var everything = new Dictionary<Guid, RetentionPolicy> { [delete.TopicId] = RetentionPolicy.KeepNothing };
        RetentionDecision decision = RetentionRules.Decide(_state, everything, Now.ToUnixTimeMilliseconds());
        if (decision.IsComplete)
            return false;
        Persist(delete, ChangesOf(decision), () => Self.Tell(delete), _ => delete.Reply.Set(ErrorCode.KafkaStorageError));
        return true;
    }

    private Changes ChangesOf(RetentionDecision decision) =>
        new(decision.Events) { References = _state.ReferencesDroppedWith(CollectionsMarshal.AsSpan(decision.Dropped)) };
}
