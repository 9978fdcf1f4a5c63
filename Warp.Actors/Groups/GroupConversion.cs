using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>Turns classic groups into groups of the consumer protocol and back, with their members in them (KIP-848's migration).</summary>
internal sealed class GroupConversion(GroupTurn turn)
{
    /// <summary>
    /// Makes the group one of the consumer protocol, if there is none or it is empty, or if its members can stay: they are consumers, their
    /// subscriptions and assignments can be read, and the migration policy allows it. Otherwise nothing changes.
    /// </summary>
    public bool TryStartConsumer()
    {
        List<(ConsumerMember Member, TimeSpan Session)> members = [];
        if (!turn.Group.Members.IsEmpty && !TryConvertMembers(members))
            return false;
        foreach (LiveMember member in turn.Group.MembersInOrder)
        {
            if (member.JoinReply is { } join)
                turn.Answer(join, new GroupAnswer.JoinGroup(ErrorCode.RebalanceInProgress, member.Info.Id));
            if (member.SyncReply is { } sync)
                turn.Answer(sync, new GroupAnswer.SyncGroup(ErrorCode.RebalanceInProgress));
        }
        long time = turn.Context.Now.EpochMs;
        int epoch = turn.Group.Generation;
        turn.Record(new ConsumerGroupStarted { Time = time, Epoch = epoch });
        turn.Group = ClassicGroup.Recover(turn.Image, turn.Context.Now);
        foreach (var (member, session) in members)
        {
            turn.Record(new ConsumerMemberChanged { Time = time, Member = member.ToRecord() });
            turn.Expect(member.Id, new MemberDeadlines(turn.After(session), null));
        }
        if (members.Count > 0)
        {
            turn.Record(new ConsumerTargetAssigned
            {
                Time = time,
                Epoch = epoch,
                Assignor = "",
                Members = [.. members.Select(static entry => new ConsumerTargetRecord
                {
                    MemberId = entry.Member.Id,
                    Partitions = entry.Member.Assigned.ToRecords(),
                })],
            });
        }
        return true;
    }

    /// <summary>Makes an empty group of the consumer protocol a classic one.</summary>
    public void StartClassic()
    {
        turn.Record(new ClassicGroupEmptied
        {
            Time = turn.Context.Now.EpochMs,
            Generation = turn.Image.Generation,
            ProtocolType = ConsumerSubscription.ProtocolType,
        });
        turn.Group = ClassicGroup.Recover(turn.Image, turn.Context.Now);
    }

    /// <summary>
    /// Removes members and makes the group a classic one, if those that stay all speak the classic protocol and the migration policy allows
    /// it. They keep their assignments, and are called to rebalance.
    /// </summary>
    public bool TryDowngradeWithout(IReadOnlyCollection<string> memberIds)
    {
        List<ConsumerMember> staying = [.. turn.Image.Consumer!.Members.Values.Where(member => !memberIds.Contains(member.Id))];
        if (staying.Count == 0
            || staying.Exists(static member => member.Classic is null)
            || !turn.Context.Settings.ConsumerMigration.HasFlag(ConsumerMigrationPolicy.Downgrade)
            || staying.Count > turn.Context.Settings.MaxSize)
        {
            return false;
        }
        List<ClassicMember> members = [.. staying.Select(ToClassic)];
        string? protocol = members[0].Protocols.Select(static protocol => protocol.Name).FirstOrDefault(name => members.TrueForAll(member => member.Supports(name)));
        if (protocol is null)
            return false;
        long time = turn.Context.Now.EpochMs;
        turn.Record(new ClassicGenerationStarted
        {
            Time = time,
            Generation = turn.Image.Generation,
            ProtocolType = ConsumerSubscription.ProtocolType,
            ProtocolName = protocol,
            LeaderId = members[0].Id,
            Members = [.. members.Select(static member => member.ToRecord())],
        });
        turn.Record(new ClassicAssigned
        {
            Time = time,
            Assignments = [.. members.Select(static member => new ClassicAssigned.ClassicAssignedMember { MemberId = member.Id, Assignment = member.Assignment })],
        });
        turn.Record(new ClassicMembersLeft { Time = time, MemberIds = [.. memberIds] });
        turn.Group = ClassicGroup.Recover(turn.Image, turn.Context.Now);
        turn.Liveness = ConsumerLiveness.None;
        turn.ResetWake();
        return true;
    }

    private ClassicMember ToClassic(ConsumerMember member) => new()
    {
        Id = member.Id,
        InstanceId = member.InstanceId,
        ClientId = member.ClientId,
        ClientHost = member.ClientHost,
        SessionTimeoutMs = member.Classic!.SessionTimeoutMs,
        RebalanceTimeoutMs = member.RebalanceTimeoutMs,
        Protocols = member.Classic.Protocols,
        Assignment = ConsumerPayloads.WriteAssignment(member.Assigned, member.Classic.Protocols[0].Metadata, turn.Context.Catalog),
    };

    private bool TryConvertMembers(List<(ConsumerMember Member, TimeSpan Session)> converted)
    {
        ClassicGroup group = turn.Group;
        GroupSettings settings = turn.Context.Settings;
        if (group.ProtocolType != ConsumerSubscription.ProtocolType
            || !settings.ConsumerMigration.HasFlag(ConsumerMigrationPolicy.Upgrade)
            || group.Members.Count > settings.ConsumerMaxSize)
        {
            return false;
        }
        var taken = new HashSet<TopicPartition>();
        foreach (LiveMember member in group.MembersInOrder)
        {
            ClassicMember info = member.Info;
            string protocol = group.ProtocolName is { } name && info.Supports(name) ? name : info.Protocols[0].Name;
            if (ConsumerPayloads.ReadSubscription(info.MetadataFor(protocol), turn.Context.Catalog) is not { } subscription
                || ConsumerPayloads.ReadAssignment(info.Assignment, turn.Context.Catalog) is not { } assignment)
            {
                return false;
            }
            // Before the leader has assigned, cooperative members still own what they had.
            IEnumerable<TopicPartition> assigned = info.Assignment.IsEmpty ? subscription.Owned : assignment;
            converted.Add((
                new ConsumerMember
                {
                    Id = info.Id,
                    InstanceId = info.InstanceId,
                    RackId = subscription.RackId,
                    ClientId = info.ClientId,
                    ClientHost = info.ClientHost,
                    RebalanceTimeoutMs = info.RebalanceTimeoutMs,
                    SubscribedTopics = [.. subscription.Topics.Distinct().Order(StringComparer.Ordinal)],
                    Classic = new ClassicSpeaker(info.SessionTimeoutMs, info.Protocols),
                    Epoch = group.Generation,
                    PreviousEpoch = group.Generation,
                    Assigned = [.. assigned.Where(taken.Add)],
                },
                TimeSpan.FromMilliseconds(info.SessionTimeoutMs)));
        }
        return true;
    }
}
