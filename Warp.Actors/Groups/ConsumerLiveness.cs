using System.Collections.Immutable;
using Warp.Actors.Catalog;

namespace Warp.Actors.Groups;

/// <summary>By when a member must have been heard of.</summary>
/// <param name="Session">It is taken for dead.</param>
/// <param name="Rebalance">It has not done in time what the rebalance asks of it; null when nothing is asked.</param>
public readonly record struct MemberDeadlines(TimeSpan Session, TimeSpan? Rebalance)
{
    /// <summary>The earlier of both.</summary>
    public TimeSpan Next => Rebalance is { } rebalance && rebalance < Session ? rebalance : Session;
}

/// <summary>What a group of the consumer protocol knows without its journal. Immutable.</summary>
public sealed record ConsumerLiveness
{
    public static readonly ConsumerLiveness None = new();

    /// <summary>By member id; measured on <see cref="GroupTime.Uptime"/>.</summary>
    public ImmutableDictionary<string, MemberDeadlines> Deadlines { get; init; } = ImmutableDictionary<string, MemberDeadlines>.Empty;

    /// <summary>The topics of the catalog that the group's subscriptions were last compared with; null before the first time.</summary>
    public ImmutableSortedDictionary<string, TopicImage>? ComparedTopics { get; init; }
}
