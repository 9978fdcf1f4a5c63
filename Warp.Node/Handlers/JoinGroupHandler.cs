using System.Collections.Immutable;
using Warp.Actors.Groups;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// JoinGroup, versions 0 to 9. Version 0 has no rebalance timeout: the session timeout stands for it. From 4 on a new member is given its
/// id first; from 5 on members can be static; from 9 on a static leader can be told not to assign.
/// </summary>
public sealed class JoinGroupHandler(GroupClient groups) : ApiHandler<JoinGroupRequest>(ApiKey.JoinGroup, 0, 9)
{
    private const short FirstVersionOfRebalanceTimeout = 1;
    private const short FirstVersionOfKnownMemberIds = 4;
    private const short FirstVersionOfNullProtocolName = 7;
    private const short FirstVersionOfSkipAssignment = 9;

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, JoinGroupRequest request)
    {
        GroupAnswer.JoinGroup answer = request.GroupId.Length == 0
            ? new GroupAnswer.JoinGroup(ErrorCode.InvalidGroupId, request.MemberId)
            : await groups.RunAsync(
                request.GroupId,
                CommandOf(context, request),
                error => new GroupAnswer.JoinGroup(error, request.MemberId),
                context.ConnectionClosed);
        return new JoinGroupResponse
        {
            ErrorCode = answer.Error,
            GenerationId = answer.Generation,
            ProtocolType = answer.ProtocolType,
            ProtocolName = answer.ProtocolName ?? (context.Version < FirstVersionOfNullProtocolName ? "" : null),
            Leader = answer.LeaderId,
            SkipAssignment = answer.SkipAssignment,
            MemberId = answer.MemberId,
            Members = [.. answer.Members.Select(static member => new JoinGroupResponse.JoinGroupResponseMember
            {
                MemberId = member.MemberId,
                GroupInstanceId = member.InstanceId,
                Metadata = member.Metadata,
            })],
        };
    }

    private static GroupCommand.JoinGroup CommandOf(RequestContext context, JoinGroupRequest request) => new()
    {
        MemberId = request.MemberId,
        InstanceId = request.GroupInstanceId,
        ClientId = context.Header.ClientId ?? "",
        ClientHost = context.ClientHost,
        SessionTimeoutMs = request.SessionTimeoutMs,
        RebalanceTimeoutMs = context.Version < FirstVersionOfRebalanceTimeout ? request.SessionTimeoutMs : request.RebalanceTimeoutMs,
        ProtocolType = request.ProtocolType,
        Protocols = ProtocolsOf(request),
        UniqueId = Guid.NewGuid().ToString(),
        RequiresKnownMemberId = context.Version >= FirstVersionOfKnownMemberIds,
        CanSkipAssignment = context.Version >= FirstVersionOfSkipAssignment,
    };

    /// <summary>Copies the protocols out of the request's buffer; of those with the same name the first counts.</summary>
    private static ImmutableArray<ClassicProtocol> ProtocolsOf(JoinGroupRequest request) =>
        [.. request.Protocols.DistinctBy(static protocol => protocol.Name)
            .Select(static protocol => new ClassicProtocol(protocol.Name, protocol.Metadata.ToArray()))];
}
