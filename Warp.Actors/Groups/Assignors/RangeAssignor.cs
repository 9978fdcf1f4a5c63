using Warp.Actors.Sequencing;

namespace Warp.Actors.Groups.Assignors;

/// <summary>
/// Cuts each topic into consecutive ranges, one for each subscriber. Topics with as many partitions and the same subscribers are cut alike,
/// so that who has a partition of one has the same of the others.
/// </summary>
public sealed class RangeAssignor : IPartitionAssignor
{
    public string Name => "range";

    public IReadOnlyDictionary<string, IReadOnlyCollection<TopicPartition>> Assign(AssignmentProblem problem)
    {
        // A static member has its place by its instance id, which a restart does not change.
        List<AssignmentMember> inOrder = [.. problem.Members
            .OrderBy(static member => member.InstanceId is null)
            .ThenBy(static member => member.InstanceId ?? member.Id, StringComparer.Ordinal)];
        var assigned = inOrder.ToDictionary(static member => member.Id, static _ => new List<TopicPartition>());
        foreach (Guid topic in problem.Topics)
        {
            List<AssignmentMember> subscribers = [.. inOrder.Where(member => member.Topics.Contains(topic))];
            if (subscribers.Count == 0)
                continue;
            var (least, larger) = Math.DivRem(problem.PartitionCounts[topic], subscribers.Count);
            int next = 0;
            for (int i = 0; i < subscribers.Count; i++)
            {
                int end = next + least + (i < larger ? 1 : 0);
                for (; next < end; next++)
                    assigned[subscribers[i].Id].Add(new TopicPartition(topic, next));
            }
        }
        return assigned.ToDictionary(static entry => entry.Key, static entry => (IReadOnlyCollection<TopicPartition>)entry.Value);
    }
}
