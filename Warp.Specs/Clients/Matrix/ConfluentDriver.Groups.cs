using Confluent.Kafka;

namespace Warp.Specs.Clients.Matrix;

public sealed partial class ConfluentDriver
{
    private readonly Dictionary<string, ConfluentMember> _members = [];

    public Task StartMemberAsync(MemberCall call, CancellationToken cancellation)
    {
        var config = new ConsumerConfig
        {
            GroupId = call.Group,
            GroupInstanceId = call.Instance,
            PartitionAssignmentStrategy = call.Assignor switch
            {
                "range" => PartitionAssignmentStrategy.Range,
                "roundrobin" => PartitionAssignmentStrategy.RoundRobin,
                "cooperative-sticky" => PartitionAssignmentStrategy.CooperativeSticky,
                _ => throw new ArgumentOutOfRangeException(nameof(call), call.Assignor, null),
            },
            AutoOffsetReset = AutoOffsetReset.Earliest,
            EnableAutoCommit = call.AutoCommit,
            AutoCommitIntervalMs = 200,
            SessionTimeoutMs = 6000,
            HeartbeatIntervalMs = 300,
            TopicMetadataRefreshIntervalMs = 500,
        };
        bool isCooperative = call.Assignor == "cooperative-sticky";
        _members.Add(call.Member, new ConfluentMember(configure => Build(config, configure), call.Topic, isCooperative));
        return Task.CompletedTask;
    }

    public Task<MemberAnswer> MemberStateAsync(string member, CancellationToken cancellation) =>
        CallAsync(() => Task.FromResult(_members[member].State));

    public Task CommitMemberAsync(string member, CancellationToken cancellation) => CallAsync(() =>
    {
        _members[member].Commit();
        return Task.CompletedTask;
    });

    public Task CloseMemberAsync(string member, CancellationToken cancellation) => CallAsync(() =>
    {
        _members.Remove(member, out var closing);
        closing!.Dispose();
        return Task.CompletedTask;
    });

    /// <summary>Commits an offset without being a member of the group.</summary>
    public Task CommitAsync(string group, string topic, int partition, long offset) => CallAsync(() =>
    {
        using var consumer = BuildConsumer(new ConsumerConfig { GroupId = group });
        consumer.Commit([new(topic, partition, offset)]);
        return Task.CompletedTask;
    });

    public Task<long?> CommittedAsync(string group, string topic, int partition, CancellationToken cancellation) => CallAsync(() =>
    {
        using var consumer = BuildConsumer(new ConsumerConfig { GroupId = group });
        var found = consumer.Committed([new(topic, partition)], _timeout)[0].Offset;
        return Task.FromResult<long?>(found == Offset.Unset ? null : found);
    });

    public Task<IReadOnlyList<string>> ListGroupsAsync(CancellationToken cancellation) => CallAsync(async () =>
    {
        var found = await _admin.ListConsumerGroupsAsync();
        return (IReadOnlyList<string>)[.. found.Valid.Select(group => group.GroupId)];
    });

    public Task<GroupAnswer> DescribeGroupAsync(string group, CancellationToken cancellation) => CallAsync(async () =>
    {
        var found = (await _admin.DescribeConsumerGroupsAsync([group])).ConsumerGroupDescriptions.Single();
        return new GroupAnswer(found.State.ToString(), found.PartitionAssignor, found.Members.Count);
    });

    public Task<IReadOnlyDictionary<int, long>> GroupOffsetsAsync(string group, string topic, CancellationToken cancellation) =>
        CallAsync(async () =>
        {
            var found = await _admin.ListConsumerGroupOffsetsAsync([new(group, null)]);
            return (IReadOnlyDictionary<int, long>)found[0].Partitions
                .Where(each => each.Topic == topic)
                .ToDictionary(each => each.Partition.Value, each => each.Offset.Value);
        });

    public Task SetGroupOffsetAsync(string group, string topic, int partition, long offset, CancellationToken cancellation) =>
        CallAsync(() => _admin.AlterConsumerGroupOffsetsAsync([new(group, [new(topic, partition, offset)])]));

    public Task DeleteGroupOffsetAsync(string group, string topic, int partition, CancellationToken cancellation) =>
        CallAsync(() => _admin.DeleteConsumerGroupOffsetsAsync(group, [new(topic, partition)]));

    public Task DeleteGroupAsync(string group, CancellationToken cancellation) => CallAsync(() => _admin.DeleteGroupsAsync([group]));
}
