using System.Collections.Immutable;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Groups;

/// <summary>How far a member is on its way to its target. Journaled by number.</summary>
public enum ConsumerMemberState : sbyte
{
    /// <summary>It has what its epoch's target gives it.</summary>
    Stable = 0,

    /// <summary>It stays in its epoch until it no longer owns what it has to give up.</summary>
    UnrevokedPartitions = 1,

    /// <summary>It is in the target's epoch, but others have yet to give up some of its partitions.</summary>
    UnreleasedPartitions = 2,
}

/// <summary>What a member that speaks the classic protocol said when it joined. Owns its bytes.</summary>
/// <param name="SessionTimeoutMs">The session timeout that it asked for.</param>
/// <param name="Protocols">In the order of its preference.</param>
public sealed record ClassicSpeaker(int SessionTimeoutMs, ImmutableArray<ClassicProtocol> Protocols);

/// <summary>A member of a group of the consumer protocol (KIP-848), as it is journaled. Immutable.</summary>
public sealed record ConsumerMember
{
    /// <summary>The epoch of a static member that has left for a while and keeps what it has.</summary>
    public const int AwayEpoch = -2;

    public required string Id { get; init; }

    /// <summary><c>group.instance.id</c> of a static member.</summary>
    public string? InstanceId { get; init; }

    public string? RackId { get; init; }

    public required string ClientId { get; init; }

    public required string ClientHost { get; init; }

    /// <summary>How long it may take to give up partitions.</summary>
    public required int RebalanceTimeoutMs { get; init; }

    /// <summary>In ordinal order, each once.</summary>
    public ImmutableArray<string> SubscribedTopics { get; init; } = [];

    /// <summary>The pattern of the names that it subscribes to as well; null for none.</summary>
    public TopicPattern? SubscribedPattern { get; init; }

    /// <summary>The assignor that it prefers; null when it leaves that to the broker.</summary>
    public string? ServerAssignor { get; init; }

    /// <summary>Null for a member that speaks the consumer protocol.</summary>
    public ClassicSpeaker? Classic { get; init; }

    /// <summary>The epoch of the assignment that it has; 0 before the first.</summary>
    public int Epoch { get; init; }

    /// <summary>The epoch that it may still believe to be in, if it missed an answer.</summary>
    public int PreviousEpoch { get; init; }

    public ConsumerMemberState State { get; init; }

    /// <summary>What it may own.</summary>
    public ImmutableHashSet<TopicPartition> Assigned { get; init; } = PartitionSets.Empty;

    /// <summary>What it has been told to give up, and may own until it says that it does not.</summary>
    public ImmutableHashSet<TopicPartition> PendingRevocation { get; init; } = PartitionSets.Empty;

    /// <summary>What the group's target assignment gives it.</summary>
    public ImmutableHashSet<TopicPartition> Target { get; init; } = PartitionSets.Empty;

    /// <summary>All that nobody else may be given.</summary>
    public IEnumerable<TopicPartition> Held => Assigned.Concat(PendingRevocation);

    public bool HasSameSubscription(ConsumerMember other) =>
        SubscribedTopics.AsSpan().SequenceEqual(other.SubscribedTopics.AsSpan()) && SubscribedPattern?.Text == other.SubscribedPattern?.Text;

    /// <summary>Whether all is the same that members say of themselves.</summary>
    public bool HasSameDefinition(ConsumerMember other) =>
        HasSameSubscription(other)
        && (InstanceId, RackId, ClientId, ClientHost, RebalanceTimeoutMs, ServerAssignor)
            == (other.InstanceId, other.RackId, other.ClientId, other.ClientHost, other.RebalanceTimeoutMs, other.ServerAssignor)
        && HasSameClassic(other);

    internal static ConsumerMember Of(ConsumerMemberRecord record) => new()
    {
        Id = record.MemberId,
        InstanceId = record.InstanceId,
        RackId = record.RackId,
        ClientId = record.ClientId,
        ClientHost = record.ClientHost,
        RebalanceTimeoutMs = record.RebalanceTimeoutMs,
        SubscribedTopics = [.. record.SubscribedTopics],
        SubscribedPattern = record.SubscribedRegex is { } text ? TopicPattern.Parse(text) : null,
        ServerAssignor = record.ServerAssignor,
        Classic = record.Classic is { } classic
            ? new ClassicSpeaker(classic.SessionTimeoutMs, [.. classic.Protocols.Select(static p => new ClassicProtocol(p.Name, p.Metadata))])
            : null,
        Epoch = record.Epoch,
        PreviousEpoch = record.PreviousEpoch,
        State = (ConsumerMemberState)record.State,
        Assigned = PartitionSets.Of(record.Assigned),
        PendingRevocation = PartitionSets.Of(record.PendingRevocation),
    };

    internal ConsumerMemberRecord ToRecord() => new()
    {
        MemberId = Id,
        InstanceId = InstanceId,
        RackId = RackId,
        ClientId = ClientId,
        ClientHost = ClientHost,
        RebalanceTimeoutMs = RebalanceTimeoutMs,
        SubscribedTopics = [.. SubscribedTopics],
        SubscribedRegex = SubscribedPattern?.Text,
        ServerAssignor = ServerAssignor,
        Classic = Classic is null ? null : new ConsumerClassicRecord
        {
            SessionTimeoutMs = Classic.SessionTimeoutMs,
            Protocols = [.. Classic.Protocols.Select(static protocol => new ConsumerClassicRecord.ConsumerClassicProtocolRecord
            {
                Name = protocol.Name,
                Metadata = protocol.Metadata,
            })],
        },
        Epoch = Epoch,
        PreviousEpoch = PreviousEpoch,
        State = (sbyte)State,
        Assigned = Assigned.ToRecords(),
        PendingRevocation = PendingRevocation.ToRecords(),
    };

    private bool HasSameClassic(ConsumerMember other)
    {
        if (Classic is null || other.Classic is null)
            return Classic is null && other.Classic is null;
        return Classic.SessionTimeoutMs == other.Classic.SessionTimeoutMs
            && Classic.Protocols.Length == other.Classic.Protocols.Length
            && Classic.Protocols.Zip(other.Classic.Protocols).All(static pair =>
                pair.First.Name == pair.Second.Name && pair.First.Metadata.Span.SequenceEqual(pair.Second.Metadata.Span));
    }
}
