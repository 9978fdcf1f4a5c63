using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>ListGroups, versions 0 to 5: this node's groups. From 4 on by state, from 5 on by type, in any case of letters.</summary>
public sealed class ListGroupsHandler(GroupClient groups) : ApiHandler<ListGroupsRequest>(ApiKey.ListGroups, 0, 5)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, ListGroupsRequest request)
    {
        var states = new HashSet<string>(request.StatesFilter.Select(static state => state.Trim()), StringComparer.OrdinalIgnoreCase);
        var types = new HashSet<string>(request.TypesFilter, StringComparer.OrdinalIgnoreCase);
        var found = await Task.WhenAll(groups.GroupIds.Order(StringComparer.Ordinal).Select(async id =>
        {
            var (error, group) = await groups.DescribeAsync(id, context.ConnectionClosed);
            return (Id: id, Error: error, Group: group);
        }));
        ErrorCode failure = found.Select(static entry => entry.Error).FirstOrDefault(static error => error != ErrorCode.None);
        var response = new ListGroupsResponse { ErrorCode = failure };
        foreach (var (id, _, group) in found)
        {
            if (group is null || (states.Count > 0 && !states.Contains(group.State)) || (types.Count > 0 && !types.Contains(group.Type)))
                continue;
            response.Groups.Add(new ListGroupsResponse.ListedGroup
            {
                GroupId = id,
                ProtocolType = group.ProtocolType,
                GroupState = group.State,
                GroupType = group.Type,
            });
        }
        return response;
    }
}
