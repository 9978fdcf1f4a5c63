using Warp.Protocol.Messages;

namespace Warp.Actors.Persistence;

/// <summary>What a command decided: events, and what goes into the journal's transaction with them.</summary>
public readonly record struct Changes(IReadOnlyList<IEvent> Events)
{
    /// <summary>Objects that gained their first, or lost their last, extent of this actor's shard.</summary>
    public IReadOnlyList<ObjectReference> References { get; init; } = [];

    /// <summary>The write is refused after this moment of the database's clock.</summary>
    public DateTimeOffset? NotAfter { get; init; }
}

/// <summary>This actor can no longer say that it owns its history; it must recover, or another node has it.</summary>
public sealed class OwnershipLostException(string persistenceId, string why)
    : Exception($"{persistenceId} must recover: {why}");
