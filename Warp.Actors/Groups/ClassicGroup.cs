using System.Collections.Immutable;

namespace Warp.Actors.Groups;

/// <summary>The states of a classic group; one that does not exist is Dead to Kafka.</summary>
public enum ClassicGroupState
{
    /// <summary>Without members; there may be offsets.</summary>
    Empty,

    /// <summary>Collecting the joins of the next generation.</summary>
    PreparingRebalance,

    /// <summary>The generation has started, its leader has not assigned yet.</summary>
    CompletingRebalance,

    /// <summary>Everybody can have its assignment.</summary>
    Stable,
}

/// <summary>
/// The membership of a classic group as it goes on: who is there, who waits for which answer, and until when. Only generations are
/// journaled (<see cref="GroupImage"/>); all deadlines are data, measured on <see cref="GroupTime.Uptime"/>. Immutable.
/// </summary>
public sealed record ClassicGroup
{
    public ClassicGroupState State { get; init; }

    public int Generation { get; init; }

    /// <summary>Of the members, or of the last that were there; null if there never were any.</summary>
    public string? ProtocolType { get; init; }

    /// <summary>The assignor of the generation; null when empty.</summary>
    public string? ProtocolName { get; init; }

    public string? LeaderId { get; init; }

    /// <summary>By member id.</summary>
    public ImmutableDictionary<string, LiveMember> Members { get; init; } = ImmutableDictionary<string, LiveMember>.Empty;

    /// <summary>The member ids of static members, by instance id.</summary>
    public ImmutableDictionary<string, string> StaticMembers { get; init; } = ImmutableDictionary<string, string>.Empty;

    /// <summary>Member ids that have been given out to members that are to join with them, and until when.</summary>
    public ImmutableDictionary<string, TimeSpan> PendingMembers { get; init; } = ImmutableDictionary<string, TimeSpan>.Empty;

    /// <summary>The members that have not asked for their assignment in this generation.</summary>
    public ImmutableHashSet<string> PendingSyncs { get; init; } = [];

    /// <summary>How many members wait for an answer to their join.</summary>
    public int JoiningCount { get; init; }

    /// <summary>How many members have ever been added: the place of the next one in the order of members.</summary>
    public long AddedCount { get; init; }

    /// <summary>While preparing: the group was empty before, and gives members time to come.</summary>
    public bool IsInitialRebalance { get; init; }

    /// <summary>Whether a member came since the initial delay was last extended.</summary>
    public bool HasNewMember { get; init; }

    /// <summary>The part of the initial delay that is running, and how much further it may be extended.</summary>
    public TimeSpan InitialDelay { get; init; }

    public TimeSpan InitialDelayLeft { get; init; }

    /// <summary>While preparing: when the generation starts with those who are there.</summary>
    public TimeSpan? JoinDeadline { get; init; }

    /// <summary>When the members that have not asked for their assignment are removed.</summary>
    public TimeSpan? SyncDeadline { get; init; }

    /// <summary>Whether all members, those to come too, wait for the generation to start.</summary>
    public bool AllHaveJoined => Members.Count == JoiningCount && PendingMembers.IsEmpty;

    /// <summary>How long a rebalance may take: as long as its most patient member allows.</summary>
    public TimeSpan RebalanceTimeout =>
        TimeSpan.FromMilliseconds(Members.Values.Select(static member => member.Info.RebalanceTimeoutMs).Append(0).Max());

    public IEnumerable<LiveMember> MembersInOrder => Members.Values.OrderBy(static member => member.Order);

    /// <summary>What can be known of a group from its journal: its last generation, with fresh timers.</summary>
    public static ClassicGroup Recover(GroupImage image, GroupTime now)
    {
        var group = new ClassicGroup
        {
            State = image.Members.IsEmpty ? ClassicGroupState.Empty
                : image.HasLostMembers ? ClassicGroupState.PreparingRebalance
                : image.IsAssigned ? ClassicGroupState.Stable
                : ClassicGroupState.CompletingRebalance,
            Generation = image.Generation,
            ProtocolType = image.ProtocolType,
            ProtocolName = image.Members.IsEmpty ? null : image.ProtocolName,
            LeaderId = image.Members.Any(member => member.Id == image.LeaderId) ? image.LeaderId : image.Members.FirstOrDefault()?.Id,
            Members = image.Members.Select((member, i) => new LiveMember(member, i)
            {
                SessionDeadline = now.Uptime + TimeSpan.FromMilliseconds(member.SessionTimeoutMs),
            }).ToImmutableDictionary(static member => member.Info.Id),
            StaticMembers = image.Members.Where(static member => member.InstanceId is not null)
                .ToImmutableDictionary(static member => member.InstanceId!, static member => member.Id),
            AddedCount = image.Members.Length,
        };
        return group.State switch
        {
            ClassicGroupState.PreparingRebalance => group with { JoinDeadline = now.Uptime + group.RebalanceTimeout },
            ClassicGroupState.CompletingRebalance => group with
            {
                PendingSyncs = [.. group.Members.Keys],
                SyncDeadline = now.Uptime + group.RebalanceTimeout,
            },
            _ => group,
        };
    }
}

/// <summary>A member that is there.</summary>
/// <param name="Info">What is journaled of it.</param>
/// <param name="Order">Its place among the members.</param>
public sealed record LiveMember(ClassicMember Info, long Order)
{
    /// <summary>The question that waits for the generation to start, if one does.</summary>
    public long? JoinReply { get; init; }

    /// <summary>The question that waits for the assignment, if one does.</summary>
    public long? SyncReply { get; init; }

    /// <summary>It has never been told its generation, and may not even know its id.</summary>
    public bool IsNew { get; init; }

    /// <summary>When it is taken for dead; null while it waits for an answer and cannot send heartbeats.</summary>
    public TimeSpan? SessionDeadline { get; init; }
}
