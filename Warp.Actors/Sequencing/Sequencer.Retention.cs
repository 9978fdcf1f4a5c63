using System.Runtime.InteropServices;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;

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
        var changes = new Changes(decision.Events) { References = _state.ReferencesDroppedWith(CollectionsMarshal.AsSpan(decision.Dropped)) };
        Persist(
            retain,
            changes,
            () => retain.Reply.Set(
                new RetentionReply(decision.Dropped.Count, decision.Dropped.Sum(static extent => extent.Length), decision.IsComplete)),
            result => retain.Fail(new JournalException($"The journal refused to drop records: {result.Detail}")));
    }
}
