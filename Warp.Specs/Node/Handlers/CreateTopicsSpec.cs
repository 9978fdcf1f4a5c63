using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

public sealed class CreateTopicsSpec(ActorsFixture actors) : IClassFixture<ActorsFixture>
{
    private CreateTopicsHandler Handler => new(actors.Client, actors.Cluster);

    public static TheoryData<short> Versions => [0, 1, 2, 3, 4, 5, 6, 7];

    [Theory]
    [MemberData(nameof(Versions))]
    public async Task A_topic_is_made_in_every_version(short version)
    {
        string name = $"made-{version}";
        CreateTopicsResponse.CreatableTopicResult result = await CallAsync(version, Topic(name, 2, 3, ("retention.ms", "1000")));
        Assert.Equal((ErrorCode.None, name), (result.ErrorCode, result.Name));
        var made = actors.Published.Current.Find(name);
        Assert.NotNull(made);
        Assert.Equal((2, (short)3), (made.OpenPartitionCount, made.ReplicationFactor));
        Assert.Equal("1000", made.Overrides["retention.ms"]);
        Assert.Equal(version >= 7 ? made.Id : Guid.Empty, result.TopicId);
        if (version < 5)
            return;
        Assert.Equal((2, (short)3), (result.NumPartitions, result.ReplicationFactor));
        Assert.NotNull(result.Configs);
        Assert.All(result.Configs, static config => Assert.InRange(config.ConfigSource, 1, 5));
        Assert.Equal((sbyte)1, result.Configs.Single(static config => config.Name == "retention.ms").ConfigSource);
        Assert.Equal((sbyte)5, result.Configs.Single(static config => config.Name == "cleanup.policy").ConfigSource);
    }

    [Fact]
    public async Task Minus_one_takes_the_brokers_defaults()
    {
        CreateTopicsResponse.CreatableTopicResult result = await CallAsync(7, Topic("defaults", -1, -1));
        Assert.Equal((ErrorCode.None, 1, (short)1), (result.ErrorCode, result.NumPartitions, result.ReplicationFactor));
    }

    [Theory]
    [InlineData("zero-partitions", 0, 1, ErrorCode.InvalidPartitions)]
    [InlineData("minus-two-partitions", -2, 1, ErrorCode.InvalidPartitions)]
    [InlineData("too-many-partitions", 10_001, 1, ErrorCode.PolicyViolation)]
    [InlineData("zero-replicas", 1, 0, ErrorCode.InvalidReplicationFactor)]
    [InlineData("minus-two-replicas", 1, -2, ErrorCode.InvalidReplicationFactor)]
    [InlineData("too-many-replicas", 1, 101, ErrorCode.InvalidReplicationFactor)]
    [InlineData("sp ace", 1, 1, ErrorCode.InvalidTopicException)]
    [InlineData("", 1, 1, ErrorCode.InvalidTopicException)]
    public async Task What_makes_no_sense_is_refused(string name, int partitions, short replicas, ErrorCode error)
    {
        CreateTopicsResponse.CreatableTopicResult result = await CallAsync(5, Topic(name, partitions, replicas));
        Assert.Equal(error, result.ErrorCode);
        Assert.NotNull(result.ErrorMessage);
        Assert.Equal((-1, (short)-1), (result.NumPartitions, result.ReplicationFactor));
        Assert.NotNull(result.Configs);
        Assert.Null(actors.Published.Current.Find(name));
    }

    [Theory]
    [InlineData("no.such.config", "1", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", "soon", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", null, ErrorCode.InvalidRequest)]
    public async Task Bad_configs_are_refused(string config, string? value, ErrorCode error)
    {
        CreateTopicsRequest.CreatableTopic topic = Topic("bad-config", 1, 1);
        topic.Configs.Add(new CreateTopicsRequest.CreatableTopicConfig { Name = config, Value = value });
        Assert.Equal(error, (await CallAsync(7, topic)).ErrorCode);
    }

    [Fact]
    public async Task Topics_that_have_too_many_partitions_together_are_all_refused()
    {
        CreateTopicsResponse response = await Handler.CallAsync<CreateTopicsResponse>(
            new CreateTopicsRequest { Topics = [Topic("half-1", 5_000, 1), Topic("half-2", 5_001, 1)] }, 7);
        Assert.All(response.Topics, static topic => Assert.Equal(ErrorCode.PolicyViolation, topic.ErrorCode));
        Assert.Null(actors.Published.Current.Find("half-1"));
    }

    [Fact]
    public async Task A_topic_that_exists_is_refused_and_the_others_of_the_request_are_made()
    {
        await actors.CreateTopicAsync("old");
        CreateTopicsResponse response = await Handler.CallAsync<CreateTopicsResponse>(
            new CreateTopicsRequest { Topics = [Topic("new-1", 1, 1), Topic("old", 1, 1), Topic("new-2", 1, 1)] }, 7);
        Assert.Equal(
            [("new-1", ErrorCode.None), ("old", ErrorCode.TopicAlreadyExists), ("new-2", ErrorCode.None)],
            response.Topics.Select(static topic => (topic.Name, topic.ErrorCode)));
    }

    [Fact]
    public async Task A_name_that_comes_twice_is_refused_once_and_not_made()
    {
        CreateTopicsResponse response = await Handler.CallAsync<CreateTopicsResponse>(
            new CreateTopicsRequest { Topics = [Topic("double", 1, 1), Topic("single", 1, 1), Topic("double", 2, 1)] }, 7);
        Assert.Equal(
            [("double", ErrorCode.InvalidRequest), ("single", ErrorCode.None)],
            response.Topics.Select(static topic => (topic.Name, topic.ErrorCode)));
        Assert.Null(actors.Published.Current.Find("double"));
    }

    [Fact]
    public async Task A_check_changes_nothing()
    {
        CreateTopicsResponse response = await Handler.CallAsync<CreateTopicsResponse>(
            new CreateTopicsRequest { Topics = [Topic("checked", 4, 2)], ValidateOnly = true }, 7);
        CreateTopicsResponse.CreatableTopicResult result = Assert.Single(response.Topics);
        Assert.Equal((ErrorCode.None, 4, (short)2), (result.ErrorCode, result.NumPartitions, result.ReplicationFactor));
        Assert.Equal(Guid.Empty, result.TopicId);
        Assert.Null(actors.Published.Current.Find("checked"));
    }

    [Fact]
    public async Task A_manual_assignment_gives_the_numbers()
    {
        CreateTopicsRequest.CreatableTopic topic = Assigned("assigned", (1, [ActorsFixture.NodeId]), (0, [ActorsFixture.NodeId]));
        CreateTopicsResponse.CreatableTopicResult result = await CallAsync(7, topic);
        Assert.Equal((ErrorCode.None, 2, (short)1), (result.ErrorCode, result.NumPartitions, result.ReplicationFactor));
    }

    [Fact]
    public async Task A_manual_assignment_excludes_numbers()
    {
        CreateTopicsRequest.CreatableTopic topic = Assigned("both", (0, [ActorsFixture.NodeId]));
        topic.NumPartitions = 1;
        Assert.Equal(ErrorCode.InvalidRequest, (await CallAsync(7, topic)).ErrorCode);
    }

    [Fact]
    public async Task A_manual_assignment_must_make_sense()
    {
        const int Self = ActorsFixture.NodeId;
        CreateTopicsRequest.CreatableTopic[] wrong =
        [
            Assigned("unknown-node", (0, [Self + 1])),
            Assigned("negative-node", (0, [-1])),
            Assigned("twice-the-same-node", (0, [Self, Self])),
            Assigned("no-replica", (0, [])),
            Assigned("gap", (0, [Self]), (2, [Self])),
            Assigned("repeated", (0, [Self]), (0, [Self])),
            Assigned("uneven", (0, [Self]), (1, [])),
        ];
        CreateTopicsResponse response = await Handler.CallAsync<CreateTopicsResponse>(new CreateTopicsRequest { Topics = [.. wrong] }, 7);
        Assert.All(response.Topics, static topic => Assert.Equal(ErrorCode.InvalidReplicaAssignment, topic.ErrorCode));
    }

    private static CreateTopicsRequest.CreatableTopic Topic(
        string name, int partitions, short replicas, params (string Name, string Value)[] configs) => new()
        {
            Name = name,
            NumPartitions = partitions,
            ReplicationFactor = replicas,
            Configs = [.. configs.Select(static c => new CreateTopicsRequest.CreatableTopicConfig { Name = c.Name, Value = c.Value })],
        };

    private static CreateTopicsRequest.CreatableTopic Assigned(string name, params (int Partition, int[] Replicas)[] assignments)
    {
        CreateTopicsRequest.CreatableTopic topic = Topic(name, -1, -1);
        topic.Assignments.AddRange(assignments.Select(static assignment =>
            new CreateTopicsRequest.CreatableReplicaAssignment
            {
                PartitionIndex = assignment.Partition,
                BrokerIds = [.. assignment.Replicas],
            }));
        return topic;
    }

    private async Task<CreateTopicsResponse.CreatableTopicResult> CallAsync(short version, CreateTopicsRequest.CreatableTopic topic) =>
        Assert.Single((await Handler.CallAsync<CreateTopicsResponse>(new CreateTopicsRequest { Topics = [topic] }, version)).Topics);
}
