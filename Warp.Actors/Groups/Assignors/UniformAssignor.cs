using Warp.Actors.Sequencing;

namespace Warp.Actors.Groups.Assignors;

/// <summary>
/// Gives everybody as many partitions as the others, and leaves as many as it can where they are. With equal subscriptions the shares
/// differ by one at most and no more partitions move than must. With different ones no single move to another subscriber would make the
/// shares more equal.
/// </summary>
public sealed class UniformAssignor : IPartitionAssignor
{
    public string Name => "uniform";

    public IReadOnlyDictionary<string, IReadOnlyCollection<TopicPartition>> Assign(AssignmentProblem problem)
    {
        List<Share> shares = [.. problem.Members.Select(static member => new Share(member))];
        var taken = new HashSet<TopicPartition>();
        foreach (Share share in shares)
        {
            share.Partitions.AddRange(share.Member.Current
                .Where(partition => share.Member.Topics.Contains(partition.TopicId)
                    && partition.Partition < problem.PartitionCounts[partition.TopicId]
                    && taken.Add(partition))
                .OrderBy(static partition => partition.TopicId).ThenBy(static partition => partition.Partition));
        }
        if (shares.TrueForAll(share => share.Member.Topics.SetEquals(shares[0].Member.Topics)))
            Level(shares, problem, taken);
        else
            Balance(shares, problem, taken);
        return shares.ToDictionary(static share => share.Member.Id, static share => (IReadOnlyCollection<TopicPartition>)share.Partitions);
    }

    /// <summary>Equal subscriptions: those with most keep the larger shares, all give up what is above theirs, the rest fills up.</summary>
    private static void Level(List<Share> shares, AssignmentProblem problem, HashSet<TopicPartition> taken)
    {
        int total = shares[0].Member.Topics.Sum(topic => problem.PartitionCounts[topic]);
        var (least, larger) = Math.DivRem(total, shares.Count);
        var below = new Queue<(Share Share, int Quota)>();
        foreach (var (share, i) in shares.OrderByDescending(static share => share.Partitions.Count).Select(static (share, i) => (share, i)).ToList())
        {
            int quota = least + (i < larger ? 1 : 0);
            while (share.Partitions.Count > quota)
            {
                taken.Remove(share.Partitions[^1]);
                share.Partitions.RemoveAt(share.Partitions.Count - 1);
            }
            if (share.Partitions.Count < quota)
                below.Enqueue((share, quota));
        }
        foreach (TopicPartition partition in Free(problem, shares[0].Member.Topics.Order(), taken))
        {
            var (share, quota) = below.Dequeue();
            share.Partitions.Add(partition);
            if (share.Partitions.Count < quota)
                below.Enqueue((share, quota));
        }
    }

    /// <summary>Different subscriptions: what is free goes to the smallest share, then single partitions move while that evens out.</summary>
    private static void Balance(List<Share> shares, AssignmentProblem problem, HashSet<TopicPartition> taken)
    {
        List<(Guid Topic, List<Share> Subscribers)> topics = [.. problem.Topics
            .Select(topic => (topic, shares.FindAll(share => share.Member.Topics.Contains(topic))))
            .Where(static entry => entry.Item2.Count > 0)
            .OrderBy(static entry => entry.Item2.Count)];
        foreach (var (topic, subscribers) in topics)
        {
            foreach (TopicPartition partition in Free(problem, [topic], taken))
                subscribers.MinBy(static share => share.Partitions.Count)!.Partitions.Add(partition);
        }
        bool hasMoved;
        do
        {
            hasMoved = false;
            foreach (var (topic, subscribers) in topics)
                hasMoved |= MoveAll(topic, subscribers);
        }
        while (hasMoved);
    }

    /// <summary>Moves partitions of one topic while that evens out; each move makes the sum of the squared shares smaller.</summary>
    private static bool MoveAll(Guid topic, List<Share> subscribers)
    {
        bool hasMoved = false;
        while (true)
        {
            Share smallest = subscribers.MinBy(static share => share.Partitions.Count)!;
            Share? largest = subscribers
                .Where(share => share.Partitions.Count > smallest.Partitions.Count + 1 && share.Partitions.Exists(partition => partition.TopicId == topic))
                .MaxBy(static share => share.Partitions.Count);
            if (largest is null)
                return hasMoved;
            int moved = largest.Partitions.FindLastIndex(partition => partition.TopicId == topic);
            smallest.Partitions.Add(largest.Partitions[moved]);
            largest.Partitions.RemoveAt(moved);
            hasMoved = true;
        }
    }

    private static IEnumerable<TopicPartition> Free(AssignmentProblem problem, IEnumerable<Guid> topics, HashSet<TopicPartition> taken) =>
        from topic in topics
        from partition in Enumerable.Range(0, problem.PartitionCounts[topic])
        let candidate = new TopicPartition(topic, partition)
        where !taken.Contains(candidate)
        select candidate;

    /// <summary>What a member gets.</summary>
    private sealed class Share(AssignmentMember member)
    {
        public AssignmentMember Member => member;

        public List<TopicPartition> Partitions { get; } = [];
    }
}
