namespace Warp.Actors.Cluster;

/// <summary>Whom a node cannot reach, as far as it has tried.</summary>
/// <param name="NodeIds">Their ids.</param>
/// <param name="KnownIncarnation">The latest life of any node that it knew of then (<see cref="NodeStatus.KnownIncarnation"/>).</param>
public sealed record UnreachedNodes(IReadOnlyCollection<int> NodeIds, long KnownIncarnation)
{
    /// <summary>It reaches everybody.</summary>
    public static UnreachedNodes None { get; } = new([], long.MaxValue);
}
