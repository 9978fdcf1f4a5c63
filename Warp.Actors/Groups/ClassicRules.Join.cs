using System.Collections.Immutable;
using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <content>JoinGroup.</content>
internal sealed partial class ClassicRules
{
    public void Join(GroupCommand.JoinGroup join, long replyId)
    {
        GroupSettings settings = turn.Context.Settings;
        if (join.SessionTimeoutMs < settings.MinSessionTimeoutMs || join.SessionTimeoutMs > settings.MaxSessionTimeoutMs)
        {
            Refuse(ErrorCode.InvalidSessionTimeout);
        }
        else if (!turn.Exists && !join.MayCreate)
        {
            Refuse(ErrorCode.UnknownMemberId);
        }
        else if (!HasRoomFor(join.MemberId))
        {
            Remove(join.MemberId);
            turn.Answer(replyId, new GroupAnswer.JoinGroup(ErrorCode.GroupMaxSizeReached, ""));
        }
        else if (!SupportsAny(join.ProtocolType, join.Protocols))
        {
            Refuse(ErrorCode.InconsistentGroupProtocol);
        }
        else if (join.MemberId.Length == 0)
        {
            JoinNew(join, replyId);
        }
        else if (Group.PendingMembers.ContainsKey(join.MemberId))
        {
            // Ids are given out beforehand to dynamic members only; Kafka fails on this one too.
            if (join.InstanceId is not null)
                Refuse(ErrorCode.UnknownServerError);
            else
                Add(join, join.MemberId, replyId);
        }
        else if (CheckMember(join.MemberId, join.InstanceId) is var error && error != ErrorCode.None)
        {
            Refuse(error);
        }
        else
        {
            Rejoin(join, Group.Members[join.MemberId], replyId);
        }

        void Refuse(ErrorCode error) => turn.Answer(replyId, new GroupAnswer.JoinGroup(error, join.MemberId));
    }

    /// <summary>
    /// Known members have room, and so have others up to the limit. While members gather it is those gathered that count, because a limit
    /// that was lowered can only be reached by leaving out the last to rejoin.
    /// </summary>
    private bool HasRoomFor(string memberId) => Group.State switch
    {
        ClassicGroupState.Empty => true,
        ClassicGroupState.PreparingRebalance =>
            Group.Members.GetValueOrDefault(memberId)?.JoinReply is not null || Group.JoiningCount < turn.Context.Settings.MaxSize,
        _ => Group.Members.ContainsKey(memberId) || Group.Members.Count < turn.Context.Settings.MaxSize,
    };

    private bool SupportsAny(string protocolType, ImmutableArray<ClassicProtocol> protocols) => Group.State == ClassicGroupState.Empty
        ? protocolType.Length > 0 && protocols.Length > 0
        : protocolType == Group.ProtocolType
            && protocols.Any(protocol => Group.Members.Values.All(member => member.Info.Supports(protocol.Name)));

    private void JoinNew(GroupCommand.JoinGroup join, long replyId)
    {
        string newId = $"{join.InstanceId ?? join.ClientId}-{join.UniqueId}";
        if (join.InstanceId is not null)
        {
            if (Group.StaticMembers.TryGetValue(join.InstanceId, out string? oldId))
                Replace(join, Group.Members[oldId], newId, replyId);
            else
                Add(join, newId, replyId);
        }
        else if (join.RequiresKnownMemberId)
        {
            TimeSpan deadline = turn.After(TimeSpan.FromMilliseconds(join.SessionTimeoutMs));
            Group = Group with { PendingMembers = Group.PendingMembers.SetItem(newId, deadline) };
            turn.Answer(replyId, new GroupAnswer.JoinGroup(ErrorCode.MemberIdRequired, newId));
        }
        else
        {
            Add(join, newId, replyId);
        }
    }

    private void Add(GroupCommand.JoinGroup join, string memberId, long replyId)
    {
        ClassicGroup group = Group;
        Group = group with
        {
            ProtocolType = group.Members.IsEmpty ? join.ProtocolType : group.ProtocolType,
            LeaderId = group.LeaderId ?? memberId,
            StaticMembers = join.InstanceId is { } instance ? group.StaticMembers.SetItem(instance, memberId) : group.StaticMembers,
            PendingMembers = group.PendingMembers.Remove(memberId),
            HasNewMember = group.HasNewMember || group.IsInitialRebalance,
            AddedCount = group.AddedCount + 1,
        };
        var info = new ClassicMember
        {
            Id = memberId,
            InstanceId = join.InstanceId,
            ClientId = join.ClientId,
            ClientHost = join.ClientHost,
            SessionTimeoutMs = join.SessionTimeoutMs,
            RebalanceTimeoutMs = join.RebalanceTimeoutMs,
            Protocols = join.Protocols,
        };
        Put(new LiveMember(info, group.AddedCount)
        {
            JoinReply = replyId,
            IsNew = true,
            SessionDeadline = turn.After(s_newMemberJoinTimeout),
        });
        RebalanceOrStart();
    }

    private void Rejoin(GroupCommand.JoinGroup join, LiveMember member, long replyId)
    {
        bool isLeader = Group.LeaderId == member.Info.Id;
        bool isSame = member.Info.HasSameProtocols(join.Protocols);
        switch (Group.State)
        {
            // It may have missed the answer to its join: it gets it again.
            case ClassicGroupState.CompletingRebalance when isSame:
            // A leader that comes again wants to assign anew: something that only it can see has changed.
            case ClassicGroupState.Stable when isSame && !isLeader:
                turn.Answer(replyId, Joined(member.Info.Id));
                break;
            default:
                Put(Await(member, join, replyId));
                RebalanceOrStart();
                break;
        }
    }

    /// <summary>A static member is back under a new id. Its predecessor, should it still be there, is fenced.</summary>
    private void Replace(GroupCommand.JoinGroup join, LiveMember old, string newId, long replyId)
    {
        string oldId = old.Info.Id;
        if (old.JoinReply is { } waitingJoin)
            turn.Answer(waitingJoin, new GroupAnswer.JoinGroup(ErrorCode.FencedInstanceId, oldId));
        if (old.SyncReply is { } waitingSync)
            turn.Answer(waitingSync, new GroupAnswer.SyncGroup(ErrorCode.FencedInstanceId));
        string? oldLeader = Group.LeaderId;
        ClassicGroup group = Group;
        Group = group with
        {
            Members = group.Members.Remove(oldId),
            JoiningCount = group.JoiningCount - (old.JoinReply is null ? 0 : 1),
            StaticMembers = group.StaticMembers.SetItem(join.InstanceId!, newId),
            PendingSyncs = group.PendingSyncs.Remove(oldId),
            LeaderId = oldLeader == oldId ? newId : oldLeader,
        };
        LiveMember member = old with { Info = old.Info with { Id = newId }, JoinReply = null, SyncReply = null, IsNew = false };
        member = Await(member, join, replyId) with { SessionDeadline = turn.After(TimeSpan.FromMilliseconds(join.SessionTimeoutMs)) };
        Put(member);
        if (Group.State != ClassicGroupState.Stable || SelectProtocol() != Group.ProtocolName)
        {
            RebalanceOrStart();
            return;
        }
        turn.Record(new ClassicStaticMemberReplaced
        {
            Time = turn.Context.Now.EpochMs,
            OldMemberId = oldId,
            Member = member.Info.ToRecord(),
        });
        Put(member with { JoinReply = null });
        // A leader would assign, which the stable group would ignore: it is told not to, or (before that could be said) not that it leads.
        turn.Answer(replyId, join.CanSkipAssignment
            ? Joined(newId) with { SkipAssignment = Group.LeaderId == newId }
            : Joined(newId) with { LeaderId = oldLeader ?? "", Members = [] });
    }

    /// <summary>The member as it asks to be now, waiting for the next generation.</summary>
    private LiveMember Await(LiveMember member, GroupCommand.JoinGroup join, long replyId)
    {
        if (member.JoinReply is { } superseded)
            turn.Answer(superseded, new GroupAnswer.JoinGroup(ErrorCode.RebalanceInProgress, member.Info.Id));
        return member with
        {
            Info = member.Info with
            {
                Protocols = join.Protocols,
                SessionTimeoutMs = join.SessionTimeoutMs,
                RebalanceTimeoutMs = join.RebalanceTimeoutMs,
            },
            JoinReply = replyId,
        };
    }

    private GroupAnswer.JoinGroup Joined(string memberId) => new(ErrorCode.None, memberId)
    {
        Generation = Group.Generation,
        ProtocolType = Group.ProtocolType,
        ProtocolName = Group.ProtocolName,
        LeaderId = Group.LeaderId ?? "",
        Members = Group.LeaderId != memberId
            ? []
            : [.. Group.MembersInOrder.Select(member =>
                new JoinedMember(member.Info.Id, member.Info.InstanceId, member.Info.MetadataFor(Group.ProtocolName)))],
    };
}
