using Warp.Actors.Catalog;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

public sealed class MetadataSpec(ActorsFixture actors) : IClassFixture<ActorsFixture>
{
    private const int NotAsked = int.MinValue;

    private MetadataHandler Handler => new(actors.Client, actors.Cluster);

    public static TheoryData<short> Versions => [.. Enumerable.Range(0, 14).Select(static version => (short)version)];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_topic_is_described_in_every_version(short version)
    {
        TopicImage topic = await actors.CreateTopicAsync($"described-{version}", partitions: 3, replicationFactor: 2);
        MetadataResponse response = await CallAsync(version, topic.Name);
        MetadataResponse.MetadataResponseBroker broker = Assert.Single(response.Brokers);
        Assert.Equal((ActorsFixture.NodeId, "broker.example", 9092), (broker.NodeId, broker.Host, broker.Port));
        Assert.Equal(version >= 1 ? "zone-a" : null, broker.Rack);
        Assert.Equal(version >= 2 ? actors.Cluster.ClusterId : null, response.ClusterId);
        Assert.Equal(version >= 1 ? ActorsFixture.NodeId : -1, response.ControllerId);
        MetadataResponse.MetadataResponseTopic found = Assert.Single(response.Topics);
        Assert.Equal((ErrorCode.None, topic.Name), (found.ErrorCode, found.Name));
        Assert.Equal(version >= 10 ? topic.Id : Guid.Empty, found.TopicId);
        Assert.Equal([0, 1, 2], found.Partitions.Select(static partition => partition.PartitionIndex));
        foreach (MetadataResponse.MetadataResponsePartition partition in found.Partitions)
        {
            Assert.Equal((ErrorCode.None, ActorsFixture.NodeId), (partition.ErrorCode, partition.LeaderId));
            Assert.Equal([ActorsFixture.NodeId, ActorsFixture.NodeId], partition.ReplicaNodes);
            Assert.Equal(partition.ReplicaNodes, partition.IsrNodes);
            Assert.Empty(partition.OfflineReplicas);
            Assert.Equal(version >= 7 ? actors.Published.Current.RoutingGeneration : -1, partition.LeaderEpoch);
        }
        Assert.Equal(NotAsked, found.TopicAuthorizedOperations);
        Assert.Equal(NotAsked, response.ClusterAuthorizedOperations);
    }

    [Fact]
    public async Task An_empty_list_means_all_in_version_0_and_none_later()
    {
        TopicImage topic = await actors.CreateTopicAsync("one-of-all");
        var nothing = new MetadataRequest { Topics = [] };
        Assert.Contains((await CallAsync(0, nothing)).Topics, found => found.Name == topic.Name);
        Assert.Empty((await CallAsync(1, nothing)).Topics);
        Assert.Contains((await CallAsync(1, new MetadataRequest { Topics = null })).Topics, found => found.Name == topic.Name);
        Assert.Contains((await CallAsync(13, new MetadataRequest { Topics = null })).Topics, found => found.Name == topic.Name);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(4)]
    [InlineData(13)]
    public async Task A_topic_is_created_by_being_asked_for(short version)
    {
        string name = $"made-{version}";
        MetadataResponse.MetadataResponseTopic made = Assert.Single((await CallAsync(version, name)).Topics);
        Assert.Equal((ErrorCode.None, name), (made.ErrorCode, made.Name));
        Assert.Single(made.Partitions);
        Assert.NotNull(actors.Published.Current.Find(name));
    }

    [Fact]
    public async Task A_topic_is_not_created_when_the_client_does_not_want_it()
    {
        MetadataRequest request = RequestOf("unwanted");
        request.AllowAutoTopicCreation = false;
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Assert.Single((await CallAsync(9, request)).Topics).ErrorCode);
        Assert.Null(actors.Published.Current.Find("unwanted"));
    }

    [Fact]
    public async Task A_topic_is_not_created_when_the_broker_does_not_want_it()
    {
        await using ActorsFixture strict = await ActorsFixture.StartAsync(BrokerConfigs.AutoCreateTopicsEnable, "false");
        MetadataResponse response = await new MetadataHandler(strict.Client, strict.Cluster)
            .CallAsync<MetadataResponse>(RequestOf("unwanted"), 1);
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, Assert.Single(response.Topics).ErrorCode);
    }

    [Theory]
    [InlineData("__consumer_offsets", ErrorCode.UnknownTopicOrPartition)]
    [InlineData("", ErrorCode.InvalidTopicException)]
    [InlineData("..", ErrorCode.InvalidTopicException)]
    [InlineData("no spaces", ErrorCode.InvalidTopicException)]
    public async Task Names_that_cannot_be_made_get_an_error(string name, ErrorCode error)
    {
        MetadataResponse.MetadataResponseTopic topic = Assert.Single((await CallAsync(9, name)).Topics);
        Assert.Equal((error, name), (topic.ErrorCode, topic.Name));
        Assert.Empty(topic.Partitions);
    }

    [Fact]
    public async Task A_name_that_collides_is_refused_and_the_others_are_not()
    {
        await actors.CreateTopicAsync("under_score");
        MetadataResponse response = await CallAsync(9, "under.score", "under_score");
        Assert.Equal(
            [("under_score", ErrorCode.None), ("under.score", ErrorCode.InvalidTopicException)],
            response.Topics.OrderBy(static topic => topic.ErrorCode).Select(static topic => (topic.Name!, topic.ErrorCode)));
    }

    [Fact]
    public async Task A_topic_is_answered_once_however_often_it_is_named() =>
        Assert.Single((await CallAsync(9, "twice", "twice")).Topics);

    [Fact]
    public async Task Topics_are_found_by_id_from_version_12_on()
    {
        TopicImage topic = await actors.CreateTopicAsync("by-id");
        MetadataResponse response = await CallAsync(12, ById(topic.Id));
        Assert.Equal((topic.Name, ErrorCode.None), (Assert.Single(response.Topics).Name!, response.Topics[0].ErrorCode));

        var unknown = new Guid("11111111-2222-4333-8444-555555555555");
        MetadataResponse.MetadataResponseTopic missing = Assert.Single((await CallAsync(13, ById(unknown))).Topics);
        Assert.Equal((null, unknown, ErrorCode.UnknownTopicId), (missing.Name, missing.TopicId, missing.ErrorCode));
        Assert.Equal(ErrorCode.InvalidRequest, Assert.Single((await CallAsync(11, ById(topic.Id))).Topics).ErrorCode);

        static MetadataRequest ById(Guid id) =>
            new() { Topics = [new MetadataRequest.MetadataRequestTopic { Name = null, TopicId = id }] };
    }

    [Fact]
    public async Task Authorized_operations_are_told_to_who_asks()
    {
        TopicImage topic = await actors.CreateTopicAsync("allowed");
        MetadataRequest request = RequestOf(topic.Name);
        request.IncludeClusterAuthorizedOperations = true;
        request.IncludeTopicAuthorizedOperations = true;
        MetadataResponse response = await CallAsync(8, request);
        Assert.Equal(BitsOf(3, 4, 5, 6, 7, 8, 10, 11), response.Topics[0].TopicAuthorizedOperations);
        Assert.Equal(BitsOf(5, 7, 8, 9, 10, 11, 12), response.ClusterAuthorizedOperations);

        static int BitsOf(params int[] operations) => operations.Sum(static operation => 1 << operation);
    }

    private static MetadataRequest RequestOf(params string[] names) =>
        new() { Topics = [.. names.Select(static name => new MetadataRequest.MetadataRequestTopic { Name = name })] };

    private Task<MetadataResponse> CallAsync(short version, params string[] names) => CallAsync(version, RequestOf(names));

    private Task<MetadataResponse> CallAsync(short version, MetadataRequest request) =>
        Handler.CallAsync<MetadataResponse>(request, version);
}
