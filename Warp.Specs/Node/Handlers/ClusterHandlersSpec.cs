using Warp.Actors.Catalog;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

/// <summary>DescribeCluster, DescribeTopicPartitions and FindCoordinator.</summary>
public sealed class ClusterHandlersSpec(ActorsFixture actors) : IClassFixture<ActorsFixture>
{
    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    public async Task The_cluster_is_described_in_every_version(short version)
    {
        var request = new DescribeClusterRequest { IncludeClusterAuthorizedOperations = version == 2 };
        var response = await new DescribeClusterHandler(actors.Cluster).CallAsync<DescribeClusterResponse>(request, version);
        Assert.Equal(
            (ErrorCode.None, actors.Cluster.ClusterId, ActorsFixture.NodeId),
            (response.ErrorCode, response.ClusterId, response.ControllerId));
        DescribeClusterResponse.DescribeClusterBroker broker = Assert.Single(response.Brokers);
        Assert.Equal((ActorsFixture.NodeId, "broker.example", 9092, "zone-a"), (broker.BrokerId, broker.Host, broker.Port, broker.Rack!));
        Assert.Equal(version == 2, response.ClusterAuthorizedOperations > 0);
    }

    [Theory]
    [InlineData(2, ErrorCode.MismatchedEndpointType)]
    [InlineData(3, ErrorCode.UnsupportedEndpointType)]
    public async Task Only_brokers_are_described(sbyte endpointType, ErrorCode error)
    {
        var response = await new DescribeClusterHandler(actors.Cluster)
            .CallAsync<DescribeClusterResponse>(new DescribeClusterRequest { EndpointType = endpointType }, 1);
        Assert.Equal(error, response.ErrorCode);
        Assert.Empty(response.Brokers);
    }

    [Fact]
    public async Task Partitions_are_described_page_by_page_in_the_order_of_names()
    {
        await actors.CreateTopicAsync("page-b", partitions: 5, replicationFactor: 3);
        await actors.CreateTopicAsync("page-a", partitions: 3);
        await actors.CreateTopicAsync("page-c", partitions: 2);
        var pages = new List<string>();
        DescribeTopicPartitionsRequest.CursorData? cursor = null;
        do
        {
            DescribeTopicPartitionsResponse response = await PageAsync(4, cursor, "page-c", "page-a", "page-b", "page-b", "pabe");
            pages.Add(string.Join(' ', response.Topics.Select(static topic => topic.ErrorCode == ErrorCode.None
                ? $"{topic.Name}:{string.Join(',', topic.Partitions.Select(static partition => partition.PartitionIndex))}"
                : $"{topic.Name}:{topic.ErrorCode}")));
            cursor = response.NextCursor is { } next
                ? new DescribeTopicPartitionsRequest.CursorData { TopicName = next.TopicName, PartitionIndex = next.PartitionIndex }
                : null;
        }
        while (cursor is not null);
        Assert.Equal(["pabe:UnknownTopicOrPartition page-a:0,1,2 page-b:0", "page-b:1,2,3,4", "page-c:0,1"], pages);
    }

    [Fact]
    public async Task Without_names_all_topics_are_described()
    {
        TopicImage topic = await actors.CreateTopicAsync("all", replicationFactor: 3);
        DescribeTopicPartitionsResponse response = await PageAsync(0, null);
        Assert.Single(response.Topics);
        response = await PageAsync(5000, null);
        var found = response.Topics.Single(described => described.Name == topic.Name);
        Assert.Equal((topic.Id, ErrorCode.None), (found.TopicId, found.ErrorCode));
        var partition = Assert.Single(found.Partitions);
        Assert.Equal(ActorsFixture.NodeId, partition.LeaderId);
        Assert.Equal([7, 7, 7], partition.ReplicaNodes);
        Assert.Equal([7, 7, 7], partition.IsrNodes);
        Assert.True(found.TopicAuthorizedOperations > 0);
    }

    [Theory]
    [InlineData("..", ErrorCode.InvalidTopicException)]
    [InlineData("never-was", ErrorCode.UnknownTopicOrPartition)]
    public async Task Topics_that_are_not_there_get_an_error(string name, ErrorCode error) =>
        Assert.Equal(error, Assert.Single((await PageAsync(10, null, name)).Topics).ErrorCode);

    [Fact]
    public async Task A_cursor_past_the_end_of_a_topic_goes_on_with_the_next()
    {
        await actors.CreateTopicAsync("past-a", partitions: 2);
        await actors.CreateTopicAsync("past-b");
        var cursor = new DescribeTopicPartitionsRequest.CursorData { TopicName = "past-a", PartitionIndex = int.MaxValue };
        DescribeTopicPartitionsResponse response = await PageAsync(10, cursor, "past-a", "past-b");
        Assert.Equal([("past-a", 0), ("past-b", 1)], response.Topics.Select(static topic => (topic.Name!, topic.Partitions.Count)));
    }

    [Theory]
    [InlineData(0, 0)]
    [InlineData(3, 0)]
    [InlineData(4, 0)]
    [InlineData(6, 0)]
    [InlineData(1, 1)]
    [InlineData(3, 1)]
    [InlineData(5, 1)]
    public async Task Groups_and_transactions_are_coordinated_here(short version, sbyte keyType)
    {
        FindCoordinatorResponse.Coordinator found = await FindAsync(version, keyType);
        Assert.Equal(
            (ErrorCode.None, ActorsFixture.NodeId, "broker.example", 9092), (found.ErrorCode, found.NodeId, found.Host, found.Port));
    }

    [Theory]
    [InlineData(2)]
    [InlineData(-1)]
    public async Task Other_coordinators_do_not_exist(sbyte keyType) =>
        Assert.Equal(ErrorCode.InvalidRequest, (await FindAsync(6, keyType)).ErrorCode);

    private async Task<FindCoordinatorResponse.Coordinator> FindAsync(short version, sbyte keyType)
    {
        FindCoordinatorRequest request = version >= 4
            ? new() { KeyType = keyType, CoordinatorKeys = ["key"] }
            : new() { KeyType = keyType, Key = "key" };
        var response = await new FindCoordinatorHandler(actors.Cluster, actors.GroupRegion).CallAsync<FindCoordinatorResponse>(request, version);
        if (version >= 4)
            return Assert.Single(response.Coordinators);
        return new() { ErrorCode = response.ErrorCode, NodeId = response.NodeId, Host = response.Host, Port = response.Port };
    }

    private Task<DescribeTopicPartitionsResponse> PageAsync(
        int limit, DescribeTopicPartitionsRequest.CursorData? cursor, params string[] names)
    {
        var request = new DescribeTopicPartitionsRequest
        {
            Topics = [.. names.Select(static name => new DescribeTopicPartitionsRequest.TopicRequest { Name = name })],
            ResponsePartitionLimit = limit,
            Cursor = cursor,
        };
        return new DescribeTopicPartitionsHandler(actors.Client, actors.Cluster).CallAsync<DescribeTopicPartitionsResponse>(request, 0);
    }
}
