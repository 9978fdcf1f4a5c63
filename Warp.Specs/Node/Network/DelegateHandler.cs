using Warp.Node.Handlers;
using Warp.Protocol.Messages;

namespace Warp.Specs.Node.Network;

/// <summary>A handler that does what a test says.</summary>
internal sealed class DelegateHandler<TRequest>(ApiKey key, Func<RequestContext, TRequest, ValueTask<IResponse?>> handle)
    : ApiHandler<TRequest>(key, ApiSpecs.Get(key).MinVersion, ApiSpecs.Get(key).MaxVersion)
    where TRequest : class, IRequest
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, TRequest request) => handle(context, request);
}
