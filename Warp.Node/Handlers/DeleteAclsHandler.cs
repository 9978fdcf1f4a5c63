using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>DeleteAcls (KIP-140), versions 0 to 3: SECURITY_DISABLED for each filter.</summary>
public sealed class DeleteAclsHandler() : ApiHandler<DeleteAclsRequest>(ApiKey.DeleteAcls, 0, 3)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, DeleteAclsRequest request) =>
        ValueTask.FromResult<IResponse?>(new DeleteAclsResponse
        {
            FilterResults = [.. request.Filters.Select(static _ => new DeleteAclsResponse.DeleteAclsFilterResult
            {
                ErrorCode = AclsDisabled.Error,
                ErrorMessage = AclsDisabled.Message,
            })],
        });
}
