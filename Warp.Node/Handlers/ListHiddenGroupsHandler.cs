using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// ListGroups where clients do not see all nodes: to this node's groups it adds those of the hidden coordinators that are listed here, so that
/// the nodes that a client sees list all groups together, each once.
/// </summary>
public sealed class ListHiddenGroupsHandler(ListGroupsHandler own, IHiddenCoordinators hidden)
    : ApiHandler<ListGroupsRequest>(own.Key, own.MinVersion, own.MaxVersion)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, ListGroupsRequest request)
    {
        Task<IResponse?[]> asked = Task.WhenAll(hidden.Listed().Select(owner => hidden.PassOnAsync(owner, context, request)));
        var response = (ListGroupsResponse)(await own.HandleAsync(context, request))!;
        foreach (IResponse? answer in await asked)
        {
            var listed = answer as ListGroupsResponse ?? new ListGroupsResponse { ErrorCode = ErrorCode.CoordinatorNotAvailable };
            response.Groups.AddRange(listed.Groups);
            if (response.ErrorCode == ErrorCode.None)
                response.ErrorCode = listed.ErrorCode;
        }
        return response;
    }
}
