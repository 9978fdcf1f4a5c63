using Warp.Actors.Groups;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>LeaveGroup, versions 0 to 5. From 3 on for many members at once, each of which gets its own error.</summary>
public sealed class LeaveGroupHandler(GroupClient groups) : ApiHandler<LeaveGroupRequest>(ApiKey.LeaveGroup, 0, 5)
{
    private const short FirstVersionOfManyMembers = 3;

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, LeaveGroupRequest request)
    {
        if (request.GroupId.Length == 0)
            return new LeaveGroupResponse { ErrorCode = ErrorCode.InvalidGroupId };
        LeavingMember[] members = context.Version < FirstVersionOfManyMembers
            ? [new LeavingMember(request.MemberId, null)]
            : [.. request.Members.Select(static member => new LeavingMember(member.MemberId, member.GroupInstanceId))];
        GroupAnswer.Each answer = await groups.RunAsync(
            request.GroupId,
            new GroupCommand.LeaveGroup(members),
            static error => new GroupAnswer.Each(error, []),
            context.ConnectionClosed);
        if (answer.Error != ErrorCode.None || context.Version < FirstVersionOfManyMembers)
            return new LeaveGroupResponse { ErrorCode = answer.Error != ErrorCode.None ? answer.Error : answer.Errors[0] };
        return new LeaveGroupResponse
        {
            Members = [.. members.Select((member, i) => new LeaveGroupResponse.MemberResponse
            {
                MemberId = member.MemberId,
                GroupInstanceId = member.InstanceId,
                ErrorCode = answer.Errors[i],
            })],
        };
    }
}
