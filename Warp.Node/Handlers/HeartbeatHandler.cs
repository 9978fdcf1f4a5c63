using Warp.Actors.Groups;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>Heartbeat, versions 0 to 4.</summary>
public sealed class HeartbeatHandler(GroupClient groups) : ApiHandler<HeartbeatRequest>(ApiKey.Heartbeat, 0, 4)
{
    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, HeartbeatRequest request)
    {
        if (request.GroupId.Length == 0)
            return new HeartbeatResponse { ErrorCode = ErrorCode.InvalidGroupId };
        GroupAnswer answer = await groups.RunAsync(
            request.GroupId,
            new GroupCommand.Heartbeat(request.MemberId, request.GroupInstanceId, request.GenerationId),
            static error => new GroupAnswer(error),
            context.ConnectionClosed);
        return new HeartbeatResponse { ErrorCode = answer.Error };
    }
}
