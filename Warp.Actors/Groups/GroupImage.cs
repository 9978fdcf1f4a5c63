using System.Collections.Immutable;
using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>
/// What is journaled of a group: its committed offsets and its last generation. The fold of its events, and all that survives a restart.
/// Immutable.
/// </summary>
public sealed record GroupImage
{
    /// <summary>A group that never was.</summary>
    public static readonly GroupImage None = new();

    /// <summary>Whether there is such a group; a deleted one only counts its generations on.</summary>
    public bool Exists { get; private init; }

    /// <summary>The number of the last generation. It only ever rises.</summary>
    public int Generation { get; private init; }

    /// <summary>Null for a group that only stores offsets (a simple consumer's).</summary>
    public string? ProtocolType { get; private init; }

    public string? ProtocolName { get; private init; }

    public string? LeaderId { get; private init; }

    /// <summary>The generation's members, in the order in which they joined the group.</summary>
    public ImmutableArray<ClassicMember> Members { get; private init; } = [];

    /// <summary>Whether the generation's leader has assigned.</summary>
    public bool IsAssigned { get; private init; }

    /// <summary>Whether members of the generation have left, so that a rebalance is due.</summary>
    public bool HasLostMembers { get; private init; }

    /// <summary>The group in the consumer protocol; null for a classic one. Its epoch is <see cref="Generation"/>.</summary>
    public ConsumerGroup? Consumer { get; private init; }

    /// <summary>When the generation last changed its state, in ms since 1970: for an empty group, since when it is.</summary>
    public long StateTimeMs { get; private init; }

    public ImmutableDictionary<TopicPartition, CommittedOffset> Offsets { get; private init; } =
        ImmutableDictionary<TopicPartition, CommittedOffset>.Empty;

    /// <summary>Folds an event.</summary>
    public GroupImage Apply(IEvent @event) => @event switch
    {
        ClassicGenerationStarted started => this with
        {
            Exists = true,
            Generation = started.Generation,
            ProtocolType = started.ProtocolType,
            ProtocolName = started.ProtocolName,
            LeaderId = started.LeaderId,
            Members = [.. started.Members.Select(ClassicMember.Of)],
            Consumer = null,
            IsAssigned = false,
            HasLostMembers = false,
            StateTimeMs = started.Time,
        },
        ClassicAssigned assigned => Assign(assigned),
        ClassicStaticMemberReplaced replaced => Replace(replaced.OldMemberId, ClassicMember.Of(replaced.Member)),
        ClassicMembersLeft left => this with
        {
            Members = [.. Members.Where(member => !left.MemberIds.Contains(member.Id))],
            HasLostMembers = true,
            StateTimeMs = left.Time,
        },
        ClassicGroupEmptied emptied => this with
        {
            Exists = true,
            Generation = emptied.Generation,
            ProtocolType = emptied.ProtocolType,
            ProtocolName = null,
            LeaderId = null,
            Members = [],
            Consumer = null,
            IsAssigned = false,
            HasLostMembers = false,
            StateTimeMs = emptied.Time,
        },
        ConsumerGroupStarted started => None with
        {
            Exists = true,
            Generation = started.Epoch,
            ProtocolType = ConsumerSubscription.ProtocolType,
            Consumer = ConsumerGroup.StartAt(started.Epoch),
            StateTimeMs = started.Time,
            Offsets = Offsets,
        },
        ConsumerMemberChanged or ConsumerMemberReplaced or ConsumerTargetAssigned => this with { Consumer = Consumer!.Apply(@event) },
        ConsumerMembersLeft left => this with { Consumer = Consumer!.Apply(left), StateTimeMs = left.Time },
        ConsumerEpochRaised raised => this with { Consumer = Consumer!.Apply(raised), Generation = raised.Epoch },
        OffsetsCommitted committed => Commit(committed),
        OffsetsRemoved removed => this with
        {
            Offsets = Offsets.RemoveRange(
                removed.Topics.SelectMany(static topic =>
                    topic.Partitions.Select(partition => new TopicPartition(topic.TopicId, partition)))),
        },
        GroupDeleted => None with { Generation = Generation },
        _ => throw new InvalidDataException($"A group has no use for {@event.GetType().Name}."),
    };

    public GroupSnapshot ToSnapshot() => new()
    {
        Exists = Exists,
        Generation = Generation,
        ProtocolType = ProtocolType,
        ProtocolName = ProtocolName,
        LeaderId = LeaderId,
        IsAssigned = IsAssigned,
        HasLostMembers = HasLostMembers,
        StateTime = StateTimeMs,
        Members = [.. Members.Select(static member => member.ToRecord())],
        Consumer = Consumer?.ToRecord(),
        Topics = [.. Offsets.GroupBy(static offset => offset.Key.TopicId).Select(static topic => new GroupSnapshot.GroupSnapshotTopic
        {
            TopicId = topic.Key,
            Partitions = [.. topic.Select(static offset => new GroupSnapshot.GroupSnapshotOffset
            {
                Partition = offset.Key.Partition,
                Offset = offset.Value.Offset,
                LeaderEpoch = offset.Value.LeaderEpoch,
                Metadata = offset.Value.Metadata,
                CommitTime = offset.Value.CommitTimeMs,
                ExpireTime = offset.Value.ExpireTimeMs,
            })],
        })],
    };

    /// <summary>The image that a snapshot describes.</summary>
    public static GroupImage Of(GroupSnapshot snapshot) => new()
    {
        Exists = snapshot.Exists,
        Generation = snapshot.Generation,
        ProtocolType = snapshot.ProtocolType,
        ProtocolName = snapshot.ProtocolName,
        LeaderId = snapshot.LeaderId,
        IsAssigned = snapshot.IsAssigned,
        HasLostMembers = snapshot.HasLostMembers,
        StateTimeMs = snapshot.StateTime,
        Members = [.. snapshot.Members.Select(ClassicMember.Of)],
        Consumer = snapshot.Consumer is { } consumer ? ConsumerGroup.Of(consumer) : null,
        Offsets = (from topic in snapshot.Topics
                   from offset in topic.Partitions
                   select KeyValuePair.Create(
                       new TopicPartition(topic.TopicId, offset.Partition),
                       new CommittedOffset(offset.Offset, offset.LeaderEpoch, offset.Metadata, offset.CommitTime, offset.ExpireTime)))
            .ToImmutableDictionary(),
    };

    private GroupImage Assign(ClassicAssigned assigned)
    {
        var byMember = assigned.Assignments.ToDictionary(static entry => entry.MemberId, static entry => entry.Assignment);
        return this with
        {
            Members = [.. Members.Select(member => member with { Assignment = byMember.GetValueOrDefault(member.Id) })],
            IsAssigned = true,
            StateTimeMs = assigned.Time,
        };
    }

    private GroupImage Replace(string oldId, ClassicMember replacement) => this with
    {
        Members = [.. Members.Select(member => member.Id == oldId ? replacement : member)],
        LeaderId = LeaderId == oldId ? replacement.Id : LeaderId,
    };

    private GroupImage Commit(OffsetsCommitted committed)
    {
        ImmutableDictionary<TopicPartition, CommittedOffset>.Builder offsets = Offsets.ToBuilder();
        foreach (OffsetsCommitted.OffsetsCommittedTopic topic in committed.Topics)
        {
            foreach (OffsetsCommitted.OffsetsCommittedPartition partition in topic.Partitions)
            {
                offsets[new TopicPartition(topic.TopicId, partition.Partition)] = new CommittedOffset(
                    partition.Offset, partition.LeaderEpoch, partition.Metadata, committed.Time, committed.ExpireTime);
            }
        }
        return this with { Exists = true, Offsets = offsets.ToImmutable() };
    }
}
