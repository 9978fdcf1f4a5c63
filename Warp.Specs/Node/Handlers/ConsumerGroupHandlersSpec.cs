using Warp.Actors.Catalog;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

/// <summary>ConsumerGroupHeartbeat and ConsumerGroupDescribe in all their versions, on real coordinators.</summary>
public sealed class ConsumerGroupHandlersSpec : IAsyncLifetime
{
    private ActorsFixture _actors = null!;
    private TopicImage _topic = null!;

    public async ValueTask InitializeAsync()
    {
        _actors = await ActorsFixture.StartAsync(BrokerConfigs.GroupConsumerHeartbeatIntervalMs, "1234");
        _topic = await _actors.CreateTopicAsync("t", partitions: 3);
    }

    public async ValueTask DisposeAsync() => await _actors.DisposeAsync();

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    public async Task A_member_lives_its_life_and_can_be_seen(short version)
    {
        string group = $"life-{version}";
        ConsumerGroupHeartbeatResponse joined = await BeatAsync(version, Joining(group, version == 0 ? "" : "m"));
        Assert.Equal((ErrorCode.None, 1, 1234), (joined.ErrorCode, joined.MemberEpoch, joined.HeartbeatIntervalMs));
        string id = joined.MemberId!;
        Assert.NotEmpty(id);
        var assigned = Assert.Single(joined.Assignment!.TopicPartitions);
        Assert.Equal(_topic.Id, assigned.TopicId);
        Assert.Equal([0, 1, 2], assigned.Partitions);

        ConsumerGroupDescribeResponse.DescribedGroup described = await DescribeAsync(version, group);
        Assert.Equal(
            (ErrorCode.None, "Stable", 1, 1, "uniform"),
            (described.ErrorCode, described.GroupState, described.GroupEpoch, described.AssignmentEpoch, described.AssignorName));
        ConsumerGroupDescribeResponse.Member member = Assert.Single(described.Members);
        Assert.Equal((id, 1, "a-client", version == 0 ? -1 : 1), (member.MemberId, member.MemberEpoch, member.ClientId, member.MemberType));
        Assert.Equal(["t"], member.SubscribedTopicNames);
        Assert.Equal("t", Assert.Single(member.Assignment.TopicPartitions).TopicName);
        Assert.Equal([0, 1, 2], Assert.Single(member.TargetAssignment.TopicPartitions).Partitions);

        Assert.Null((await BeatAsync(version, Beating(group, id, 1))).Assignment);
        Assert.Equal(-1, (await BeatAsync(version, Beating(group, id, -1))).MemberEpoch);
        Assert.Equal("Empty", (await DescribeAsync(version, group)).GroupState);
        Assert.Equal(ErrorCode.UnknownMemberId, (await BeatAsync(version, Beating(group, id, 1))).ErrorCode);
    }

    [Fact]
    public async Task Requests_that_cannot_be_meant_are_refused()
    {
        Assert.Equal(ErrorCode.InvalidGroupId, (await BeatAsync(1, Joining("", "m"))).ErrorCode);
        Assert.Equal(ErrorCode.InvalidRequest, (await BeatAsync(1, Joining("g", ""))).ErrorCode);
        Assert.Equal(ErrorCode.GroupIdNotFound, (await BeatAsync(1, Beating("never-was", "m", 3))).ErrorCode);
        ConsumerGroupHeartbeatRequest pattern = Joining("g", "m");
        pattern.SubscribedTopicRegex = "(";
        Assert.Equal(ErrorCode.InvalidRegularExpression, (await BeatAsync(1, pattern)).ErrorCode);
        Assert.Equal(ErrorCode.GroupIdNotFound, (await DescribeAsync(1, "never-was")).ErrorCode);
        Assert.Equal(ErrorCode.InvalidGroupId, (await DescribeAsync(1, "")).ErrorCode);
    }

    [Fact]
    public async Task To_requests_of_the_classic_protocol_it_is_no_group_but_it_is_listed()
    {
        await BeatAsync(1, Joining("g", "m"));
        var described = await new DescribeGroupsHandler(_actors.Groups).CallAsync<DescribeGroupsResponse>(new DescribeGroupsRequest { Groups = ["g"] }, 6);
        Assert.Equal((ErrorCode.GroupIdNotFound, "Dead"), (described.Groups[0].ErrorCode, described.Groups[0].GroupState));
        var listed = await new ListGroupsHandler(_actors.Groups).CallAsync<ListGroupsResponse>(new ListGroupsRequest { TypesFilter = ["Consumer"] }, 5);
        var group = Assert.Single(listed.Groups);
        Assert.Equal(("g", "consumer", "Stable", "consumer"), (group.GroupId, group.ProtocolType, group.GroupState, group.GroupType));
    }

    [Fact]
    public async Task Offsets_are_read_by_members_in_their_epoch_and_by_those_who_do_not_say()
    {
        await BeatAsync(1, Joining("g", "m"));
        Assert.Equal(ErrorCode.None, await FetchAsync("m", 1));
        Assert.Equal(ErrorCode.None, await FetchAsync(null, -1));
        Assert.Equal(ErrorCode.StaleMemberEpoch, await FetchAsync("m", 2));
        Assert.Equal(ErrorCode.UnknownMemberId, await FetchAsync("n", 1));

        async Task<ErrorCode> FetchAsync(string? member, int epoch)
        {
            var request = new OffsetFetchRequest { Groups = [new OffsetFetchRequest.OffsetFetchRequestGroup { GroupId = "g", MemberId = member, MemberEpoch = epoch }] };
            var response = await new OffsetFetchHandler(_actors.Groups, _actors.Published).CallAsync<OffsetFetchResponse>(request, 9);
            return response.Groups[0].ErrorCode;
        }
    }

    private static ConsumerGroupHeartbeatRequest Joining(string group, string member) => new()
    {
        GroupId = group,
        MemberId = member,
        RebalanceTimeoutMs = 60_000,
        SubscribedTopicNames = ["t"],
        TopicPartitions = [],
    };

    private static ConsumerGroupHeartbeatRequest Beating(string group, string member, int epoch) => new() { GroupId = group, MemberId = member, MemberEpoch = epoch };

    private Task<ConsumerGroupHeartbeatResponse> BeatAsync(short version, ConsumerGroupHeartbeatRequest request) =>
        new ConsumerGroupHeartbeatHandler(_actors.Groups).CallAsync<ConsumerGroupHeartbeatResponse>(request, version);

    private async Task<ConsumerGroupDescribeResponse.DescribedGroup> DescribeAsync(short version, string group) =>
        (await new ConsumerGroupDescribeHandler(_actors.Groups, _actors.Published)
            .CallAsync<ConsumerGroupDescribeResponse>(new ConsumerGroupDescribeRequest { GroupIds = [group] }, version)).Groups[0];
}
