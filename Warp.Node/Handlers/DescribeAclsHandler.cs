using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>DescribeAcls (KIP-140), versions 0 to 3: SECURITY_DISABLED, which tools take for "no ACLs here".</summary>
public sealed class DescribeAclsHandler() : ApiHandler<DescribeAclsRequest>(ApiKey.DescribeAcls, 0, 3)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DescribeAclsRequest request) =>
        ValueTask.FromResult<IResponse?>(new DescribeAclsResponse { ErrorCode = AclsDisabled.Error, ErrorMessage = AclsDisabled.Message });
}
