using Warp.Actors.Groups;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>DeleteGroups (KIP-229), versions 0 to 2. Each group succeeds or fails by itself.</summary>
public sealed class DeleteGroupsHandler(GroupClient groups) : ApiHandler<DeleteGroupsRequest>(ApiKey.DeleteGroups, 0, 2)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, DeleteGroupsRequest request) =>
        new DeleteGroupsResponse
    {
        Results = [.. await Task.WhenAll(request.GroupsNames.Distinct(StringComparer.Ordinal).Select(async id =>
        {
            GroupAnswer answer = await groups.RunAsync(
                id, new GroupCommand.DeleteGroup(), static error => new GroupAnswer(error), context.ConnectionClosed);
            return new DeleteGroupsResponse.DeletableGroupResult { GroupId = id, ErrorCode = answer.Error };
        }))],
    };
}
