using Warp.Actors.Groups;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>DescribeGroups, versions 0 to 6. A group that does not exist is Dead; from 6 on (KIP-1043) that is an error.</summary>
public sealed class DescribeGroupsHandler(GroupClient groups) : ApiHandler<DescribeGroupsRequest>(ApiKey.DescribeGroups, 0, 6)
{
    private const short FirstVersionOfGroupIdNotFound = 6;

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeGroupsRequest request) =>
        new DescribeGroupsResponse
    {
        Groups = [.. await Task.WhenAll(request.Groups.Select(id => DescribeAsync(context, id, request.IncludeAuthorizedOperations)))],
    };

    private async Task<DescribeGroupsResponse.DescribedGroup> DescribeAsync(RequestContext context, string id, bool withOperations)
    {
        var (error, group) = await groups.DescribeAsync(id, context.ConnectionClosed);
        var answer = new DescribeGroupsResponse.DescribedGroup { GroupId = id, ErrorCode = error };
        // To this request groups of the consumer protocol do not exist.
        if (group is { Consumer: null })
        {
            answer.GroupState = group.State;
            answer.ProtocolType = group.ProtocolType;
            answer.ProtocolData = group.ProtocolName;
            answer.Members = [.. group.Members.Select(member => Describe(member, group.ProtocolName))];
        }
        else if (error == ErrorCode.None)
        {
            answer.GroupState = "Dead";
            if (context.Version >= FirstVersionOfGroupIdNotFound)
            {
                answer.ErrorCode = ErrorCode.GroupIdNotFound;
                answer.ErrorMessage = group is null ? $"Group {id} not found." : $"Group {id} is not a classic group.";
            }
        }
        if (withOperations && answer.ErrorCode == ErrorCode.None)
            answer.AuthorizedOperations = AuthorizedOperations.Group;
        return answer;
    }

    private static DescribeGroupsResponse.DescribedGroupMember Describe(ClassicMember member, string protocol) => new()
    {
        MemberId = member.Id,
        GroupInstanceId = member.InstanceId,
        ClientId = member.ClientId,
        ClientHost = member.ClientHost,
        MemberMetadata = member.MetadataFor(protocol),
        MemberAssignment = member.Assignment,
    };
}
