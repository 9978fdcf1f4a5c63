namespace Warp.Specs.Clients.Matrix;

/// <summary>
/// Drives one Kafka client: a thin layer that calls what the client offers, so that all clients undergo the same checks. What a client
/// does not offer is never called (<see cref="ClientGaps"/>), and a driver leaves it out. One call at a time.
/// </summary>
/// <remarks>All calls throw <see cref="ClientCallException"/> if the client reports an error.</remarks>
public interface IClientDriver : IAsyncDisposable
{
    /// <summary>The version of the client.</summary>
    Task<string> VersionAsync(CancellationToken cancellation);

    /// <summary>Produces records and waits until they are delivered.</summary>
    Task ProduceAsync(ProduceCall call, CancellationToken cancellation);

    /// <summary>
    /// Reads a partition with one consumer that is assigned by hand: from each position to the end. A position is <c>beginning</c>,
    /// <c>end</c>, an offset, or <c>time:</c> with Unix milliseconds; to all but the first the consumer seeks.
    /// </summary>
    Task<IReadOnlyList<IReadOnlyList<MatrixRecord>>> ReadAsync(
        string topic, int partition, IReadOnlyList<string> positions, CancellationToken cancellation);

    Task<WatermarksAnswer> WatermarksAsync(string topic, int partition, CancellationToken cancellation);

    /// <summary>The offset of the first record that is not older.</summary>
    Task<long> OffsetForTimeAsync(string topic, int partition, long timestampMs, CancellationToken cancellation);

    Task<ClusterAnswer> DescribeClusterAsync(CancellationToken cancellation);

    Task CreateTopicAsync(string topic, int partitions, IReadOnlyDictionary<string, string> configs, CancellationToken cancellation) =>
        throw NotOffered();

    Task<IReadOnlyList<string>> ListTopicsAsync(CancellationToken cancellation);

    Task<IReadOnlyList<PartitionAnswer>> DescribeTopicAsync(string topic, CancellationToken cancellation);

    /// <summary>Raises the number of partitions to a total.</summary>
    Task CreatePartitionsAsync(string topic, int total, CancellationToken cancellation) => throw NotOffered();

    Task<IReadOnlyDictionary<string, string?>> DescribeConfigsAsync(string topic, CancellationToken cancellation) => throw NotOffered();

    /// <summary>Replaces the configs of a topic (AlterConfigs).</summary>
    Task AlterConfigsAsync(string topic, IReadOnlyDictionary<string, string> configs, CancellationToken cancellation) => throw NotOffered();

    /// <summary>Changes some configs of a topic (IncrementalAlterConfigs).</summary>
    Task ChangeConfigsAsync(string topic, IReadOnlyDictionary<string, string> configs, CancellationToken cancellation) =>
        throw NotOffered();

    Task DeleteRecordsAsync(string topic, int partition, long before, CancellationToken cancellation) => throw NotOffered();

    Task DeleteTopicAsync(string topic, CancellationToken cancellation) => throw NotOffered();

    /// <summary>Asks for the preferred leader of a partition.</summary>
    Task ElectLeaderAsync(string topic, int partition, CancellationToken cancellation) => throw NotOffered();

    /// <summary>The number of partitions of a topic that are being moved to other brokers.</summary>
    Task<int> CountReassignmentsAsync(string topic, CancellationToken cancellation) => throw NotOffered();

    Task StartMemberAsync(MemberCall call, CancellationToken cancellation);

    Task<MemberAnswer> MemberStateAsync(string member, CancellationToken cancellation);

    /// <summary>Commits what the member has consumed.</summary>
    Task CommitMemberAsync(string member, CancellationToken cancellation) => throw NotOffered();

    /// <summary>Closes a member as an application does that ends in order.</summary>
    Task CloseMemberAsync(string member, CancellationToken cancellation);

    /// <summary>The committed offset of a partition, as a consumer of the group asks for it.</summary>
    Task<long?> CommittedAsync(string group, string topic, int partition, CancellationToken cancellation) => throw NotOffered();

    Task<IReadOnlyList<string>> ListGroupsAsync(CancellationToken cancellation) => throw NotOffered();

    Task<GroupAnswer> DescribeGroupAsync(string group, CancellationToken cancellation) => throw NotOffered();

    /// <summary>The committed offsets of a group by partition, as an administrator asks for them.</summary>
    Task<IReadOnlyDictionary<int, long>> GroupOffsetsAsync(string group, string topic, CancellationToken cancellation) =>
        throw NotOffered();

    /// <summary>Sets a committed offset of a group without members.</summary>
    Task SetGroupOffsetAsync(string group, string topic, int partition, long offset, CancellationToken cancellation) => throw NotOffered();

    /// <summary>Deletes a committed offset of a group.</summary>
    Task DeleteGroupOffsetAsync(string group, string topic, int partition, CancellationToken cancellation) => throw NotOffered();

    Task DeleteGroupAsync(string group, CancellationToken cancellation) => throw NotOffered();

    private static NotSupportedException NotOffered() => new("the client does not offer this call");
}
