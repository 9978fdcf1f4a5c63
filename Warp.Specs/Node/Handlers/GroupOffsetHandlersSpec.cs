using Warp.Actors.Catalog;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

/// <summary>OffsetCommit, OffsetFetch and OffsetDelete in all their versions.</summary>
public sealed class GroupOffsetHandlersSpec(ActorsFixture actors) : IClassFixture<ActorsFixture>
{
    private static readonly (int, long, int, string, ErrorCode) s_nothing = (0, -1, -1, "", ErrorCode.None);

    [Fact]
    public async Task What_is_committed_in_any_version_is_fetched_in_any_version()
    {
        TopicImage topic = await actors.CreateTopicAsync("any-version", partitions: 2);
        for (short version = 1; version <= 10; version++)
        {
            string group = $"any-{version}";
            Assert.Equal([(0, ErrorCode.None)], await CommitAsync(version, group, topic, (0, 100 + version, version == 5 ? null : "note")));
            string note = version == 5 ? "" : "note";
            int epoch = version >= 6 ? 4 : -1;
            for (short fetch = 1; fetch <= 10; fetch++)
            {
                Assert.Equal([(0, 100 + version, fetch >= 5 ? epoch : -1, note, ErrorCode.None), (1, -1, -1, "", ErrorCode.None)],
                    await FetchAsync(fetch, group, topic, 0, 1));
            }
        }
    }

    [Fact]
    public async Task A_group_that_never_was_has_nothing_and_no_error()
    {
        TopicImage topic = await actors.CreateTopicAsync("never");
        for (short version = 1; version <= 10; version++)
        {
            Assert.Equal([s_nothing], await FetchAsync(version, "never-was", topic, 0));
            if (version >= 2)
                Assert.Empty(await FetchAllAsync(version, "never-was"));
        }
    }

    [Fact]
    public async Task All_offsets_of_many_groups_are_fetched_at_once()
    {
        TopicImage a = await actors.CreateTopicAsync("all-a", partitions: 3);
        TopicImage b = await actors.CreateTopicAsync("all-b");
        await CommitAsync(9, "all-1", a, (2, 5, ""), (0, 6, ""));
        await CommitAsync(9, "all-1", b, (0, 7, ""));
        await CommitAsync(9, "all-2", b, (0, 8, ""));
        Assert.Equal(["all-a 0:6 2:5", "all-b 0:7"], await FetchAllAsync(2, "all-1"));
        Assert.Equal(["all-b 0:8"], await FetchAllAsync(7, "all-2"));
        var request = new OffsetFetchRequest
        {
            RequireStable = true,
            Groups =
            [
                new() { GroupId = "all-2", Topics = null },
                new() { GroupId = "all-1", Topics = [new() { Name = "all-b", PartitionIndexes = [0] }] },
            ],
        };
        var response = await Fetch.CallAsync<OffsetFetchResponse>(request, 9);
        Assert.Equal([("all-2", 8), ("all-1", 7)],
            response.Groups.Select(static group => (group.GroupId, group.Topics[0].Partitions[0].CommittedOffset)));
    }

    [Fact]
    public async Task Unknown_topics_and_partitions_are_refused_one_by_one()
    {
        TopicImage topic = await actors.CreateTopicAsync("known", partitions: 2);
        Assert.Equal(
            [(-1, ErrorCode.UnknownTopicOrPartition), (1, ErrorCode.None), (2, ErrorCode.UnknownTopicOrPartition)],
            await CommitAsync(9, "partly", topic, (-1, 1, ""), (1, 1, ""), (2, 1, "")));
        var stranger = new OffsetCommitRequest
        {
            GroupId = "partly",
            Topics = [new() { Name = "no-such-topic", Partitions = [new() { PartitionIndex = 0, CommittedOffset = 1 }] }],
        };
        Assert.Equal([(0, ErrorCode.UnknownTopicOrPartition)], Results(await Commit.CallAsync<OffsetCommitResponse>(stranger, 9)));
        stranger.Topics[0].TopicId = Guid.Parse("11111111-1111-1111-1111-111111111111");
        stranger.Topics[0].Name = "";
        var response = await Commit.CallAsync<OffsetCommitResponse>(stranger, 10);
        Assert.Equal([(0, ErrorCode.UnknownTopicId)], Results(response));
        Assert.Equal(stranger.Topics[0].TopicId, response.Topics[0].TopicId);

        var fetch = new OffsetFetchRequest
        {
            Groups = [new() { GroupId = "partly", Topics = [new() { TopicId = stranger.Topics[0].TopicId, PartitionIndexes = [0] }] }],
        };
        Assert.Equal(
            ErrorCode.UnknownTopicId, (await Fetch.CallAsync<OffsetFetchResponse>(fetch, 10)).Groups[0].Topics[0].Partitions[0].ErrorCode);
    }

    [Fact]
    public async Task An_error_of_the_group_goes_to_every_partition()
    {
        TopicImage topic = await actors.CreateTopicAsync("group-error", partitions: 2);
        Assert.Equal(
            [(0, ErrorCode.IllegalGeneration), (1, ErrorCode.IllegalGeneration), (5, ErrorCode.UnknownTopicOrPartition)],
            await CommitAsync(8, "no-members", topic, generation: 3, (0, 1, ""), (1, 1, ""), (5, 1, "")));
        Assert.Equal([(0, ErrorCode.GroupIdNotFound)], await CommitAsync(9, "no-members", topic, generation: 3, (0, 1, "")));
        Assert.Equal([(0, ErrorCode.OffsetMetadataTooLarge)], await CommitAsync(9, "no-members", topic, (0, 1, new string('x', 4097))));
    }

    [Fact]
    public async Task The_offsets_of_a_topic_do_not_come_back_with_its_name()
    {
        TopicImage topic = await actors.CreateTopicAsync("reborn");
        await CommitAsync(9, "reborn", topic, (0, 5, ""));
        await actors.Client.DeleteTopicAsync(topic.Id, TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.Equal([s_nothing], await FetchAsync(9, "reborn", topic, 0));
        Assert.Empty(await FetchAllAsync(9, "reborn"));
        topic = await actors.CreateTopicAsync("reborn");
        Assert.Equal([s_nothing], await FetchAsync(9, "reborn", topic, 0));
    }

    [Fact]
    public async Task Offsets_are_deleted()
    {
        TopicImage topic = await actors.CreateTopicAsync("deleting", partitions: 2);
        await CommitAsync(9, "deleting", topic, (0, 5, ""), (1, 6, ""));
        var request = new OffsetDeleteRequest
        {
            GroupId = "deleting",
            Topics =
            [
                new() { Name = "deleting", Partitions = [new() { PartitionIndex = 1 }, new() { PartitionIndex = 2 }] },
                new() { Name = "no-such-topic", Partitions = [new() { PartitionIndex = 0 }] },
            ],
        };
        var handler = new OffsetDeleteHandler(actors.Groups, actors.Published);
        var response = await handler.CallAsync<OffsetDeleteResponse>(request, 0);
        Assert.Equal(
            [(1, ErrorCode.None), (2, ErrorCode.UnknownTopicOrPartition), (0, ErrorCode.UnknownTopicOrPartition)],
            response.Topics.SelectMany(static t => t.Partitions).Select(static p => (p.PartitionIndex, p.ErrorCode)));
        Assert.Equal(["deleting 0:5"], await FetchAllAsync(9, "deleting"));
        request.GroupId = "never-was";
        Assert.Equal(ErrorCode.GroupIdNotFound, (await handler.CallAsync<OffsetDeleteResponse>(request, 0)).ErrorCode);
    }

    private OffsetCommitHandler Commit => new(actors.Groups, actors.Published);

    private OffsetFetchHandler Fetch => new(actors.Groups, actors.Published);

    private static (int, ErrorCode)[] Results(OffsetCommitResponse response) =>
        [.. response.Topics.SelectMany(static topic => topic.Partitions).Select(static partition =>
            (partition.PartitionIndex, partition.ErrorCode))];

    private Task<(int, ErrorCode)[]> CommitAsync(short version, string group, TopicImage topic, params (int, long, string?)[] offsets) =>
        CommitAsync(version, group, topic, -1, offsets);

    private async Task<(int, ErrorCode)[]> CommitAsync(
        short version, string group, TopicImage topic, int generation, params (int Partition, long Offset, string? Metadata)[] offsets)
    {
        var request = new OffsetCommitRequest
        {
            GroupId = group,
            GenerationIdOrMemberEpoch = generation,
            Topics =
            [
                new()
                {
                    Name = version >= 10 ? "" : topic.Name,
                    TopicId = version >= 10 ? topic.Id : Guid.Empty,
                    Partitions = [.. offsets.Select(offset => new OffsetCommitRequest.OffsetCommitRequestPartition
                    {
                        PartitionIndex = offset.Partition,
                        CommittedOffset = offset.Offset,
                        CommittedMetadata = offset.Metadata,
                        CommittedLeaderEpoch = 4,
                    })],
                },
            ],
        };
        return Results(await Commit.CallAsync<OffsetCommitResponse>(request, version));
    }

    private async Task<(int, long, int, string, ErrorCode)[]> FetchAsync(
        short version, string group, TopicImage topic, params int[] partitions)
    {
        if (version < 8)
        {
            var old =
                new OffsetFetchRequest { GroupId = group, Topics = [new() { Name = topic.Name, PartitionIndexes = [.. partitions] }] };
            var answer = await Fetch.CallAsync<OffsetFetchResponse>(old, version);
            Assert.Equal(ErrorCode.None, answer.ErrorCode);
            return [.. Assert.Single(answer.Topics).Partitions.Select(static p =>
                (p.PartitionIndex, p.CommittedOffset, p.CommittedLeaderEpoch, p.Metadata!, p.ErrorCode))];
        }
        var topics = new OffsetFetchRequest.OffsetFetchRequestTopics
        {
            Name = version >= 10 ? "" : topic.Name,
            TopicId = version >= 10 ? topic.Id : Guid.Empty,
            PartitionIndexes = [.. partitions],
        };
        var response = await Fetch.CallAsync<OffsetFetchResponse>(
            new OffsetFetchRequest { Groups = [new() { GroupId = group, Topics = [topics] }] }, version);
        var found = Assert.Single(response.Groups);
        Assert.Equal((group, ErrorCode.None), (found.GroupId, found.ErrorCode));
        return [.. Assert.Single(found.Topics).Partitions.Select(static p =>
            (p.PartitionIndex, p.CommittedOffset, p.CommittedLeaderEpoch, p.Metadata!, p.ErrorCode))];
    }

    private async Task<string[]> FetchAllAsync(short version, string group)
    {
        OffsetFetchRequest request = version < 8
            ? new OffsetFetchRequest { GroupId = group, Topics = null }
            : new OffsetFetchRequest { Groups = [new() { GroupId = group, Topics = null }] };
        var response = await Fetch.CallAsync<OffsetFetchResponse>(request, version);
        return version < 8
            ? [.. response.Topics.Select(static t => Line(t.Name, t.Partitions.Select(static p => (p.PartitionIndex, p.CommittedOffset))))]
            : [.. response.Groups[0].Topics.Select(static t =>
                Line(t.Name, t.Partitions.Select(static p => (p.PartitionIndex, p.CommittedOffset))))];

        static string Line(string topic, IEnumerable<(int Partition, long Offset)> offsets) =>
            $"{topic} {string.Join(' ', offsets.Select(static offset => $"{offset.Partition}:{offset.Offset}"))}";
    }
}
