using System.Collections.Immutable;
using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>
/// The classic protocol for members of a group of the consumer protocol: to them it looks as if another member led the group and assigned.
/// </summary>
internal sealed class ClassicEmulation(GroupTurn turn, ConsumerRules consumer)
{
    private ConsumerGroup Group => turn.Image.Consumer!;

    /// <summary>Lets a classic member in; false when the group is a classic one (perhaps because of this), whose rules then apply.</summary>
    public bool TryJoin(GroupCommand.JoinGroup join, long replyId)
    {
        if (turn.Image.Consumer is null)
            return false;
        ClassicSubscription? subscription = join.ProtocolType == ConsumerSubscription.ProtocolType && join.Protocols.Length > 0
            ? ConsumerPayloads.ReadSubscription(join.Protocols[0].Metadata, turn.Context.Catalog)
            : null;
        if (subscription is not null && LastConsumer() is { } last && join.MemberId.Length == 0 && last.InstanceId == join.InstanceId)
            consumer.Remove([last.Id]);
        if (turn.Image.Consumer is { Members.IsEmpty: true } && join.MayCreate)
            new GroupConversion(turn).StartClassic();
        if (turn.Image.Consumer is not { Members.IsEmpty: false })
            return false;
        turn.Answer(replyId, Join(join, subscription));
        return true;
    }

    public GroupAnswer.SyncGroup Sync(GroupCommand.SyncGroup sync)
    {
        ErrorCode error = Find(sync.MemberId, sync.InstanceId, sync.Generation, out ConsumerMember member);
        if (error != ErrorCode.None)
            return new GroupAnswer.SyncGroup(error);
        string protocol = member.Classic!.Protocols[0].Name;
        if ((sync.ProtocolType ?? ConsumerSubscription.ProtocolType) != ConsumerSubscription.ProtocolType || (sync.ProtocolName ?? protocol) != protocol)
            return new GroupAnswer.SyncGroup(ErrorCode.InconsistentGroupProtocol);
        if (member.Epoch < Group.Epoch && member.State != ConsumerMemberState.UnrevokedPartitions)
        {
            CallToJoin(member);
            return new GroupAnswer.SyncGroup(ErrorCode.RebalanceInProgress);
        }
        Hear(member, null);
        return new GroupAnswer.SyncGroup(ErrorCode.None)
        {
            ProtocolType = ConsumerSubscription.ProtocolType,
            ProtocolName = protocol,
            Assignment = ConsumerPayloads.WriteAssignment(member.Assigned, member.Classic.Protocols[0].Metadata, turn.Context.Catalog),
        };
    }

    public ErrorCode Heartbeat(GroupCommand.Heartbeat heartbeat)
    {
        ErrorCode error = Find(heartbeat.MemberId, heartbeat.InstanceId, heartbeat.Generation, out ConsumerMember member);
        if (error != ErrorCode.None)
            return error;
        bool mustRejoin = member.Epoch < Group.Epoch || member.State switch
        {
            ConsumerMemberState.UnrevokedPartitions => true,
            ConsumerMemberState.UnreleasedPartitions =>
                member.Target.Any(partition => !member.Assigned.Contains(partition) && Group.IsFreeFor(member.Id, partition)),
            _ => false,
        };
        if (mustRejoin)
        {
            CallToJoin(member);
            return ErrorCode.RebalanceInProgress;
        }
        Hear(member, turn.Liveness.Deadlines[member.Id].Rebalance);
        return ErrorCode.None;
    }

    public List<ErrorCode> Leave(GroupCommand.LeaveGroup leave)
    {
        var errors = new List<ErrorCode>();
        var leaving = new HashSet<string>();
        foreach (LeavingMember one in leave.Members)
        {
            string memberId = one.MemberId.Length == 0 && one.InstanceId is not null
                ? Group.StaticMembers.GetValueOrDefault(one.InstanceId, "")
                : one.MemberId;
            ErrorCode error = consumer.Find(memberId, one.InstanceId, out ConsumerMember member);
            // An administrator may remove static members of either protocol.
            if (error == ErrorCode.None && member.Classic is null && one.InstanceId is null)
                error = ErrorCode.UnknownMemberId;
            if (error == ErrorCode.None && !leaving.Add(memberId))
                error = ErrorCode.UnknownMemberId;
            errors.Add(error);
        }
        if (leaving.Count > 0)
            consumer.Remove(leaving);
        return errors;
    }

    /// <summary>Notes a sign of life, if the member speaks the classic protocol.</summary>
    public void Hear(string memberId)
    {
        if (Group.Members.TryGetValue(memberId, out ConsumerMember? member) && member.Classic is not null)
            Hear(member, turn.Liveness.Deadlines[memberId].Rebalance);
    }

    private GroupAnswer.JoinGroup Join(GroupCommand.JoinGroup join, ClassicSubscription? subscription)
    {
        GroupSettings settings = turn.Context.Settings;
        if (join.SessionTimeoutMs < settings.MinSessionTimeoutMs || join.SessionTimeoutMs > settings.MaxSessionTimeoutMs)
            return new GroupAnswer.JoinGroup(ErrorCode.InvalidSessionTimeout, join.MemberId);
        bool isKnown = Group.Members.ContainsKey(join.MemberId) || (join.InstanceId is not null && Group.StaticMembers.ContainsKey(join.InstanceId));
        if (!isKnown && Group.Members.Count >= settings.ConsumerMaxSize)
            return new GroupAnswer.JoinGroup(ErrorCode.GroupMaxSizeReached, "");
        if (subscription is null || !SharesProtocol(join))
            return new GroupAnswer.JoinGroup(ErrorCode.InconsistentGroupProtocol, join.MemberId);

        string memberId = join.MemberId.Length > 0 ? join.MemberId : $"{join.InstanceId ?? join.ClientId}-{join.UniqueId}";
        if (join is { MemberId.Length: 0, InstanceId: null, RequiresKnownMemberId: true })
            return new GroupAnswer.JoinGroup(ErrorCode.MemberIdRequired, memberId);
        ConsumerMember? before = Group.Members.GetValueOrDefault(memberId);
        if (join.InstanceId is { } instance)
        {
            string? current = Group.StaticMembers.GetValueOrDefault(instance);
            if (join.MemberId.Length > 0 && current != join.MemberId)
                return new GroupAnswer.JoinGroup(current is null ? ErrorCode.UnknownMemberId : ErrorCode.FencedInstanceId, join.MemberId);
            if (current is not null && current != memberId)
                before = consumer.Replace(Group.Members[current], memberId);
        }
        var now = (before ?? new ConsumerMember
        {
            Id = memberId,
            ClientId = join.ClientId,
            ClientHost = join.ClientHost,
            RebalanceTimeoutMs = join.RebalanceTimeoutMs,
        }) with
        {
            InstanceId = join.InstanceId ?? before?.InstanceId,
            RackId = subscription.RackId,
            ClientId = join.ClientId,
            ClientHost = join.ClientHost,
            RebalanceTimeoutMs = join.RebalanceTimeoutMs,
            SubscribedTopics = [.. subscription.Topics.Distinct().Order(StringComparer.Ordinal)],
            SubscribedPattern = null,
            ServerAssignor = null,
            Classic = new ClassicSpeaker(join.SessionTimeoutMs, join.Protocols),
        };
        // What it owned in another generation it does not own any more, or not alone: that says nothing.
        bool isCurrent = before is null || subscription.Generation < 0 || subscription.Generation == before.Epoch;
        ConsumerMember member = consumer.Advance(before, now, isCurrent ? subscription.Owned : null);
        Hear(member, turn.After(TimeSpan.FromMilliseconds(member.RebalanceTimeoutMs)));
        return new GroupAnswer.JoinGroup(ErrorCode.None, memberId)
        {
            Generation = member.Epoch,
            ProtocolType = ConsumerSubscription.ProtocolType,
            ProtocolName = join.Protocols[0].Name,
        };
    }

    /// <summary>Whether there is a protocol that all classic members know, should the group become a classic one.</summary>
    private bool SharesProtocol(GroupCommand.JoinGroup join)
    {
        List<ImmutableArray<ClassicProtocol>> others = [.. Group.Members.Values
            .Where(member => member.Classic is not null && member.Id != join.MemberId && (join.InstanceId is null || member.InstanceId != join.InstanceId))
            .Select(static member => member.Classic!.Protocols)];
        return join.Protocols.Any(protocol => others.TrueForAll(known => known.Any(other => other.Name == protocol.Name)));
    }

    /// <summary>The only member that speaks the consumer protocol, if there is only one.</summary>
    private ConsumerMember? LastConsumer()
    {
        List<ConsumerMember> speakers = [.. Group.Members.Values.Where(static member => member.Classic is null)];
        return speakers is [{ InstanceId: not null } last] ? last : null;
    }

    private ErrorCode Find(string memberId, string? instanceId, int generation, out ConsumerMember member)
    {
        ErrorCode error = consumer.Find(memberId, instanceId, out member);
        if (error != ErrorCode.None)
            return error;
        if (member.Classic is null)
            return ErrorCode.UnknownMemberId;
        return generation == member.Epoch ? ErrorCode.None : ErrorCode.IllegalGeneration;
    }

    /// <summary>It is told to join again, and has its rebalance timeout to do so.</summary>
    private void CallToJoin(ConsumerMember member) =>
        Hear(member, turn.Liveness.Deadlines[member.Id].Rebalance ?? turn.After(TimeSpan.FromMilliseconds(member.RebalanceTimeoutMs)));

    private void Hear(ConsumerMember member, TimeSpan? rebalance) =>
        turn.Expect(member.Id, new MemberDeadlines(turn.After(TimeSpan.FromMilliseconds(member.Classic!.SessionTimeoutMs)), rebalance));
}
