using Warp.Actors.Catalog;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;

namespace Warp.Node.Hosting;

/// <summary>The Kafka APIs that coordinators of groups answer.</summary>
public static class GroupApis
{
    /// <summary>A handler for each, for the groups of this node.</summary>
    public static IReadOnlyList<ApiHandler> Own(GroupClient groups, PublishedCatalog catalog) =>
    [
        new JoinGroupHandler(groups),
        new SyncGroupHandler(groups),
        new HeartbeatHandler(groups),
        new LeaveGroupHandler(groups),
        new OffsetCommitHandler(groups, catalog),
        new OffsetFetchHandler(groups, catalog),
        new OffsetDeleteHandler(groups, catalog),
        new ConsumerGroupHeartbeatHandler(groups),
        new ConsumerGroupDescribeHandler(groups, catalog),
        new ListGroupsHandler(groups),
        new DescribeGroupsHandler(groups),
        new DeleteGroupsHandler(groups),
    ];

    /// <summary>The same for the groups of hidden coordinators, too.</summary>
    public static IEnumerable<ApiHandler> PassingOn(IEnumerable<ApiHandler> own, IHiddenCoordinators hidden)
    {
        return own.Select(handler => handler switch
        {
            JoinGroupHandler => For<JoinGroupRequest>(handler, static request => request.GroupId),
            SyncGroupHandler => For<SyncGroupRequest>(handler, static request => request.GroupId),
            HeartbeatHandler => For<HeartbeatRequest>(handler, static request => request.GroupId),
            LeaveGroupHandler => For<LeaveGroupRequest>(handler, static request => request.GroupId),
            OffsetCommitHandler => For<OffsetCommitRequest>(handler, static request => request.GroupId),
            OffsetFetchHandler => ForEach(
                For<OffsetFetchRequest>(handler, static request => request.Groups.Count == 0 ? request.GroupId : null),
                new GroupSplit<OffsetFetchRequest, OffsetFetchRequest.OffsetFetchRequestGroup, OffsetFetchResponse.OffsetFetchResponseGroup>
                {
                    GroupsOf = static request => request.Groups,
                    IdOf = static group => group.GroupId,
                    Part = static (request, groups) => new OffsetFetchRequest { Groups = groups, RequireStable = request.RequireStable },
                    AnswersIn = static response => ((OffsetFetchResponse)response).Groups,
                }),
            OffsetDeleteHandler => For<OffsetDeleteRequest>(handler, static request => request.GroupId),
            ConsumerGroupHeartbeatHandler => For<ConsumerGroupHeartbeatRequest>(handler, static request => request.GroupId),
            ConsumerGroupDescribeHandler => ForEach(
                handler,
                new GroupSplit<ConsumerGroupDescribeRequest, string, ConsumerGroupDescribeResponse.DescribedGroup>
                {
                    GroupsOf = static request => request.GroupIds,
                    IdOf = static id => id,
                    Part = static (request, ids) =>
                        new ConsumerGroupDescribeRequest { GroupIds = ids, IncludeAuthorizedOperations = request.IncludeAuthorizedOperations },
                    AnswersIn = static response => ((ConsumerGroupDescribeResponse)response).Groups,
                }),
            ListGroupsHandler list => new ListHiddenGroupsHandler(list, hidden),
            DescribeGroupsHandler => ForEach(
                handler,
                new GroupSplit<DescribeGroupsRequest, string, DescribeGroupsResponse.DescribedGroup>
                {
                    GroupsOf = static request => request.Groups,
                    IdOf = static id => id,
                    Part = static (request, ids) =>
                        new DescribeGroupsRequest { Groups = ids, IncludeAuthorizedOperations = request.IncludeAuthorizedOperations },
                    AnswersIn = static response => ((DescribeGroupsResponse)response).Groups,
                }),
            DeleteGroupsHandler => ForEach(
                handler,
                new GroupSplit<DeleteGroupsRequest, string, DeleteGroupsResponse.DeletableGroupResult>
                {
                    // A group has one answer, however often it is named.
                    GroupsOf = static request => [.. request.GroupsNames.Distinct(StringComparer.Ordinal)],
                    IdOf = static id => id,
                    Part = static (_, ids) => new DeleteGroupsRequest { GroupsNames = ids },
                    AnswersIn = static response => ((DeleteGroupsResponse)response).Results,
                }),
            _ => throw new ArgumentException($"Nobody knows which group {handler.Key} is for.", nameof(own)),
        });

        ApiHandler For<TRequest>(ApiHandler inner, Func<TRequest, string?> groupOf)
            where TRequest : class, IRequest => new PassOnHandler<TRequest>(inner, hidden, groupOf);

        ApiHandler ForEach<TRequest, TGroup, TAnswer>(ApiHandler inner, GroupSplit<TRequest, TGroup, TAnswer> split)
            where TRequest : class, IRequest => new SplitHandler<TRequest, TGroup, TAnswer>(inner, hidden, split);
    }
}
