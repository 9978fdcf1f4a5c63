using Warp.Actors.Catalog;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

/// <summary>The group APIs in all their versions, on real coordinators without an initial delay.</summary>
public sealed class GroupHandlersSpec : IAsyncLifetime
{
    private ActorsFixture _actors = null!;

    public async ValueTask InitializeAsync() => _actors = await ActorsFixture.StartAsync(BrokerConfigs.GroupInitialRebalanceDelayMs, "0");

    public async ValueTask DisposeAsync() => await _actors.DisposeAsync();

    [Fact]
    public async Task A_member_lives_its_life_in_every_version()
    {
        for (short version = 0; version <= 9; version++)
        {
            string group = $"life-{version}";
            JoinGroupResponse joined = await JoinAsync(version, group);
            Assert.Equal((ErrorCode.None, 1, joined.MemberId), (joined.ErrorCode, joined.GenerationId, joined.Leader));
            Assert.Equal(("range", version >= 7 ? "consumer" : null), (joined.ProtocolName, joined.ProtocolType));
            Assert.Equal([1, 2], Assert.Single(joined.Members).Metadata.ToArray());

            SyncGroupResponse synced = await SyncAsync(Math.Min(version, (short)5), group, joined.MemberId, 1);
            Assert.Equal((ErrorCode.None, version >= 5 ? "range" : null), (synced.ErrorCode, synced.ProtocolName));
            Assert.Equal([7], synced.Assignment.ToArray());

            Assert.Equal(ErrorCode.None, await BeatAsync(Math.Min(version, (short)4), group, joined.MemberId, 1));
            LeaveGroupResponse left = await LeaveAsync(Math.Min(version, (short)5), group, joined.MemberId);
            Assert.Equal(ErrorCode.None, left.ErrorCode);
            Assert.Equal(version >= 3 ? [joined.MemberId] : [], left.Members.Select(static member => member.MemberId));
            Assert.Equal(ErrorCode.UnknownMemberId, await BeatAsync(Math.Min(version, (short)4), group, joined.MemberId, 1));
        }
    }

    [Fact]
    public async Task A_group_without_a_name_is_refused_by_all_that_need_members()
    {
        JoinGroupResponse joined = await new JoinGroupHandler(_actors.Groups).CallAsync<JoinGroupResponse>(JoinOf(""), 5);
        Assert.Equal((ErrorCode.InvalidGroupId, ""), (joined.ErrorCode, joined.ProtocolName));
        Assert.Equal(ErrorCode.InvalidGroupId, (await SyncAsync(3, "", "m", 1)).ErrorCode);
        Assert.Equal(ErrorCode.InvalidGroupId, await BeatAsync(3, "", "m", 1));
        Assert.Equal(ErrorCode.InvalidGroupId, (await LeaveAsync(3, "", "m")).ErrorCode);
        var deletion = new OffsetDeleteHandler(_actors.Groups, _actors.Published);
        var deleted = await deletion.CallAsync<OffsetDeleteResponse>(new OffsetDeleteRequest(), 0);
        Assert.Equal(ErrorCode.InvalidGroupId, deleted.ErrorCode);
    }

    [Fact]
    public async Task A_sync_that_names_no_protocol_is_refused_where_it_must()
    {
        var request = new SyncGroupRequest { GroupId = "g", MemberId = "m", GenerationId = 1 };
        var response = await new SyncGroupHandler(_actors.Groups).CallAsync<SyncGroupResponse>(request, 5);
        Assert.Equal(ErrorCode.InconsistentGroupProtocol, response.ErrorCode);
        response = await new SyncGroupHandler(_actors.Groups).CallAsync<SyncGroupResponse>(request, 4);
        Assert.Equal(ErrorCode.UnknownMemberId, response.ErrorCode);
    }

    [Theory]
    [InlineData(0)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(5)]
    public async Task Leaving_a_group_that_does_not_exist_is_an_error_of_the_member(short version)
    {
        LeaveGroupResponse left = await LeaveAsync(version, "never-was", "m");
        Assert.Equal(version < 3 ? ErrorCode.UnknownMemberId : ErrorCode.None, left.ErrorCode);
        Assert.All(left.Members, static member => Assert.Equal(("m", ErrorCode.UnknownMemberId), (member.MemberId, member.ErrorCode)));
        Assert.Equal(version < 3 ? 0 : 1, left.Members.Count);
    }

    [Fact]
    public async Task Groups_are_listed_by_state_and_type()
    {
        JoinGroupResponse stable = await JoinAsync(5, "list-stable");
        await SyncAsync(3, "list-stable", stable.MemberId, 1);
        JoinGroupResponse empty = await JoinAsync(5, "list-empty");
        await LeaveAsync(3, "list-empty", empty.MemberId);

        Assert.Equal(["list-empty:consumer::", "list-stable:consumer::"], await ListAsync(0));
        Assert.Equal(["list-empty:consumer:Empty:", "list-stable:consumer:Stable:"], await ListAsync(4));
        Assert.Equal(["list-empty:consumer:Empty:classic", "list-stable:consumer:Stable:classic"], await ListAsync(5, types: "Classic"));
        Assert.Equal(["list-stable:consumer:Stable:classic"], await ListAsync(5, states: "stABLE "));
        Assert.Empty(await ListAsync(5, types: "consumer"));
        Assert.Empty(await ListAsync(5, states: "Dead"));

        async Task<IEnumerable<string>> ListAsync(short version, string? states = null, string? types = null)
        {
            var request =
                new ListGroupsRequest { StatesFilter = states is null ? [] : [states], TypesFilter = types is null ? [] : [types] };
            var response = await new ListGroupsHandler(_actors.Groups).CallAsync<ListGroupsResponse>(request, version);
            Assert.Equal(ErrorCode.None, response.ErrorCode);
            return response.Groups.Select(static group => $"{group.GroupId}:{group.ProtocolType}:{group.GroupState}:{group.GroupType}");
        }
    }

    [Fact]
    public async Task A_group_is_described_and_deleted()
    {
        JoinGroupResponse joined = await JoinAsync(5, "described");
        DescribeGroupsResponse.DescribedGroup waiting = await DescribeAsync(6, "described");
        Assert.Equal(("CompletingRebalance", "consumer", ""), (waiting.GroupState, waiting.ProtocolType, waiting.ProtocolData));
        Assert.Empty(Assert.Single(waiting.Members).MemberMetadata.ToArray());
        await SyncAsync(3, "described", joined.MemberId, 1);
        Assert.Equal(ErrorCode.NonEmptyGroup, await DeleteAsync("described"));

        for (short version = 0; version <= 6; version++)
        {
            DescribeGroupsResponse.DescribedGroup group = await DescribeAsync(version, "described");
            Assert.Equal((ErrorCode.None, "Stable", "consumer", "range"),
                (group.ErrorCode, group.GroupState, group.ProtocolType, group.ProtocolData));
            DescribeGroupsResponse.DescribedGroupMember member = Assert.Single(group.Members);
            Assert.Equal((joined.MemberId, "a-client", version >= 4 ? "instance" : null),
                (member.MemberId, member.ClientId, member.GroupInstanceId));
            Assert.Equal([1, 2], member.MemberMetadata.ToArray());
            Assert.Equal([7], member.MemberAssignment.ToArray());
            Assert.Equal(version >= 3, group.AuthorizedOperations > 0);
        }

        await LeaveAsync(3, "described", joined.MemberId);
        Assert.Equal("Empty", (await DescribeAsync(5, "described")).GroupState);
        Assert.Equal(ErrorCode.None, await DeleteAsync("described"));
        Assert.Equal(ErrorCode.GroupIdNotFound, await DeleteAsync("described"));
        foreach ((short version, ErrorCode error) in ((short, ErrorCode)[])[(5, ErrorCode.None), (6, ErrorCode.GroupIdNotFound)])
        {
            DescribeGroupsResponse.DescribedGroup group = await DescribeAsync(version, "described");
            Assert.Equal(("Dead", error), (group.GroupState, group.ErrorCode));
        }
    }

    [Fact]
    public async Task The_session_timeouts_that_are_allowed_can_be_changed_while_running()
    {
        var request = JoinOf("sessions");
        request.SessionTimeoutMs = 1000;
        var refused = await new JoinGroupHandler(_actors.Groups).CallAsync<JoinGroupResponse>(request, 3);
        Assert.Equal(ErrorCode.InvalidSessionTimeout, refused.ErrorCode);
        await _actors.Client.AlterBrokerConfigsAsync(
            CatalogImage.AllNodes,
            ConfigRevision.Alter(new ConfigAlteration(BrokerConfigs.GroupMinSessionTimeoutMs, ConfigOperation.Set, "500")),
            validateOnly: false,
            TimeSpan.FromSeconds(30),
            TestContext.Current.CancellationToken);
        var joined = await new JoinGroupHandler(_actors.Groups).CallAsync<JoinGroupResponse>(request, 3);
        Assert.Equal(ErrorCode.None, joined.ErrorCode);
    }

    private static JoinGroupRequest JoinOf(string group) => new()
    {
        GroupId = group,
        SessionTimeoutMs = 30_000,
        RebalanceTimeoutMs = 30_000,
        ProtocolType = "consumer",
        Protocols = [new() { Name = "range", Metadata = new byte[] { 1, 2 } }, new() { Name = "range", Metadata = new byte[] { 9 } }],
    };

    private async Task<JoinGroupResponse> JoinAsync(short version, string group)
    {
        JoinGroupRequest request = JoinOf(group);
        if (version >= 5)
            request.GroupInstanceId = "instance";
        var joined = await new JoinGroupHandler(_actors.Groups).CallAsync<JoinGroupResponse>(request, version);
        if (joined.ErrorCode != ErrorCode.MemberIdRequired)
            return joined;
        Assert.Equal(4, version);
        request.MemberId = joined.MemberId;
        return await new JoinGroupHandler(_actors.Groups).CallAsync<JoinGroupResponse>(request, version);
    }

    private async Task<SyncGroupResponse> SyncAsync(short version, string group, string member, int generation) =>
        await new SyncGroupHandler(_actors.Groups).CallAsync<SyncGroupResponse>(
            new SyncGroupRequest
            {
                GroupId = group,
                GenerationId = generation,
                MemberId = member,
                ProtocolType = version >= 5 ? "consumer" : null,
                ProtocolName = version >= 5 ? "range" : null,
                Assignments = [new() { MemberId = member, Assignment = new byte[] { 7 } }],
            },
            version);

    private async Task<ErrorCode> BeatAsync(short version, string group, string member, int generation)
    {
        var request = new HeartbeatRequest { GroupId = group, MemberId = member, GenerationId = generation };
        return (await new HeartbeatHandler(_actors.Groups).CallAsync<HeartbeatResponse>(request, version)).ErrorCode;
    }

    private async Task<LeaveGroupResponse> LeaveAsync(short version, string group, string member)
    {
        var request = new LeaveGroupRequest { GroupId = group };
        if (version < 3)
            request.MemberId = member;
        else
            request.Members.Add(new() { MemberId = member });
        return await new LeaveGroupHandler(_actors.Groups).CallAsync<LeaveGroupResponse>(request, version);
    }

    private async Task<DescribeGroupsResponse.DescribedGroup> DescribeAsync(short version, string group)
    {
        var request = new DescribeGroupsRequest { Groups = [group], IncludeAuthorizedOperations = version >= 3 };
        return Assert.Single((await new DescribeGroupsHandler(_actors.Groups).CallAsync<DescribeGroupsResponse>(request, version)).Groups);
    }

    private async Task<ErrorCode> DeleteAsync(string group)
    {
        var request = new DeleteGroupsRequest { GroupsNames = [group, group] };
        return Assert.Single((await new DeleteGroupsHandler(_actors.Groups).CallAsync<DeleteGroupsResponse>(request, 2)).Results).ErrorCode;
    }
}
