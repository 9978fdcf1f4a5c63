using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>The rules of a group, as Kafka's coordinator has them. Functions of state, command and time; nothing is changed.</summary>
public static class GroupRules
{
    /// <summary>Decides a command.</summary>
    /// <param name="state">Not changed.</param>
    /// <param name="command">What is asked.</param>
    /// <param name="replyId">Never used before for this group: an answer that has to wait is known by it.</param>
    /// <param name="context">Time, settings, and the topics that there are.</param>
    public static GroupDecision Decide(GroupState state, GroupCommand command, long replyId, GroupContext context)
    {
        var turn = new GroupTurn(state, context);
        var classic = new ClassicRules(turn);
        switch (command)
        {
            case GroupCommand.JoinGroup join:
                classic.Join(join, replyId);
                break;
            case GroupCommand.SyncGroup sync:
                classic.Sync(sync, replyId);
                break;
            case GroupCommand.Heartbeat heartbeat:
                turn.Answer(replyId, new GroupAnswer(classic.Heartbeat(heartbeat)));
                break;
            case GroupCommand.LeaveGroup leave:
                turn.Answer(replyId, new GroupAnswer.Each(ErrorCode.None, classic.Leave(leave)));
                break;
            case GroupCommand.CommitOffsets commit:
                turn.Answer(replyId, new OffsetRules(turn).Commit(commit));
                break;
            case GroupCommand.DeleteOffsets delete:
                turn.Answer(replyId, new OffsetRules(turn).Delete(delete));
                break;
            case GroupCommand.DeleteGroup:
                turn.Answer(replyId, new GroupAnswer(Delete(turn)));
                break;
            case GroupCommand.Tick:
                Tick(turn, classic);
                break;
        }
        classic.NoteLostMembers();
        return turn.ToDecision();
    }

    private static ErrorCode Delete(GroupTurn turn)
    {
        if (!turn.Exists)
            return ErrorCode.GroupIdNotFound;
        if (turn.Group.State != ClassicGroupState.Empty)
            return ErrorCode.NonEmptyGroup;
        Remove(turn);
        return ErrorCode.None;
    }

    private static void Tick(GroupTurn turn, ClassicRules classic)
    {
        while (classic.ExpireNext())
        {
        }
        if (turn.ExpiryCheck <= turn.Now)
        {
            turn.ExpiryCheck = turn.After(turn.Context.Settings.OffsetsRetentionCheckInterval);
            new OffsetRules(turn).Expire();
            if (turn.Image is { Exists: true, Offsets.IsEmpty: true } && turn.Group is { State: ClassicGroupState.Empty, PendingMembers.IsEmpty: true })
                Remove(turn);
        }
        turn.ResetWake();
    }

    private static void Remove(GroupTurn turn)
    {
        if (turn.Image.Exists)
            turn.Record(new GroupDeleted { Time = turn.Context.Now.EpochMs });
        turn.Group = new ClassicGroup { Generation = turn.Group.Generation };
    }
}
