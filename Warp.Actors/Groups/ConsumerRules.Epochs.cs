using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Actors.Groups.Assignors;

namespace Warp.Actors.Groups;

/// <content>Group epochs, target assignments, and what happens because of time alone.</content>
internal sealed partial class ConsumerRules
{
    /// <summary>Removes members; what they held is free. The last one of the consumer protocol leaves a classic group behind.</summary>
    public void Remove(IReadOnlyCollection<string> memberIds)
    {
        if (new GroupConversion(turn).TryDowngradeWithout(memberIds))
            return;
        turn.Record(new ConsumerMembersLeft { Time = turn.Context.Now.EpochMs, MemberIds = [.. memberIds] });
        foreach (string memberId in memberIds)
            turn.Forget(memberId);
        RaiseEpoch(Topics().HashOf(Group.Members.Values));
    }

    /// <summary>Gives everybody a new session after a restart.</summary>
    public void Recover()
    {
        foreach (ConsumerMember member in turn.Image.Consumer?.Members.Values ?? [])
        {
            if (member.Classic is { } classic)
                turn.Expect(member.Id, new MemberDeadlines(turn.After(TimeSpan.FromMilliseconds(classic.SessionTimeoutMs)), null));
            else
                Hear(member, null);
        }
    }

    /// <summary>Removes the members that were not heard of in time, or have not given up in time what they had to.</summary>
    public void Expire()
    {
        List<string> late =
        [
            .. turn.Liveness.Deadlines.Where(entry => entry.Value.Next <= turn.Now).Select(static entry => entry.Key).Order(StringComparer.Ordinal),
        ];
        if (late.Count == 0)
            return;
        foreach (string memberId in late)
        {
            turn.Note(turn.Liveness.Deadlines[memberId].Session <= turn.Now
                ? $"{memberId} is removed: no heartbeat for its session timeout"
                : $"{memberId} is removed: it did not give up its partitions within its rebalance timeout");
        }
        Remove(late);
    }

    /// <summary>Notes a sign of life of a member that speaks the consumer protocol.</summary>
    /// <param name="member">As it is now.</param>
    /// <param name="before">As it was; null for a new one.</param>
    private void Hear(ConsumerMember member, ConsumerMember? before)
    {
        TimeSpan? rebalance = null;
        if (member.State == ConsumerMemberState.UnrevokedPartitions)
        {
            // The time runs from when it was first told.
            bool isNews = before is null || before.State != member.State || !before.PendingRevocation.SetEquals(member.PendingRevocation);
            rebalance = (isNews ? null : turn.Liveness.Deadlines.GetValueOrDefault(member.Id).Rebalance)
                ?? turn.After(TimeSpan.FromMilliseconds(member.RebalanceTimeoutMs));
        }
        turn.Expect(member.Id, new MemberDeadlines(turn.After(turn.Context.Settings.ConsumerSessionTimeout), rebalance));
    }

    /// <summary>Raises the group's epoch if anything has changed that the assignment depends on.</summary>
    private void RefreshEpoch(bool hasChanged)
    {
        ImmutableSortedDictionary<string, TopicImage> topics = turn.Context.Catalog.ByName;
        string assignor = PreferredAssignor();
        if (!hasChanged && assignor == Group.Assignor && ReferenceEquals(topics, turn.Liveness.ComparedTopics))
            return;
        turn.Liveness = turn.Liveness with { ComparedTopics = topics };
        long hash = Topics().HashOf(Group.Members.Values);
        if (hasChanged || assignor != Group.Assignor || hash != Group.MetadataHash)
            RaiseEpoch(hash);
    }

    private void RaiseEpoch(long metadataHash) => turn.Record(new ConsumerEpochRaised
    {
        Time = turn.Context.Now.EpochMs,
        Epoch = Group.Epoch + 1,
        MetadataHash = metadataHash,
    });

    /// <summary>Makes the target assignment of the group's epoch, if there is none yet.</summary>
    private void AssignTargets()
    {
        ConsumerGroup group = Group;
        if (group.TargetEpoch == group.Epoch)
            return;
        SubscribedTopics topics = Topics();
        IPartitionAssignor assignor = PartitionAssignors.Get(PreferredAssignor());
        var problem = new AssignmentProblem(
            [.. group.Members.Values.Select(member =>
                new AssignmentMember(member.Id, member.InstanceId, topics.Of(member).Select(static topic => topic.Id).ToHashSet(), member.Target))],
            topics.OfAll(group.Members.Values).ToDictionary(static topic => topic.Id, static topic => topic.OpenPartitionCount));
        turn.Record(new ConsumerTargetAssigned
        {
            Time = turn.Context.Now.EpochMs,
            Epoch = group.Epoch,
            Assignor = assignor.Name,
            Members = [.. assignor.Assign(problem)
                .Where(entry => !group.Members[entry.Key].Target.SetEquals(entry.Value))
                .Select(static entry => new ConsumerTargetRecord { MemberId = entry.Key, Partitions = entry.Value.ToRecords() })],
        });
    }

    /// <summary>The assignor that most members ask for, otherwise the first that is configured.</summary>
    private string PreferredAssignor()
    {
        ImmutableArray<string> configured = turn.Context.Settings.ConsumerAssignors;
        return Group.Members.Values
            .Where(member => member.ServerAssignor is { } wanted && configured.Contains(wanted))
            .GroupBy(static member => member.ServerAssignor!)
            .OrderByDescending(static votes => votes.Count())
            .ThenBy(static votes => votes.Key, StringComparer.Ordinal)
            .FirstOrDefault()?.Key ?? configured[0];
    }

    private SubscribedTopics Topics() => new(turn.Context.Catalog);
}
