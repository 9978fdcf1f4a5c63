using Warp.Actors.Groups;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>SyncGroup, versions 0 to 5. From 5 on the member names the protocol that it believes to be in.</summary>
public sealed class SyncGroupHandler(GroupClient groups) : ApiHandler<SyncGroupRequest>(ApiKey.SyncGroup, 0, 5)
{
    private const short FirstVersionOfProtocol = 5;

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, SyncGroupRequest request)
    {
        GroupAnswer.SyncGroup answer;
        if (context.Version >= FirstVersionOfProtocol && (request.ProtocolType is null || request.ProtocolName is null))
            answer = new GroupAnswer.SyncGroup(ErrorCode.InconsistentGroupProtocol);
        else if (request.GroupId.Length == 0)
            answer = new GroupAnswer.SyncGroup(ErrorCode.InvalidGroupId);
        else
            answer = await RunAsync(context, request);
        return new SyncGroupResponse
        {
            ErrorCode = answer.Error,
            ProtocolType = answer.ProtocolType,
            ProtocolName = answer.ProtocolName,
            Assignment = answer.Assignment,
        };
    }

    private Task<GroupAnswer.SyncGroup> RunAsync(RequestContext context, SyncGroupRequest request) => groups.RunAsync(
        request.GroupId, CommandOf(request), static error => new GroupAnswer.SyncGroup(error), context.ConnectionClosed);

    /// <summary>Copies the assignments out of the request's buffer.</summary>
    private static GroupCommand.SyncGroup CommandOf(SyncGroupRequest request) => new(
        request.MemberId,
        request.GroupInstanceId,
        request.GenerationId,
        request.ProtocolType,
        request.ProtocolName,
        [.. request.Assignments.Select(static member =>
            KeyValuePair.Create(member.MemberId, (ReadOnlyMemory<byte>)member.Assignment.ToArray()))]);
}
