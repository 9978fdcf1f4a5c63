using Warp.Protocol.Messages;

namespace Warp.Actors.Groups;

/// <summary>All that a group's coordinator knows: what is journaled, and the membership that goes on above it. Immutable.</summary>
/// <param name="Image">The fold of the group's events.</param>
/// <param name="Classic">The members.</param>
/// <param name="ExpiryCheck">When offsets are next looked at for expiry.</param>
/// <param name="Wake">Nothing expires before this moment. It may be early: a tick then finds nothing and sets it right.</param>
public sealed record GroupState(GroupImage Image, ClassicGroup Classic, TimeSpan ExpiryCheck, TimeSpan Wake)
{
    /// <summary>Who is alive in a group of the consumer protocol.</summary>
    public ConsumerLiveness Liveness { get; init; } = ConsumerLiveness.None;

    /// <summary>Whether there is such a group.</summary>
    public bool Exists => Image.Exists || !Classic.Members.IsEmpty || !Classic.PendingMembers.IsEmpty;

    /// <summary>The state to begin with, on the journal's word alone.</summary>
    public static GroupState Recover(GroupImage image, GroupContext context)
    {
        TimeSpan expiryCheck = context.Now.Uptime + context.Settings.OffsetsRetentionCheckInterval;
        var turn = new GroupTurn(new GroupState(image, ClassicGroup.Recover(image, context.Now), expiryCheck, default), context);
        if (turn.Group.Members.Count > context.Settings.MaxSize)
            new ClassicRules(turn).PrepareRebalance();
        new ConsumerRules(turn).Recover();
        turn.ResetWake();
        return turn.ToDecision().Next;
    }
}

/// <summary>What a command leads to. Nothing of it may be seen before the journal has the events.</summary>
/// <param name="Next">The state afterwards.</param>
/// <param name="Events">What to journal; their fold is already in <see cref="GroupState.Image"/> of <paramref name="Next"/>.</param>
/// <param name="Answers">Answers to this command, and to those that were waiting, by the number that each came with.</param>
public sealed record GroupDecision(
    GroupState Next, IReadOnlyList<IEvent> Events, IReadOnlyList<KeyValuePair<long, GroupAnswer>> Answers)
{
    /// <summary>For the log of the node: who was removed, and why.</summary>
    public IReadOnlyList<string> Notes { get; init; } = [];
}
