using System.Collections.Immutable;
using Warp.Actors.Sequencing;

namespace Warp.Actors.Groups.Assignors;

/// <summary>A member, as assignors see it.</summary>
/// <param name="Id">Its member id.</param>
/// <param name="InstanceId">Of a static member; it outlives the member id.</param>
/// <param name="Topics">The ids of the topics that it subscribes to, all of them in <see cref="AssignmentProblem.PartitionCounts"/>.</param>
/// <param name="Current">What the last target gave it.</param>
public sealed record AssignmentMember(string Id, string? InstanceId, IReadOnlySet<Guid> Topics, ImmutableHashSet<TopicPartition> Current);

/// <summary>What is to be assigned to whom.</summary>
/// <param name="Members">At least one, in ordinal order of their ids.</param>
/// <param name="PartitionCounts">How many partitions each subscribed topic has.</param>
public sealed record AssignmentProblem(IReadOnlyList<AssignmentMember> Members, IReadOnlyDictionary<Guid, int> PartitionCounts)
{
    /// <summary>The topics, always in the same order.</summary>
    public IEnumerable<Guid> Topics => PartitionCounts.Keys.Order();
}
