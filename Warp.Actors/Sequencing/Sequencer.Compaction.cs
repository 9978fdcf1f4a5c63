using Warp.Actors.Persistence;

namespace Warp.Actors.Sequencing;

public sealed partial class Sequencer
{
    private void Replace(SequencerMessage.ReplaceExtents message)
    {
        ExtentReplacement swap = message.Swap;
        SwapDecision decision = SwapRules.Decide(_state, swap, Now, Services.Times.CommitDeadline);
        if (decision.Replaced is not { } replaced)
        {
            WhenOwner(prove: false, () => message.Reply.Set(new ReplaceReply(decision.Refusal, decision.Answers)), message);
            return;
        }
        var changes = new Changes([replaced])
        {
            References = decision.References,
            NotAfter = swap.SwapId.Time + Services.Times.CommitDeadline,
        };
        Persist(message, changes, () => message.Reply.Set(new ReplaceReply(SwapRefusal.None, decision.Answers)), Refused);

        void Refused(WriteResult result) => message.Reply.Set(new ReplaceReply(
            result.Refusal switch
            {
                WriteRefusal.TooLate => SwapRefusal.TooLate,
                WriteRefusal.ObjectDeleting => SwapRefusal.OutputGone,
                _ => SwapRefusal.NotWritten,
            }, []));
    }
}
