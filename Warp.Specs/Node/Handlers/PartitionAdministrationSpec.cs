using Microsoft.Extensions.Logging.Abstractions;
using Warp.Actors.Catalog;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

/// <summary>DescribeLogDirs, DescribeProducers, ElectLeaders, and the APIs of reassignments.</summary>
public sealed class PartitionAdministrationSpec(ActorsFixture actors) : IClassFixture<ActorsFixture>
{
    private SequencerQuestions Sequencers => new(actors.Region, NullLogger<SequencerQuestions>.Instance);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task The_object_store_is_the_log_dir_and_tells_true_sizes(short version)
    {
        TopicImage topic = await actors.CreateTopicAsync($"sizes-{version}", partitions: 6);
        await actors.AppendAsync(topic, 1, 10);
        await actors.AppendAsync(topic, 4, 10);
        await actors.AppendAsync(topic, 4, 10);
        DescribeLogDirsResponse.DescribeLogDirsResult dir = await DescribeDirAsync(version, null);
        Assert.Equal((ErrorCode.None, "/object-store", -1, -1), (dir.ErrorCode, dir.LogDir, dir.TotalBytes, dir.UsableBytes));
        var found = Assert.Single(dir.Topics, found => found.Name == topic.Name);
        Assert.Equal(
            [(0, 0), (1, 1000), (2, 0), (3, 0), (4, 2000), (5, 0)],
            found.Partitions.Select(static partition => (partition.PartitionIndex, partition.PartitionSize)));
        Assert.All(found.Partitions, static partition => Assert.Equal((0, false), (partition.OffsetLag, partition.IsFutureKey)));
    }

    [Fact]
    public async Task Only_the_partitions_that_are_asked_for_and_exist_are_in_the_log_dir()
    {
        TopicImage topic = await actors.CreateTopicAsync("asked-for", partitions: 3);
        DescribeLogDirsResponse.DescribeLogDirsResult dir = await DescribeDirAsync(
            4, [new() { Topic = topic.Name, Partitions = [2, 2, 3, -1] }, new() { Topic = "never-was", Partitions = [0] }]);
        var found = Assert.Single(dir.Topics);
        Assert.Equal((topic.Name, 2), (found.Name, Assert.Single(found.Partitions).PartitionIndex));
        Assert.Empty((await DescribeDirAsync(4, [])).Topics);
    }

    [Fact]
    public async Task Of_several_nodes_one_tells_the_size_of_a_partition()
    {
        TopicImage topic = await actors.CreateTopicAsync("spread", partitions: 6);
        ClusterNode[] nodes = [new(7, "a", 1, null), new(8, "b", 1, null), new(9, "c", 1, null)];
        var found = new List<int>();
        foreach (ClusterNode self in nodes)
        {
            var cluster = new ClusterView("a-cluster-id-of-22-char", self, nodes.Except([self]));
            var handler = new DescribeLogDirsHandler(actors.Client, cluster, Sequencers);
            var request = new DescribeLogDirsRequest { Topics = [new() { Topic = topic.Name, Partitions = [0, 1, 2, 3, 4, 5] }] };
            var response = await handler.CallAsync<DescribeLogDirsResponse>(request, 4);
            found.AddRange(response.Results[0].Topics[0].Partitions.Select(static partition => partition.PartitionIndex));
        }
        Assert.Equal([0, 1, 2, 3, 4, 5], found.Order());
    }

    [Fact]
    public async Task Producers_are_described_by_what_they_wrote_last()
    {
        TopicImage topic = await actors.CreateTopicAsync("written", partitions: 3);
        await actors.AppendAsync(topic, 0, 10, producer: (100, 0, 0));
        await actors.AppendAsync(topic, 0, 5, producer: (100, 0, 10));
        await actors.AppendAsync(topic, 0, 7, producer: (101, 3, 0));
        await actors.AppendAsync(topic, 1, 7);
        var request = new DescribeProducersRequest
        {
            Topics =
            [
                new() { Name = topic.Name, PartitionIndexes = [0, 1, 3, -1] },
                new() { Name = "never-was", PartitionIndexes = [0] },
                new() { Name = "no name", PartitionIndexes = [0] },
            ],
        };
        var response = await new DescribeProducersHandler(actors.Client, Sequencers).CallAsync<DescribeProducersResponse>(request, 0);
        Assert.Equal(
            [
                (0, ErrorCode.None), (1, ErrorCode.None), (3, ErrorCode.UnknownTopicOrPartition), (-1, ErrorCode.UnknownTopicOrPartition),
                (0, ErrorCode.UnknownTopicOrPartition), (0, ErrorCode.InvalidTopicException),
            ],
            response.Topics.SelectMany(static found => found.Partitions).Select(static found => (found.PartitionIndex, found.ErrorCode)));
        var producers = response.Topics[0].Partitions[0].ActiveProducers.OrderBy(static producer => producer.ProducerId).ToList();
        Assert.Equal(
            [(100L, 0, 14), (101L, 3, 6)],
            producers.Select(static producer => (producer.ProducerId, producer.ProducerEpoch, producer.LastSequence)));
        Assert.All(producers, static producer =>
        {
            Assert.Equal((-1, -1), (producer.CoordinatorEpoch, producer.CurrentTxnStartOffset));
            Assert.InRange(producer.LastTimestamp, 1_600_000_000_000, long.MaxValue);
        });
        Assert.Empty(response.Topics[0].Partitions[1].ActiveProducers);
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 0)]
    [InlineData(2, 1)]
    public async Task No_partition_needs_an_election(short version, sbyte type)
    {
        TopicImage topic = await actors.CreateTopicAsync($"elects-{version}", partitions: 2);
        ElectLeadersResponse response = await ElectAsync(
            version, type, [new() { Topic = topic.Name, Partitions = [0, 1, 2] }, new() { Topic = "never-was", Partitions = [0] }]);
        Assert.Equal(ErrorCode.None, response.ErrorCode);
        Assert.Equal(
            [
                ErrorCode.ElectionNotNeeded, ErrorCode.ElectionNotNeeded,
                ErrorCode.UnknownTopicOrPartition, ErrorCode.UnknownTopicOrPartition,
            ],
            response.ReplicaElectionResults.SelectMany(static found => found.PartitionResult).Select(static found => found.ErrorCode));
    }

    [Fact]
    public async Task An_election_of_all_leaders_has_nothing_to_tell()
    {
        await actors.CreateTopicAsync("elects-none");
        ElectLeadersResponse response = await ElectAsync(2, 0, null);
        Assert.Equal((ErrorCode.None, 0), (response.ErrorCode, response.ReplicaElectionResults.Count));
    }

    [Fact]
    public async Task An_election_of_an_unknown_kind_is_refused() =>
        Assert.Equal(ErrorCode.InvalidRequest, (await ElectAsync(2, 2, null)).ErrorCode);

    public static TheoryData<string, int, int[]?, bool, ErrorCode> Reassignments() => new()
    {
        { "moves", 0, [ActorsFixture.NodeId], true, ErrorCode.None },
        { "moves", 0, [ActorsFixture.NodeId], false, ErrorCode.InvalidReplicationFactor },
        { "moves", 1, null, true, ErrorCode.NoReassignmentInProgress },
        { "moves", 0, [], true, ErrorCode.InvalidReplicaAssignment },
        { "moves", 0, [ActorsFixture.NodeId, ActorsFixture.NodeId], true, ErrorCode.InvalidReplicaAssignment },
        { "moves", 0, [ActorsFixture.NodeId + 1], true, ErrorCode.InvalidReplicaAssignment },
        { "moves", 0, [-3], true, ErrorCode.InvalidReplicaAssignment },
        { "moves", 2, [ActorsFixture.NodeId], true, ErrorCode.UnknownTopicOrPartition },
        { "moves", -1, null, true, ErrorCode.UnknownTopicOrPartition },
        { "never-was", 0, [ActorsFixture.NodeId], true, ErrorCode.UnknownTopicOrPartition },
    };

    [Theory]
    [MemberData(nameof(Reassignments))]
    public async Task A_reassignment_is_checked_and_then_done(
        string topic, int partition, int[]? replicas, bool factorMayChange, ErrorCode error)
    {
        if (actors.Published.Current.Find("moves") is null)
            await actors.CreateTopicAsync("moves", partitions: 2, replicationFactor: 3);
        var request = new AlterPartitionReassignmentsRequest
        {
            AllowReplicationFactorChange = factorMayChange,
            Topics = [new() { Name = topic, Partitions = [new() { PartitionIndex = partition, Replicas = replicas?.ToList() }] }],
        };
        var handler = new AlterPartitionReassignmentsHandler(actors.Client, actors.Cluster);
        var response = await handler.CallAsync<AlterPartitionReassignmentsResponse>(request, 1);
        Assert.Equal((ErrorCode.None, null), (response.ErrorCode, response.ErrorMessage));
        Assert.Equal(factorMayChange, response.AllowReplicationFactorChange);
        var result = Assert.Single(Assert.Single(response.Responses).Partitions);
        Assert.Equal((partition, error, error == ErrorCode.None), (result.PartitionIndex, result.ErrorCode, result.ErrorMessage is null));
    }

    [Fact]
    public async Task No_reassignment_is_under_way()
    {
        var response = await new ListPartitionReassignmentsHandler().CallAsync<ListPartitionReassignmentsResponse>(
            new ListPartitionReassignmentsRequest(), 0);
        Assert.Equal((ErrorCode.None, null, 0), (response.ErrorCode, response.ErrorMessage, response.Topics.Count));
    }

    private async Task<DescribeLogDirsResponse.DescribeLogDirsResult> DescribeDirAsync(
        short version, List<DescribeLogDirsRequest.DescribableLogDirTopic>? topics)
    {
        var response = await new DescribeLogDirsHandler(actors.Client, actors.Cluster, Sequencers)
            .CallAsync<DescribeLogDirsResponse>(new DescribeLogDirsRequest { Topics = topics }, version);
        Assert.Equal(ErrorCode.None, response.ErrorCode);
        return Assert.Single(response.Results);
    }

    private Task<ElectLeadersResponse> ElectAsync(
        short version, sbyte type, List<ElectLeadersRequest.ElectableTopicPartitions>? partitions) =>
        new ElectLeadersHandler(actors.Client).CallAsync<ElectLeadersResponse>(
            new ElectLeadersRequest { ElectionType = type, TopicPartitions = partitions }, version);
}
