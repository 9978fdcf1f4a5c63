using Warp.Actors.Sequencing;

namespace Warp.Actors.Groups.Assignors;

/// <summary>
/// Gives each partition of the subscribed topics to one of its subscribers. A pure function: the same problem has the same solution.
/// </summary>
public interface IPartitionAssignor
{
    /// <summary>Kafka's name, as members and configs say it.</summary>
    string Name { get; }

    /// <summary>What each member gets, by member id; every member is there.</summary>
    IReadOnlyDictionary<string, IReadOnlyCollection<TopicPartition>> Assign(AssignmentProblem problem);
}
