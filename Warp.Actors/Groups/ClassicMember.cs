using System.Collections.Immutable;

namespace Warp.Actors.Groups;

/// <summary>One way of assigning that a member understands, with what it tells the assignor (opaque to the broker).</summary>
public readonly record struct ClassicProtocol(string Name, ReadOnlyMemory<byte> Metadata);

/// <summary>A member of a classic group, as it is journaled. Immutable; owns its bytes.</summary>
public sealed record ClassicMember
{
    public required string Id { get; init; }

    /// <summary><c>group.instance.id</c> of a static member (KIP-345).</summary>
    public string? InstanceId { get; init; }

    public required string ClientId { get; init; }

    public required string ClientHost { get; init; }

    public required int SessionTimeoutMs { get; init; }

    public required int RebalanceTimeoutMs { get; init; }

    /// <summary>In the order of the member's preference; each name once.</summary>
    public required ImmutableArray<ClassicProtocol> Protocols { get; init; }

    /// <summary>What the leader gave it in this generation; empty before that.</summary>
    public ReadOnlyMemory<byte> Assignment { get; init; }

    public bool Supports(string protocol) => Protocols.Any(candidate => candidate.Name == protocol);

    /// <summary>What it tells the assignor of that name; empty when it does not know it.</summary>
    public ReadOnlyMemory<byte> MetadataFor(string? protocol) => Protocols.FirstOrDefault(candidate => candidate.Name == protocol).Metadata;

    /// <summary>Whether these are the member's protocols, in the same order and to the byte.</summary>
    public bool HasSameProtocols(ImmutableArray<ClassicProtocol> protocols)
    {
        if (protocols.Length != Protocols.Length)
            return false;
        for (int i = 0; i < protocols.Length; i++)
        {
            if (protocols[i].Name != Protocols[i].Name || !protocols[i].Metadata.Span.SequenceEqual(Protocols[i].Metadata.Span))
                return false;
        }
        return true;
    }

    internal static ClassicMember Of(ClassicMemberRecord record) => new()
    {
        Id = record.MemberId,
        InstanceId = record.InstanceId,
        ClientId = record.ClientId,
        ClientHost = record.ClientHost,
        SessionTimeoutMs = record.SessionTimeoutMs,
        RebalanceTimeoutMs = record.RebalanceTimeoutMs,
        Protocols = [.. record.Protocols.Select(static protocol => new ClassicProtocol(protocol.Name, protocol.Metadata))],
        Assignment = record.Assignment,
    };

    internal ClassicMemberRecord ToRecord() => new()
    {
        MemberId = Id,
        InstanceId = InstanceId,
        ClientId = ClientId,
        ClientHost = ClientHost,
        SessionTimeoutMs = SessionTimeoutMs,
        RebalanceTimeoutMs = RebalanceTimeoutMs,
        Protocols = [.. Protocols.Select(static protocol => new ClassicMemberRecord.ClassicProtocolRecord
        {
            Name = protocol.Name,
            Metadata = protocol.Metadata,
        })],
        Assignment = Assignment,
    };
}
