using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>The classic group protocol (KIP-62, 345, 394, 814): what members ask for.</summary>
internal sealed partial class ClassicRules(GroupTurn turn)
{
    /// <summary>
    /// How long a new member's join may wait. It may not know its id yet, so it can send no heartbeats; a client that gave up must not
    /// stay for ever.
    /// </summary>
    private static readonly TimeSpan s_newMemberJoinTimeout = TimeSpan.FromMinutes(5);

    private bool _hasRemoved;

    private ClassicGroup Group
    {
        get => turn.Group;
        set => turn.Group = value;
    }

    public ErrorCode Heartbeat(GroupCommand.Heartbeat heartbeat)
    {
        if (CheckMember(heartbeat.MemberId, heartbeat.InstanceId) is var error && error != ErrorCode.None)
            return error;
        if (heartbeat.Generation != Group.Generation)
            return ErrorCode.IllegalGeneration;
        ExtendSession(heartbeat.MemberId);
        return Group.State == ClassicGroupState.PreparingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;
    }

    public List<ErrorCode> Leave(GroupCommand.LeaveGroup leave)
    {
        List<ErrorCode> errors = [.. leave.Members.Select(LeaveOne)];
        if (!errors.Contains(ErrorCode.None))
            return errors;
        if (Group.State is ClassicGroupState.Stable or ClassicGroupState.CompletingRebalance)
            PrepareRebalance();
        else
            StartIfAllHaveJoined();
        return errors;
    }

    /// <summary>Whether the request is from the member that it says.</summary>
    public ErrorCode CheckMember(string memberId, string? instanceId)
    {
        if (instanceId is not null)
        {
            if (!Group.StaticMembers.TryGetValue(instanceId, out string? current))
                return ErrorCode.UnknownMemberId;
            if (current != memberId)
                return ErrorCode.FencedInstanceId;
        }
        return Group.Members.ContainsKey(memberId) ? ErrorCode.None : ErrorCode.UnknownMemberId;
    }

    /// <summary>Notes a sign of life.</summary>
    public void ExtendSession(string memberId)
    {
        LiveMember member = Group.Members[memberId];
        Put(member with { SessionDeadline = turn.After(TimeSpan.FromMilliseconds(member.Info.SessionTimeoutMs)) });
    }

    /// <summary>Journals who has left, so that after a restart the others rebalance at once and not when its session ends.</summary>
    public void NoteLostMembers()
    {
        if (!_hasRemoved || Group.State != ClassicGroupState.PreparingRebalance)
            return;
        List<string> lost = [.. turn.Image.Members.Select(static member => member.Id).Where(id => !Group.Members.ContainsKey(id))];
        if (lost.Count > 0)
            turn.Record(new ClassicMembersLeft { Time = turn.Context.Now.EpochMs, MemberIds = lost });
    }

    private ErrorCode LeaveOne(LeavingMember leaving)
    {
        string memberId = leaving.MemberId;
        if (memberId.Length == 0)
        {
            // An administrator's: static members are known by their instance id.
            if (leaving.InstanceId is null || !Group.StaticMembers.TryGetValue(leaving.InstanceId, out memberId!))
                return ErrorCode.UnknownMemberId;
        }
        else if (Group.PendingMembers.ContainsKey(memberId))
        {
            Group = Group with { PendingMembers = Group.PendingMembers.Remove(memberId) };
            return ErrorCode.None;
        }
        else if (CheckMember(memberId, leaving.InstanceId) is var error && error != ErrorCode.None)
        {
            return error;
        }
        Remove(memberId);
        return ErrorCode.None;
    }

    private void Put(LiveMember member)
    {
        ClassicGroup group = Group;
        bool wasJoining = group.Members.TryGetValue(member.Info.Id, out LiveMember? old) && old.JoinReply is not null;
        Group = group with
        {
            Members = group.Members.SetItem(member.Info.Id, member),
            JoiningCount = group.JoiningCount + (member.JoinReply is null ? 0 : 1) - (wasJoining ? 1 : 0),
        };
    }

    /// <summary>Takes a member out. If it still waits for an answer, it is told that it is no member, and may join again.</summary>
    private void Remove(string memberId)
    {
        if (!Group.Members.TryGetValue(memberId, out LiveMember? member))
            return;
        _hasRemoved = true;
        if (member.JoinReply is { } join)
            turn.Answer(join, new GroupAnswer.JoinGroup(ErrorCode.UnknownMemberId, ""));
        if (member.SyncReply is { } sync)
            turn.Answer(sync, new GroupAnswer.SyncGroup(ErrorCode.UnknownMemberId));
        ClassicGroup group = Group;
        group = group with
        {
            Members = group.Members.Remove(memberId),
            StaticMembers = member.Info.InstanceId is { } instance ? group.StaticMembers.Remove(instance) : group.StaticMembers,
            PendingSyncs = group.PendingSyncs.Remove(memberId),
            JoiningCount = group.JoiningCount - (member.JoinReply is null ? 0 : 1),
        };
        Group = group with { LeaderId = group.LeaderId == memberId ? group.MembersInOrder.FirstOrDefault()?.Info.Id : group.LeaderId };
    }
}
