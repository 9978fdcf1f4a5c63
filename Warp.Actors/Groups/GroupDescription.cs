namespace Warp.Actors.Groups;

/// <summary>A group as DescribeGroups and ListGroups show it.</summary>
public sealed record GroupDescription
{
    /// <summary>Kafka's name of the type of groups whose members assign among themselves.</summary>
    public const string ClassicType = "classic";

    /// <summary>Kafka's name of the type of groups whose coordinator assigns (KIP-848).</summary>
    public const string ConsumerType = "consumer";

    public required string Type { get; init; }

    /// <summary>Kafka's name of the state.</summary>
    public required string State { get; init; }

    /// <summary>Empty for a group that only stores offsets.</summary>
    public required string ProtocolType { get; init; }

    /// <summary>The assignor of a stable group, otherwise empty.</summary>
    public required string ProtocolName { get; init; }

    public required IReadOnlyList<ClassicMember> Members { get; init; }

    /// <summary>The group in the consumer protocol; null for a classic one.</summary>
    public ConsumerGroup? Consumer { get; init; }

    /// <summary>Describes a group; null when there is none.</summary>
    public static GroupDescription? Of(GroupState state)
    {
        if (!state.Exists)
            return null;
        if (state.Image.Consumer is { } consumer)
        {
            return new GroupDescription
            {
                Type = ConsumerType,
                State = consumer.State.ToString(),
                ProtocolType = ConsumerSubscription.ProtocolType,
                ProtocolName = consumer.Assignor,
                Members = [],
                Consumer = consumer,
            };
        }
        ClassicGroup group = state.Classic;
        return new GroupDescription
        {
            Type = ClassicType,
            State = group.State.ToString(),
            ProtocolType = group.ProtocolType ?? "",
            ProtocolName = group.State == ClassicGroupState.Stable ? group.ProtocolName! : "",
            Members = [.. group.MembersInOrder.Select(static member => member.Info)],
        };
    }
}
