using Warp.Actors.Sequencing;
using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>What a <see cref="GroupCommand"/> is answered with.</summary>
/// <param name="Error">None, or Kafka's error for the whole of it.</param>
public record GroupAnswer(ErrorCode Error)
{
    /// <summary>The generation that the member is in. Only its leader is told the members.</summary>
    public sealed record JoinGroup(ErrorCode Error, string MemberId) : GroupAnswer(Error)
    {
        public int Generation { get; init; } = -1;

        public string? ProtocolType { get; init; }

        public string? ProtocolName { get; init; }

        public string LeaderId { get; init; } = "";

        public bool SkipAssignment { get; init; }

        public IReadOnlyList<JoinedMember> Members { get; init; } = [];
    }

    public sealed record SyncGroup(ErrorCode Error) : GroupAnswer(Error)
    {
        public string? ProtocolType { get; init; }

        public string? ProtocolName { get; init; }

        public ReadOnlyMemory<byte> Assignment { get; init; }
    }

    public sealed record ConsumerHeartbeat(ErrorCode Error) : GroupAnswer(Error)
    {
        /// <summary>What is wrong, as a sentence; null when nothing is.</summary>
        public string? Message { get; init; }

        public string? MemberId { get; init; }

        public int MemberEpoch { get; init; }

        public int HeartbeatIntervalMs { get; init; }

        /// <summary>Null when it has not changed.</summary>
        public IReadOnlyCollection<TopicPartition>? Assignment { get; init; }
    }

    /// <summary>One error for each thing that was asked for, in order.</summary>
    public sealed record Each(ErrorCode Error, IReadOnlyList<ErrorCode> Errors) : GroupAnswer(Error);
}

/// <summary>A member as the leader's assignor sees it.</summary>
public readonly record struct JoinedMember(string MemberId, string? InstanceId, ReadOnlyMemory<byte> Metadata);
