using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>What tools are told of ACLs where nobody is authorized: what Kafka says without an authorizer.</summary>
internal static class AclsDisabled
{
    public const ErrorCode Error = ErrorCode.SecurityDisabled;

    public const string Message = "This cluster authorizes nobody, so it has no ACLs.";
}
