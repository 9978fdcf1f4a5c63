namespace Warp.Actors.Groups;

/// <content>What happens because of time alone.</content>
internal sealed partial class ClassicRules
{
    /// <summary>Lets the deadline expire that is due for the longest time; false when none is due.</summary>
    public bool ExpireNext()
    {
        TimeSpan earliest = turn.Now;
        Action? expire = null;
        foreach ((string memberId, LiveMember member) in Group.Members)
            Consider(member.SessionDeadline, () => ExpireSession(memberId));
        foreach ((string memberId, TimeSpan deadline) in Group.PendingMembers)
            Consider(deadline, () => ExpirePending(memberId));
        Consider(Group.JoinDeadline, ExpireJoin);
        Consider(Group.SyncDeadline, ExpireSync);
        expire?.Invoke();
        return expire is not null;

        void Consider(TimeSpan? deadline, Action action)
        {
            if (deadline is { } due && (due < earliest || (due == earliest && expire is null)))
            {
                earliest = due;
                expire = action;
            }
        }
    }

    private void ExpireSession(string memberId)
    {
        LiveMember member = Group.Members[memberId];
        if (!member.IsNew && (member.JoinReply is not null || member.SyncReply is not null))
        {
            // Who waits for an answer cannot send heartbeats; with the answer a new session begins.
            Put(member with { SessionDeadline = null });
            return;
        }
        turn.Note($"{memberId} is removed: no heartbeat for its session timeout of {member.Info.SessionTimeoutMs} ms");
        Remove(memberId);
        if (Group.State is ClassicGroupState.Stable or ClassicGroupState.CompletingRebalance)
            PrepareRebalance();
        else if (Group is { State: ClassicGroupState.PreparingRebalance, AllHaveJoined: true })
            StartGeneration();
    }

    private void ExpirePending(string memberId)
    {
        Group = Group with { PendingMembers = Group.PendingMembers.Remove(memberId) };
        if (Group is { State: ClassicGroupState.PreparingRebalance, AllHaveJoined: true })
            StartGeneration();
    }

    private void ExpireJoin()
    {
        ClassicGroup group = Group;
        if (!group.IsInitialRebalance || !group.HasNewMember || group.InitialDelayLeft == TimeSpan.Zero)
        {
            StartGeneration();
            return;
        }
        TimeSpan full = turn.Context.Settings.InitialRebalanceDelay;
        TimeSpan delay = full < group.InitialDelayLeft ? full : group.InitialDelayLeft;
        TimeSpan left = group.InitialDelayLeft - group.InitialDelay;
        Group = group with
        {
            HasNewMember = false,
            InitialDelay = delay,
            InitialDelayLeft = left > TimeSpan.Zero ? left : TimeSpan.Zero,
            JoinDeadline = turn.After(delay),
        };
    }

    private void ExpireSync()
    {
        foreach (string memberId in Group.PendingSyncs)
        {
            turn.Note($"{memberId} is removed: it did not ask for its assignment within the rebalance timeout");
            Remove(memberId);
        }
        PrepareRebalance();
    }
}
