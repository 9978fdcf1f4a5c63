using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <content>SyncGroup.</content>
internal sealed partial class ClassicRules
{
    public void Sync(GroupCommand.SyncGroup sync, long replyId)
    {
        ErrorCode error = Check(sync);
        if (error != ErrorCode.None)
        {
            turn.Answer(replyId, new GroupAnswer.SyncGroup(error));
            return;
        }
        Group = Group with { PendingSyncs = Group.PendingSyncs.Remove(sync.MemberId) };
        if (Group.PendingSyncs.IsEmpty)
            Group = Group with { SyncDeadline = null };
        LiveMember member = Group.Members[sync.MemberId];
        if (Group.State == ClassicGroupState.Stable)
        {
            turn.Answer(replyId, Synced(member));
            return;
        }
        if (member.SyncReply is { } superseded)
            turn.Answer(superseded, new GroupAnswer.SyncGroup(ErrorCode.RebalanceInProgress));
        Put(member with { SyncReply = replyId });
        if (Group.LeaderId == sync.MemberId)
            Assign(sync);
    }

    private ErrorCode Check(GroupCommand.SyncGroup sync)
    {
        if (CheckMember(sync.MemberId, sync.InstanceId) is var error && error != ErrorCode.None)
            return error;
        if (sync.Generation != Group.Generation)
            return ErrorCode.IllegalGeneration;
        if (IsOther(sync.ProtocolType, Group.ProtocolType) || IsOther(sync.ProtocolName, Group.ProtocolName))
            return ErrorCode.InconsistentGroupProtocol;
        return Group.State == ClassicGroupState.PreparingRebalance ? ErrorCode.RebalanceInProgress : ErrorCode.None;

        static bool IsOther(string? given, string? current) => given is not null && current is not null && given != current;
    }

    private void Assign(GroupCommand.SyncGroup sync)
    {
        var assignments = new Dictionary<string, ReadOnlyMemory<byte>>();
        foreach ((string memberId, ReadOnlyMemory<byte> assignment) in sync.Assignments)
            assignments[memberId] = assignment;
        if (SizeOf(assignments) > turn.Context.Settings.MaxAssignmentBytes)
        {
            AnswerSyncs(ErrorCode.UnknownServerError);
            PrepareRebalance();
            return;
        }
        turn.Record(new ClassicAssigned
        {
            Time = turn.Context.Now.EpochMs,
            Assignments = [.. Group.MembersInOrder.Select(member => new ClassicAssigned.ClassicAssignedMember
            {
                MemberId = member.Info.Id,
                Assignment = assignments.GetValueOrDefault(member.Info.Id),
            })],
        });
        Group = Group with { State = ClassicGroupState.Stable };
        foreach (LiveMember member in Group.MembersInOrder)
            Put(member with { Info = member.Info with { Assignment = assignments.GetValueOrDefault(member.Info.Id) } });
        AnswerSyncs(ErrorCode.None);
    }

    /// <summary>Answers those who wait for an assignment; from now on they can send heartbeats again.</summary>
    private void AnswerSyncs(ErrorCode error)
    {
        foreach (LiveMember member in Group.MembersInOrder)
        {
            if (member.SyncReply is not { } sync)
                continue;
            turn.Answer(sync, error == ErrorCode.None ? Synced(member) : new GroupAnswer.SyncGroup(error));
            Put(member with { SyncReply = null, SessionDeadline = turn.After(TimeSpan.FromMilliseconds(member.Info.SessionTimeoutMs)) });
        }
    }

    private GroupAnswer.SyncGroup Synced(LiveMember member) => new(ErrorCode.None)
    {
        ProtocolType = Group.ProtocolType,
        ProtocolName = Group.ProtocolName,
        Assignment = member.Info.Assignment,
    };

    /// <summary>What the group would take in Kafka's record of it: subscriptions and assignments.</summary>
    private long SizeOf(Dictionary<string, ReadOnlyMemory<byte>> assignments) => Group.Members.Values.Sum(member =>
        (long)assignments.GetValueOrDefault(member.Info.Id).Length + member.Info.MetadataFor(Group.ProtocolName).Length
        + member.Info.Id.Length + member.Info.ClientId.Length + member.Info.ClientHost.Length);
}
