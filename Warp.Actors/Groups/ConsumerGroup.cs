using System.Collections.Immutable;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>The states of a group of the consumer protocol, as Kafka names them.</summary>
public enum ConsumerGroupState
{
    /// <summary>Without members; there may be offsets.</summary>
    Empty,

    /// <summary>The target assignment of the group's epoch is not made yet.</summary>
    Assigning,

    /// <summary>Some member is on its way to the target.</summary>
    Reconciling,

    /// <summary>Everybody has what the target gives it.</summary>
    Stable,
}

/// <summary>
/// A group of the consumer protocol (KIP-848): what is journaled of its members, epochs and assignments. No partition is held by two
/// members. Immutable; the fold of the group's events.
/// </summary>
public sealed record ConsumerGroup
{
    /// <summary>Rises with everything that the assignment depends on.</summary>
    public int Epoch { get; private init; }

    /// <summary>The epoch that the target assignment was made for.</summary>
    public int TargetEpoch { get; private init; }

    /// <summary>Of the subscribed topics and their partitions, when <see cref="Epoch"/> was last raised.</summary>
    public long MetadataHash { get; private init; }

    /// <summary>The assignor that made the target; empty before the first.</summary>
    public string Assignor { get; private init; } = "";

    /// <summary>By member id.</summary>
    public ImmutableSortedDictionary<string, ConsumerMember> Members { get; private init; } =
        ImmutableSortedDictionary.Create<string, ConsumerMember>(StringComparer.Ordinal);

    /// <summary>The member ids of static members, by instance id.</summary>
    public ImmutableDictionary<string, string> StaticMembers { get; private init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>The members that hold partitions, assigned or yet to be given up; a partition that is not here is free.</summary>
    public ImmutableDictionary<TopicPartition, string> Owners { get; private init; } = ImmutableDictionary<TopicPartition, string>.Empty;

    public ConsumerGroupState State =>
        Members.IsEmpty ? ConsumerGroupState.Empty
        : TargetEpoch < Epoch ? ConsumerGroupState.Assigning
        : Members.Values.All(IsReconciled) ? ConsumerGroupState.Stable
        : ConsumerGroupState.Reconciling;

    /// <summary>Whether nobody but this member holds the partition.</summary>
    public bool IsFreeFor(string memberId, TopicPartition partition) =>
        !Owners.TryGetValue(partition, out string? owner) || owner == memberId;

    /// <summary>A group that begins, after so many epochs or generations.</summary>
    internal static ConsumerGroup StartAt(int epoch) => new() { Epoch = epoch, TargetEpoch = epoch };

    internal static ConsumerGroup Of(ConsumerGroupRecord record) => record.Members.Aggregate(
            new ConsumerGroup
            {
                Epoch = record.Epoch,
                TargetEpoch = record.TargetEpoch,
                MetadataHash = record.MetadataHash,
                Assignor = record.Assignor,
            },
            static (group, member) => group.Put(ConsumerMember.Of(member)))
        .WithTargets(record.Targets);

    internal ConsumerGroupRecord ToRecord() => new()
    {
        Epoch = Epoch,
        TargetEpoch = TargetEpoch,
        MetadataHash = MetadataHash,
        Assignor = Assignor,
        Members = [.. Members.Values.Select(static member => member.ToRecord())],
        Targets = [.. Members.Values.Where(static member => !member.Target.IsEmpty).Select(static member => new ConsumerTargetRecord
        {
            MemberId = member.Id,
            Partitions = member.Target.ToRecords(),
        })],
    };

    /// <summary>Folds an event of the consumer protocol.</summary>
    internal ConsumerGroup Apply(IEvent @event) => @event switch
    {
        ConsumerMemberChanged changed => Put(Keep(ConsumerMember.Of(changed.Member), Members.GetValueOrDefault(changed.Member.MemberId))),
        ConsumerMemberReplaced replaced => Remove(replaced.OldMemberId).Put(
            Keep(ConsumerMember.Of(replaced.Member), Members.GetValueOrDefault(replaced.OldMemberId))),
        ConsumerMembersLeft left => left.MemberIds.Aggregate(this, static (group, id) => group.Remove(id)),
        ConsumerEpochRaised raised => this with { Epoch = raised.Epoch, MetadataHash = raised.MetadataHash },
        ConsumerTargetAssigned assigned => WithTargets(assigned.Members) with { TargetEpoch = assigned.Epoch, Assignor = assigned.Assignor },
        _ => throw new InvalidDataException($"A consumer group has no use for {@event.GetType().Name}."),
    };

    /// <summary>What an event does not say, taken from the member as it was: the target, and the compiled form of the same pattern.</summary>
    private static ConsumerMember Keep(ConsumerMember member, ConsumerMember? old) => old is null ? member : member with
    {
        Target = old.Target,
        SubscribedPattern = old.SubscribedPattern?.Text == member.SubscribedPattern?.Text ? old.SubscribedPattern : member.SubscribedPattern,
    };

    private bool IsReconciled(ConsumerMember member) => member.State == ConsumerMemberState.Stable && member.Epoch == TargetEpoch;

    private ConsumerGroup WithTargets(List<ConsumerTargetRecord> targets)
    {
        ImmutableSortedDictionary<string, ConsumerMember>.Builder members = Members.ToBuilder();
        foreach (ConsumerTargetRecord target in targets)
            members[target.MemberId] = members[target.MemberId] with { Target = PartitionSets.Of(target.Partitions) };
        return this with { Members = members.ToImmutable() };
    }

    private ConsumerGroup Put(ConsumerMember member)
    {
        ConsumerGroup without = Remove(member.Id);
        return without with
        {
            Members = without.Members.SetItem(member.Id, member),
            StaticMembers = member.InstanceId is { } instance ? without.StaticMembers.SetItem(instance, member.Id) : without.StaticMembers,
            Owners = without.Owners.SetItems(member.Held.Select(partition => KeyValuePair.Create(partition, member.Id))),
        };
    }

    private ConsumerGroup Remove(string memberId)
    {
        if (!Members.TryGetValue(memberId, out ConsumerMember? member))
            return this;
        return this with
        {
            Members = Members.Remove(memberId),
            StaticMembers = member.InstanceId is { } instance && StaticMembers.GetValueOrDefault(instance) == memberId
                ? StaticMembers.Remove(instance)
                : StaticMembers,
            Owners = Owners.RemoveRange(member.Held.Where(partition => Owners[partition] == memberId)),
        };
    }
}
