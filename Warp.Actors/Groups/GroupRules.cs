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
        var consumer = new ConsumerRules(turn);
        var emulation = new ClassicEmulation(turn, consumer);
        bool hasConsumers = turn.Image.Consumer is { Members.IsEmpty: false };
        switch (command)
        {
            case GroupCommand.ConsumerHeartbeat heartbeat:
                turn.Answer(replyId, consumer.Heartbeat(heartbeat));
                break;
            case GroupCommand.JoinGroup join:
                if (!emulation.TryJoin(join, replyId))
                    classic.Join(join, replyId);
                break;
            case GroupCommand.SyncGroup sync when hasConsumers:
                turn.Answer(replyId, emulation.Sync(sync));
                break;
            case GroupCommand.Heartbeat heartbeat when hasConsumers:
                turn.Answer(replyId, new GroupAnswer(emulation.Heartbeat(heartbeat)));
                break;
            case GroupCommand.LeaveGroup leave when hasConsumers:
                turn.Answer(replyId, new GroupAnswer.Each(ErrorCode.None, emulation.Leave(leave)));
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
                Tick(turn, classic, consumer);
                break;
        }
        classic.NoteLostMembers();
        return turn.ToDecision();
    }

    private static ErrorCode Delete(GroupTurn turn)
    {
        if (!turn.Exists)
            return ErrorCode.GroupIdNotFound;
        if (turn.Group.State != ClassicGroupState.Empty || turn.Image.Consumer is { Members.IsEmpty: false })
            return ErrorCode.NonEmptyGroup;
        Remove(turn);
        return ErrorCode.None;
    }

    private static void Tick(GroupTurn turn, ClassicRules classic, ConsumerRules consumer)
    {
        consumer.Expire();
        while (classic.ExpireNext())
        {
        }
        if (turn.ExpiryCheck <= turn.Now)
        {
            turn.ExpiryCheck = turn.After(turn.Context.Settings.OffsetsRetentionCheckInterval);
            new OffsetRules(turn).Expire();
            if (turn.Image is { Exists: true, Offsets.IsEmpty: true, Consumer: null or { Members.IsEmpty: true } }
                && turn.Group is { State: ClassicGroupState.Empty, PendingMembers.IsEmpty: true })
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
