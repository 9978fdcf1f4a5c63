using System.Collections.Immutable;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Groups;

/// <summary>How a member moves towards its target without ever sharing a partition (KIP-848).</summary>
internal static class ConsumerReconciliation
{
    /// <summary>The member after its next step; the same object when it has to stay where it is.</summary>
    /// <param name="group">Its group.</param>
    /// <param name="member">As it is in the group.</param>
    /// <param name="owned">What it says that it owns; null when it does not say.</param>
    public static ConsumerMember Next(ConsumerGroup group, ConsumerMember member, IReadOnlySet<TopicPartition>? owned)
    {
        switch (member.State)
        {
            case ConsumerMemberState.Stable when member.Epoch == group.TargetEpoch:
            case ConsumerMemberState.UnrevokedPartitions when MayOwn(owned, member.PendingRevocation):
                return member;
        }
        ImmutableHashSet<TopicPartition> kept = member.Assigned.Intersect(member.Target);
        ImmutableHashSet<TopicPartition> surplus = member.Assigned.Except(member.Target);
        if (!surplus.IsEmpty && MayOwn(owned, surplus))
        {
            return member with
            {
                State = ConsumerMemberState.UnrevokedPartitions,
                Assigned = kept,
                PendingRevocation = surplus,
                PreviousEpoch = member.Epoch,
            };
        }
        ImmutableHashSet<TopicPartition> available = [.. member.Target.Where(partition => group.IsFreeFor(member.Id, partition))];
        ConsumerMemberState state = available.Count < member.Target.Count ? ConsumerMemberState.UnreleasedPartitions : ConsumerMemberState.Stable;
        bool isSame = state == member.State && member.Epoch == group.TargetEpoch && available.SetEquals(member.Assigned);
        return isSame ? member : member with
        {
            State = state,
            Epoch = group.TargetEpoch,
            PreviousEpoch = member.Epoch,
            Assigned = available,
            PendingRevocation = PartitionSets.Empty,
        };
    }

    private static bool MayOwn(IReadOnlySet<TopicPartition>? owned, ImmutableHashSet<TopicPartition> partitions) =>
        owned is null || owned.Overlaps(partitions);
}
