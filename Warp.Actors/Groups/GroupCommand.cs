using System.Collections.Immutable;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Groups;

/// <summary>What changes a group. Versions of the Kafka protocol show in flags, named for what the version can do.</summary>
public abstract record GroupCommand
{
    private GroupCommand()
    {
    }

    /// <summary>Whether it makes the group if there is none; everything else finds nothing then.</summary>
    public virtual bool MayCreate => false;

    /// <summary>JoinGroup: answered once the generation starts.</summary>
    public sealed record JoinGroup : GroupCommand
    {
        /// <summary>Empty for a member that has none yet.</summary>
        public required string MemberId { get; init; }

        public string? InstanceId { get; init; }

        public required string ClientId { get; init; }

        public required string ClientHost { get; init; }

        public required int SessionTimeoutMs { get; init; }

        public required int RebalanceTimeoutMs { get; init; }

        public required string ProtocolType { get; init; }

        /// <summary>In the order of preference; each name once. Owns its bytes.</summary>
        public required ImmutableArray<ClassicProtocol> Protocols { get; init; }

        /// <summary>Never used before in the cluster: the second half of a member id, if one is needed.</summary>
        public required string UniqueId { get; init; }

        /// <summary>Versions from 4 on (KIP-394): a dynamic member must come back with the id that it is given first.</summary>
        public bool RequiresKnownMemberId { get; init; }

        /// <summary>Versions from 9 on (KIP-814): a static leader that returns can be told not to assign.</summary>
        public bool CanSkipAssignment { get; init; }

        public override bool MayCreate => MemberId.Length == 0;
    }

    /// <summary>SyncGroup: answered once the leader has assigned. The protocol, where given, must be the generation's.</summary>
    public sealed record SyncGroup(
        string MemberId,
        string? InstanceId,
        int Generation,
        string? ProtocolType,
        string? ProtocolName,
        IReadOnlyList<KeyValuePair<string, ReadOnlyMemory<byte>>> Assignments) : GroupCommand;

    public sealed record Heartbeat(string MemberId, string? InstanceId, int Generation) : GroupCommand;

    /// <summary>LeaveGroup of one or more members; an instance id without a member id removes the static member, whoever asks.</summary>
    public sealed record LeaveGroup(IReadOnlyList<LeavingMember> Members) : GroupCommand;

    /// <summary>ConsumerGroupHeartbeat (KIP-848). What is null has not changed since the member's last one.</summary>
    public sealed record ConsumerHeartbeat : GroupCommand
    {
        /// <summary>Empty for a member that has none yet (version 0).</summary>
        public required string MemberId { get; init; }

        /// <summary>0 to join, −1 to leave, −2 for a static member that leaves for a while.</summary>
        public required int MemberEpoch { get; init; }

        public string? InstanceId { get; init; }

        public string? RackId { get; init; }

        public required string ClientId { get; init; }

        public required string ClientHost { get; init; }

        /// <summary>−1 for no change.</summary>
        public int RebalanceTimeoutMs { get; init; } = -1;

        public IReadOnlyCollection<string>? SubscribedTopics { get; init; }

        /// <summary>Empty for none.</summary>
        public string? SubscribedRegex { get; init; }

        public string? ServerAssignor { get; init; }

        public IReadOnlySet<TopicPartition>? Owned { get; init; }

        /// <summary>Never used before in the cluster: the member id, if one is needed.</summary>
        public required string UniqueId { get; init; }

        public override bool MayCreate => MemberEpoch == 0;
    }

    /// <summary>OffsetCommit. Without member id and with a negative generation it is a simple consumer's, or an administrator's.</summary>
    public sealed record CommitOffsets(
        string MemberId, string? InstanceId, int Generation, long RetentionMs, IReadOnlyList<OffsetToCommit> Offsets) : GroupCommand
    {
        /// <summary>Versions from 9 on know GROUP_ID_NOT_FOUND.</summary>
        public bool KnowsGroupIdNotFound { get; init; }

        /// <summary>Versions from 9 on: what is called the generation may be a member epoch.</summary>
        public bool KnowsMemberEpochs { get; init; }

        public override bool MayCreate => Generation < 0;
    }

    /// <summary>OffsetDelete.</summary>
    public sealed record DeleteOffsets(IReadOnlyList<OffsetToDelete> Offsets) : GroupCommand;

    /// <summary>DeleteGroups, of one.</summary>
    public sealed record DeleteGroup : GroupCommand;

    /// <summary>Lets everything expire that is due.</summary>
    public sealed record Tick : GroupCommand;
}

/// <summary>A member to remove.</summary>
public readonly record struct LeavingMember(string MemberId, string? InstanceId);

/// <summary>An offset to commit; the partition is known to exist.</summary>
public readonly record struct OffsetToCommit(TopicPartition Partition, long Offset, int LeaderEpoch, string Metadata);

/// <summary>An offset to delete; the partition is known to exist.</summary>
public readonly record struct OffsetToDelete(TopicPartition Partition, string Topic);
