using Warp.Actors.Catalog;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

/// <summary>DeleteTopics and CreatePartitions.</summary>
public sealed class TopicAdministrationSpec(ActorsFixture actors) : IClassFixture<ActorsFixture>
{
    private DeleteTopicsHandler Deletion => new(actors.Client, actors.Cluster);

    private CreatePartitionsHandler Growth => new(actors.Client, actors.Cluster);

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    [InlineData(5)]
    [InlineData(6)]
    public async Task A_topic_is_deleted_by_name(short version)
    {
        TopicImage topic = await actors.CreateTopicAsync($"goes-{version}");
        DeleteTopicsResponse.DeletableTopicResult result = Assert.Single(
            await DeleteAsync(version, topic.Name, "never-was"), found => found.Name == topic.Name);
        Assert.Equal(ErrorCode.None, result.ErrorCode);
        Assert.Equal(version >= 6 ? topic.Id : Guid.Empty, result.TopicId);
        Assert.Null(actors.Published.Current.Find(topic.Name));
        DeleteTopicsResponse.DeletableTopicResult again = Assert.Single(await DeleteAsync(version, topic.Name));
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, again.ErrorCode);
    }

    [Fact]
    public async Task A_topic_is_deleted_by_id()
    {
        TopicImage topic = await actors.CreateTopicAsync("goes-by-id");
        DeleteTopicsResponse.DeletableTopicResult result = Assert.Single(await DeleteAsync(State(null, topic.Id)));
        Assert.Equal((ErrorCode.None, topic.Name, topic.Id), (result.ErrorCode, result.Name!, result.TopicId));
        DeleteTopicsResponse.DeletableTopicResult again = Assert.Single(await DeleteAsync(State(null, topic.Id)));
        Assert.Equal((ErrorCode.UnknownTopicId, null, topic.Id), (again.ErrorCode, again.Name, again.TopicId));
    }

    [Fact]
    public async Task A_topic_must_be_named_in_one_way_and_once()
    {
        TopicImage topic = await actors.CreateTopicAsync("stays");
        Assert.All(
            await DeleteAsync(State(topic.Name, topic.Id), State(null, Guid.Empty)),
            static result => Assert.Equal(ErrorCode.InvalidRequest, result.ErrorCode));
        Assert.All(
            await DeleteAsync(State(topic.Name, Guid.Empty), State(null, topic.Id)),
            static result => Assert.Equal(ErrorCode.InvalidRequest, result.ErrorCode));
        Assert.NotNull(actors.Published.Current.Find(topic.Name));
    }

    [Theory]
    [InlineData(2, ErrorCode.InvalidRequest)]
    [InlineData(3, ErrorCode.TopicDeletionDisabled)]
    public async Task Deletion_can_be_switched_off(short version, ErrorCode error)
    {
        await using ActorsFixture strict = await ActorsFixture.StartAsync("delete.topic.enable", "false");
        TopicImage topic = await strict.CreateTopicAsync("stays");
        DeleteTopicsResponse response = await new DeleteTopicsHandler(strict.Client, strict.Cluster)
            .CallAsync<DeleteTopicsResponse>(new DeleteTopicsRequest { TopicNames = [topic.Name] }, version);
        Assert.Equal(error, Assert.Single(response.Responses).ErrorCode);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task Partitions_are_added(short version)
    {
        TopicImage topic = await actors.CreateTopicAsync($"grows-{version}");
        Assert.Equal(ErrorCode.None, await GrowAsync(version, new() { Name = topic.Name, Count = 6, Assignments = null }));
        Assert.Equal(6, actors.Published.Current.Find(topic.Name)!.OpenPartitionCount);
    }

    [Fact]
    public async Task A_check_adds_no_partitions()
    {
        TopicImage topic = await actors.CreateTopicAsync("might-grow");
        Assert.Equal(ErrorCode.None, await GrowAsync(3, new() { Name = topic.Name, Count = 6, Assignments = null }, validateOnly: true));
        Assert.Equal(1, actors.Published.Current.Find(topic.Name)!.PartitionCount);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Partitions_cannot_be_taken_away(int count)
    {
        TopicImage topic = await actors.CreateTopicAsync($"keeps-{count}", partitions: 3);
        Assert.Equal(ErrorCode.InvalidPartitions, await GrowAsync(3, new() { Name = topic.Name, Count = count, Assignments = null }));
    }

    [Fact]
    public async Task Not_too_many_partitions_are_added_at_once()
    {
        TopicImage topic = await actors.CreateTopicAsync("grows-too-fast", partitions: 3);
        Assert.Equal(ErrorCode.PolicyViolation, await GrowAsync(3, new() { Name = topic.Name, Count = 10_004, Assignments = null }));
        Assert.Equal(3, actors.Published.Current.Find(topic.Name)!.PartitionCount);
    }

    [Fact]
    public async Task Assignments_of_new_partitions_are_checked()
    {
        TopicImage topic = await actors.CreateTopicAsync("assigned-growth");
        Assert.Equal(ErrorCode.InvalidReplicaAssignment, await GrowAsync(3, Assigned(3, ActorsFixture.NodeId)));
        Assert.Equal(ErrorCode.InvalidReplicaAssignment, await GrowAsync(3, Assigned(2, 99)));
        Assert.Equal(ErrorCode.None, await GrowAsync(3, Assigned(2, ActorsFixture.NodeId)));

        CreatePartitionsRequest.CreatePartitionsTopic Assigned(int count, int node) => new()
        {
            Name = topic.Name,
            Count = count,
            Assignments = [new CreatePartitionsRequest.CreatePartitionsAssignment { BrokerIds = [node] }],
        };
    }

    [Fact]
    public async Task Unknown_and_repeated_topics_do_not_grow()
    {
        Assert.Equal(ErrorCode.UnknownTopicOrPartition, await GrowAsync(3, new() { Name = "never-was", Count = 2, Assignments = null }));
        TopicImage topic = await actors.CreateTopicAsync("named-twice");
        var request = new CreatePartitionsRequest
        {
            Topics =
            [
                new() { Name = topic.Name, Count = 2, Assignments = null },
                new() { Name = topic.Name, Count = 3, Assignments = null },
            ],
        };
        CreatePartitionsResponse response = await Growth.CallAsync<CreatePartitionsResponse>(request, 3);
        Assert.Equal(ErrorCode.InvalidRequest, Assert.Single(response.Results).ErrorCode);
    }

    private static DeleteTopicsRequest.DeleteTopicState State(string? name, Guid id) => new() { Name = name, TopicId = id };

    private async Task<List<DeleteTopicsResponse.DeletableTopicResult>> DeleteAsync(params DeleteTopicsRequest.DeleteTopicState[] states) =>
        (await Deletion.CallAsync<DeleteTopicsResponse>(new DeleteTopicsRequest { Topics = [.. states] }, 6)).Responses;

    private async Task<List<DeleteTopicsResponse.DeletableTopicResult>> DeleteAsync(short version, params string[] names)
    {
        DeleteTopicsRequest request = version >= 6
            ? new() { Topics = [.. names.Select(static name => State(name, Guid.Empty))] }
            : new() { TopicNames = [.. names] };
        return (await Deletion.CallAsync<DeleteTopicsResponse>(request, version)).Responses;
    }

    private async Task<ErrorCode> GrowAsync(short version, CreatePartitionsRequest.CreatePartitionsTopic topic, bool validateOnly = false)
    {
        var request = new CreatePartitionsRequest { Topics = [topic], ValidateOnly = validateOnly };
        return Assert.Single((await Growth.CallAsync<CreatePartitionsResponse>(request, version)).Results).ErrorCode;
    }
}
