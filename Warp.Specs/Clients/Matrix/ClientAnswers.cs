namespace Warp.Specs.Clients.Matrix;

/// <summary>What the client says of the cluster.</summary>
public sealed record ClusterAnswer(string? ClusterId, int Controller, IReadOnlyList<int> Brokers);

/// <summary>What the client says of a partition.</summary>
public sealed record PartitionAnswer(int Partition, int Leader, IReadOnlyList<int> Replicas);

/// <summary>The first offset of a partition, and the one after its last record.</summary>
public sealed record WatermarksAnswer(long Low, long High);

/// <summary>What the client says of a consumer group.</summary>
/// <param name="State">By Kafka's name, such as <c>Stable</c>.</param>
/// <param name="Protocol">The name of the assignor that the group has chosen.</param>
/// <param name="Members">How many it has.</param>
public sealed record GroupAnswer(string State, string? Protocol, int Members);

/// <summary>A member of a group as it sees itself.</summary>
/// <param name="Assignment">The numbers of its partitions, ascending.</param>
/// <param name="Consumed">What it has been given so far, in that order.</param>
public sealed record MemberAnswer(IReadOnlyList<int> Assignment, IReadOnlyList<ConsumedPosition> Consumed);

/// <summary>Where a consumed record stood.</summary>
public sealed record ConsumedPosition(int Partition, long Offset);
