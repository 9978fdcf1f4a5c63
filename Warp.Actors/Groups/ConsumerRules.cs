using System.Collections.Immutable;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>The consumer protocol (KIP-848): what its members say in heartbeats.</summary>
internal sealed partial class ConsumerRules(GroupTurn turn)
{
    private const int LeaveEpoch = -1;

    private ConsumerGroup Group => turn.Image.Consumer!;

    public GroupAnswer.ConsumerHeartbeat Heartbeat(GroupCommand.ConsumerHeartbeat beat)
    {
        if (FlawOf(beat) is { } flaw)
            return Refuse(ErrorCode.InvalidRequest, flaw);
        if (beat.ServerAssignor is { } assignor && !turn.Context.Settings.ConsumerAssignors.Contains(assignor))
        {
            string supported = string.Join(", ", turn.Context.Settings.ConsumerAssignors);
            return Refuse(ErrorCode.UnsupportedAssignor, $"ServerAssignor {assignor} is not supported. Supported assignors: {supported}.");
        }
        if (beat.MemberEpoch == 0)
            return Join(beat);
        if (turn.Image.Consumer is null)
            return Refuse(ErrorCode.GroupIdNotFound, "The group is not a consumer group.");
        ErrorCode error = Find(beat.MemberId, beat.InstanceId, out ConsumerMember member);
        if (error != ErrorCode.None)
            return Refuse(error, $"{beat.InstanceId ?? beat.MemberId} is not a member of the group, or not this one.");
        return beat.MemberEpoch > 0 ? Continue(member, beat) : Leave(member, beat.MemberEpoch);
    }

    /// <summary>Finds a member, the way that it calls itself.</summary>
    public ErrorCode Find(string memberId, string? instanceId, out ConsumerMember member)
    {
        member = null!;
        if (instanceId is not null)
        {
            if (!Group.StaticMembers.TryGetValue(instanceId, out string? current))
                return ErrorCode.UnknownMemberId;
            if (current != memberId)
                return ErrorCode.FencedInstanceId;
        }
        return Group.Members.TryGetValue(memberId, out member!) ? ErrorCode.None : ErrorCode.UnknownMemberId;
    }

    /// <summary>
    /// Takes in what a member says of itself, brings epoch and target up to date, and moves the member a step towards its target.
    /// </summary>
    /// <param name="before">The member as it was; null for a new one.</param>
    /// <param name="now">As it describes itself now.</param>
    /// <param name="owned">What it says that it owns; null when it does not say.</param>
    public ConsumerMember Advance(ConsumerMember? before, ConsumerMember now, IReadOnlySet<TopicPartition>? owned)
    {
        if (before is null || !before.HasSameDefinition(now))
            Change(now);
        RefreshEpoch(hasChanged: before is null || !before.HasSameSubscription(now));
        AssignTargets();
        ConsumerMember current = Group.Members[now.Id];
        ConsumerMember next = ConsumerReconciliation.Next(Group, current, owned);
        if (!ReferenceEquals(next, current))
            Change(next);
        return Group.Members[now.Id];
    }

    /// <summary>Gives a static member's place to whoever comes under its name.</summary>
    public ConsumerMember Replace(ConsumerMember old, string newId)
    {
        turn.Record(new ConsumerMemberReplaced { Time = turn.Context.Now.EpochMs, OldMemberId = old.Id, Member = (old with { Id = newId }).ToRecord() });
        turn.Forget(old.Id);
        return Group.Members[newId];
    }

    private static GroupAnswer.ConsumerHeartbeat Refuse(ErrorCode error, string message) => new(error) { Message = message };

    /// <summary>What is wrong with the request by itself, as a sentence; null when nothing is.</summary>
    private static string? FlawOf(GroupCommand.ConsumerHeartbeat beat) => beat switch
    {
        { MemberId.Length: 0 } when beat.MemberEpoch is > 0 or LeaveEpoch or ConsumerMember.AwayEpoch => "MemberId can't be empty.",
        { InstanceId.Length: 0 } => "InstanceId can't be empty.",
        { RackId.Length: 0 } => "RackId can't be empty.",
        { MemberEpoch: 0, RebalanceTimeoutMs: <= 0 } => "RebalanceTimeoutMs must be provided in first request.",
        { MemberEpoch: 0, Owned: not { Count: 0 } } => "TopicPartitions must be empty when (re-)joining.",
        { MemberEpoch: 0, SubscribedTopics: null, SubscribedRegex: null } => "SubscribedTopicNames or SubscribedTopicRegex must be set in first request.",
        { MemberEpoch: ConsumerMember.AwayEpoch, InstanceId: null } => "InstanceId can't be null.",
        { MemberEpoch: < ConsumerMember.AwayEpoch } => "MemberEpoch is invalid.",
        _ => null,
    };

    private GroupAnswer.ConsumerHeartbeat Join(GroupCommand.ConsumerHeartbeat beat)
    {
        string memberId = beat.MemberId.Length > 0 ? beat.MemberId : beat.UniqueId;
        if (!HasRoomFor(memberId, beat.InstanceId))
            return Refuse(ErrorCode.GroupMaxSizeReached, "The consumer group has reached its maximum capacity.");
        if (!TryReadPattern(beat, null, out TopicPattern? pattern))
            return Refuse(ErrorCode.InvalidRegularExpression, $"SubscribedTopicRegex `{beat.SubscribedRegex}` is not a valid regular expression.");
        if (turn.Image.Consumer is null && !new GroupConversion(turn).TryStartConsumer())
            return Refuse(ErrorCode.GroupIdNotFound, "The group is not a consumer group and cannot become one.");

        ConsumerMember? before;
        if (beat.InstanceId is { } instance && Group.StaticMembers.TryGetValue(instance, out string? current) && current != memberId)
        {
            before = Group.Members[current];
            if (before.Classic is null && before.Epoch != ConsumerMember.AwayEpoch)
                return Refuse(ErrorCode.UnreleasedInstanceId, $"Static member {memberId} cannot join: instance id {instance} is in use.");
            before = Replace(before, memberId);
        }
        else
        {
            before = Group.Members.GetValueOrDefault(memberId);
        }
        ConsumerMember now = Describe(before ?? New(memberId, beat), beat, pattern);
        ConsumerMember after = Advance(before, now, beat.Owned);
        Hear(after, before);
        return Accept(after, withAssignment: true);
    }

    private GroupAnswer.ConsumerHeartbeat Continue(ConsumerMember before, GroupCommand.ConsumerHeartbeat beat)
    {
        // A member that missed an answer may lag behind by one, as long as it owns nothing that it may not.
        bool isCurrent = beat.MemberEpoch == before.Epoch
            || (beat.MemberEpoch < before.Epoch && beat.MemberEpoch == before.PreviousEpoch && beat.Owned is { } owned && before.Assigned.IsSupersetOf(owned));
        if (!isCurrent)
            return Refuse(ErrorCode.FencedMemberEpoch, $"The member epoch is {before.Epoch}, not {beat.MemberEpoch}: the member must abandon all its partitions and rejoin.");
        if (!TryReadPattern(beat, before, out TopicPattern? pattern))
            return Refuse(ErrorCode.InvalidRegularExpression, $"SubscribedTopicRegex `{beat.SubscribedRegex}` is not a valid regular expression.");
        ConsumerMember after = Advance(before, Describe(before, beat, pattern), beat.Owned);
        Hear(after, before);
        bool isFull = beat is { RebalanceTimeoutMs: >= 0, Owned: not null } && (beat.SubscribedTopics ?? (object?)beat.SubscribedRegex) is not null;
        return Accept(after, withAssignment: isFull || !after.Assigned.SetEquals(before.Assigned));
    }

    private GroupAnswer.ConsumerHeartbeat Leave(ConsumerMember member, int epoch)
    {
        if (epoch == ConsumerMember.AwayEpoch)
        {
            Change(member with
            {
                Epoch = ConsumerMember.AwayEpoch,
                PreviousEpoch = member.Epoch,
                State = ConsumerMemberState.Stable,
                PendingRevocation = PartitionSets.Empty,
            });
            turn.Expect(member.Id, turn.Liveness.Deadlines[member.Id] with { Rebalance = null });
        }
        else
        {
            Remove([member.Id]);
        }
        return new GroupAnswer.ConsumerHeartbeat(ErrorCode.None) { MemberId = member.Id, MemberEpoch = epoch };
    }

    private bool HasRoomFor(string memberId, string? instanceId)
    {
        int count = turn.Image.Consumer?.Members.Count ?? turn.Group.Members.Count;
        if (count < turn.Context.Settings.ConsumerMaxSize)
            return true;
        return turn.Image.Consumer is { } group
            ? group.Members.ContainsKey(memberId) || (instanceId is not null && group.StaticMembers.ContainsKey(instanceId))
            : turn.Group.Members.ContainsKey(memberId) || (instanceId is not null && turn.Group.StaticMembers.ContainsKey(instanceId));
    }

    /// <summary>The pattern that the member has from now on; an empty text means none, a null one no change.</summary>
    private static bool TryReadPattern(GroupCommand.ConsumerHeartbeat beat, ConsumerMember? before, out TopicPattern? pattern)
    {
        pattern = before?.SubscribedPattern;
        if (beat.SubscribedRegex is null || beat.SubscribedRegex == pattern?.Text)
            return true;
        pattern = null;
        return beat.SubscribedRegex.Length == 0 || TopicPattern.TryParse(beat.SubscribedRegex, out pattern);
    }

    private static ConsumerMember New(string memberId, GroupCommand.ConsumerHeartbeat beat) => new()
    {
        Id = memberId,
        ClientId = beat.ClientId,
        ClientHost = beat.ClientHost,
        RebalanceTimeoutMs = beat.RebalanceTimeoutMs,
    };

    /// <summary>The member as it describes itself; what it leaves out stays as it is.</summary>
    private static ConsumerMember Describe(ConsumerMember member, GroupCommand.ConsumerHeartbeat beat, TopicPattern? pattern) => member with
    {
        InstanceId = beat.InstanceId ?? member.InstanceId,
        RackId = beat.RackId ?? member.RackId,
        ClientId = beat.ClientId,
        ClientHost = beat.ClientHost,
        RebalanceTimeoutMs = beat.RebalanceTimeoutMs >= 0 ? beat.RebalanceTimeoutMs : member.RebalanceTimeoutMs,
        SubscribedTopics = beat.SubscribedTopics is { } topics ? [.. topics.Distinct().Order(StringComparer.Ordinal)] : member.SubscribedTopics,
        SubscribedPattern = pattern,
        ServerAssignor = beat.ServerAssignor ?? member.ServerAssignor,
        Classic = null,
    };

    private GroupAnswer.ConsumerHeartbeat Accept(ConsumerMember member, bool withAssignment) => new(ErrorCode.None)
    {
        MemberId = member.Id,
        MemberEpoch = member.Epoch,
        HeartbeatIntervalMs = turn.Context.Settings.ConsumerHeartbeatIntervalMs,
        Assignment = withAssignment ? member.Assigned : null,
    };

    private void Change(ConsumerMember member) =>
        turn.Record(new ConsumerMemberChanged { Time = turn.Context.Now.EpochMs, Member = member.ToRecord() });
}
