using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>CreateAcls (KIP-140), versions 0 to 3: SECURITY_DISABLED for each ACL.</summary>
public sealed class CreateAclsHandler() : ApiHandler<CreateAclsRequest>(ApiKey.CreateAcls, 0, 3)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, CreateAclsRequest request) =>
        ValueTask.FromResult<IResponse?>(new CreateAclsResponse
        {
            Results = [.. request.Creations.Select(static _ => new CreateAclsResponse.AclCreationResult
            {
                ErrorCode = AclsDisabled.Error,
                ErrorMessage = AclsDisabled.Message,
            })],
        });
}
