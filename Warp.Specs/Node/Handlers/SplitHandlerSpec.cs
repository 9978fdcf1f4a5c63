using Warp.Actors.Persistence;
using Warp.Node.Handlers;
using Warp.Node.Hosting;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

/// <summary>Requests for groups that are coordinated here, by two nodes that clients do not see, and by one more that does not answer.</summary>
public sealed class SplitHandlerSpec(ActorsFixture actors) : IClassFixture<ActorsFixture>
{
    private static readonly string[] s_asked = ["second-1", "first-1", "here-1", "silent-1", "first-2", "second-2", "here-2"];

    [Theory]
    [InlineData(8)]
    [InlineData(9)]
    public async Task Offsets_of_many_groups_come_in_the_order_of_the_request(short version)
    {
        var request = new OffsetFetchRequest
        {
            Groups = [.. s_asked.Select(static id => new OffsetFetchRequest.OffsetFetchRequestGroup { GroupId = id })],
        };
        OffsetFetchResponse response = await CallAsync<OffsetFetchResponse>(request, version);
        Assert.Equal(Expected(ErrorCode.None), response.Groups.Select(static group => (group.GroupId, group.ErrorCode)));
    }

    [Fact]
    public async Task Offsets_of_one_group_come_from_its_owner()
    {
        Assert.Equal(Owners.First, (await CallAsync<OffsetFetchResponse>(new OffsetFetchRequest { GroupId = "first-1", Topics = [] }, 7)).ErrorCode);
        Assert.Equal(ErrorCode.None, (await CallAsync<OffsetFetchResponse>(new OffsetFetchRequest { GroupId = "here-1", Topics = [] }, 7)).ErrorCode);
    }

    [Fact]
    public async Task Descriptions_come_in_the_order_of_the_request_and_as_often_as_a_group_is_named()
    {
        DescribeGroupsResponse response = await CallAsync<DescribeGroupsResponse>(new DescribeGroupsRequest { Groups = [.. s_asked, "first-1"] }, 5);
        Assert.Equal(
            [.. Expected(ErrorCode.None), ("first-1", Owners.First)], response.Groups.Select(static group => (group.GroupId, group.ErrorCode)));
    }

    [Fact]
    public async Task Descriptions_of_consumer_groups_come_in_the_order_of_the_request()
    {
        var response = await CallAsync<ConsumerGroupDescribeResponse>(new ConsumerGroupDescribeRequest { GroupIds = [.. s_asked] }, 0);
        Assert.Equal(Expected(ErrorCode.GroupIdNotFound), response.Groups.Select(static group => (group.GroupId, group.ErrorCode)));
    }

    [Fact]
    public async Task Each_group_is_deleted_once_where_it_is()
    {
        var owners = new Owners();
        var response = await CallAsync<DeleteGroupsResponse>(new DeleteGroupsRequest { GroupsNames = [.. s_asked, "first-1", "here-1"] }, 2, owners);
        Assert.Equal(Expected(ErrorCode.GroupIdNotFound), response.Results.Select(static group => (group.GroupId, group.ErrorCode)));
        Assert.Equal(3, owners.Asked);
    }

    [Fact]
    public async Task Groups_that_are_all_here_and_no_groups_at_all_are_asked_nowhere_else()
    {
        var owners = new Owners();
        var here = await CallAsync<DescribeGroupsResponse>(new DescribeGroupsRequest { Groups = ["here-1", "here-2"] }, 5, owners);
        Assert.Equal(["here-1", "here-2"], here.Groups.Select(static group => group.GroupId));
        Assert.Empty((await CallAsync<DescribeGroupsResponse>(new DescribeGroupsRequest(), 5, owners)).Groups);
        Assert.Equal(0, owners.Asked);
    }

    /// <summary>Those of a silent owner are answered here; the fixture has all groups, so that looks as if they were.</summary>
    private static IEnumerable<(string, ErrorCode)> Expected(ErrorCode here) => s_asked.Select(id => (id, id[..^2] switch
    {
        "first" => Owners.First,
        "second" => Owners.Second,
        _ => here,
    }));

    private Task<TResponse> CallAsync<TResponse>(IRequest request, short version, Owners? owners = null)
        where TResponse : class, IResponse =>
        GroupApis.PassingOn(GroupApis.Own(actors.Groups, actors.Published), owners ?? new Owners())
            .Single(handler => handler.Key == request.ApiKey).CallAsync<TResponse>(request, version);

    /// <summary>Each owner has an error of its own for whatever it is asked.</summary>
    private sealed class Owners : IHiddenCoordinators
    {
        public const ErrorCode First = ErrorCode.CoordinatorLoadInProgress;
        public const ErrorCode Second = ErrorCode.GroupAuthorizationFailed;

        public int Asked { get; private set; }

        public NodeIncarnation? OwnerOf(string groupId) => groupId[..^2] switch
        {
            "first" => new NodeIncarnation(1, 1),
            "second" => new NodeIncarnation(2, 1),
            "silent" => new NodeIncarnation(3, 1),
            _ => null,
        };

        public IEnumerable<NodeIncarnation> Listed() => [];

        public Task<IResponse?> PassOnAsync(NodeIncarnation owner, RequestContext context, IRequest request)
        {
            Asked++;
            ErrorCode error = owner.NodeId == 1 ? First : Second;
            return Task.FromResult<IResponse?>(owner.NodeId == 3 ? null : request switch
            {
                OffsetFetchRequest { Groups: [] } => new OffsetFetchResponse { ErrorCode = error },
                OffsetFetchRequest fetch => new OffsetFetchResponse
                {
                    Groups = fetch.Groups.ConvertAll(group =>
                        new OffsetFetchResponse.OffsetFetchResponseGroup { GroupId = group.GroupId, ErrorCode = error }),
                },
                DescribeGroupsRequest describe => new DescribeGroupsResponse
                {
                    Groups = describe.Groups.ConvertAll(id => new DescribeGroupsResponse.DescribedGroup { GroupId = id, ErrorCode = error }),
                },
                ConsumerGroupDescribeRequest describe => new ConsumerGroupDescribeResponse
                {
                    Groups = describe.GroupIds.ConvertAll(id =>
                        new ConsumerGroupDescribeResponse.DescribedGroup { GroupId = id, ErrorCode = error }),
                },
                DeleteGroupsRequest delete => new DeleteGroupsResponse
                {
                    Results = delete.GroupsNames.ConvertAll(id => new DeleteGroupsResponse.DeletableGroupResult { GroupId = id, ErrorCode = error }),
                },
                _ => throw new ArgumentException($"{request.ApiKey} is not for many groups.", nameof(request)),
            });
        }
    }
}
