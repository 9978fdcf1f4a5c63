using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// Passes requests for groups of hidden coordinators on (<see cref="IHiddenCoordinators"/>); the others are handled here. So is one that its
/// coordinator does not answer: a group is not here then, which sends the client to look for its coordinator again.
/// </summary>
/// <param name="inner">Handles here.</param>
/// <param name="hidden">The coordinators.</param>
/// <param name="groupOf">The group that a request is for; null if it is to be handled here.</param>
public sealed class PassOnHandler<TRequest>(ApiHandler inner, IHiddenCoordinators hidden, Func<TRequest, string?> groupOf)
    : ApiHandler<TRequest>(inner.Key, inner.MinVersion, inner.MaxVersion)
    where TRequest : class, IRequest
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, TRequest request) =>
        groupOf(request) is { } groupId && hidden.OwnerOf(groupId) is { } owner
            ? PassOnAsync(owner, context, request)
            : inner.HandleAsync(context, request);

    private async ValueTask<IResponse?> PassOnAsync(NodeIncarnation owner, RequestContext context, TRequest request) =>
        await hidden.PassOnAsync(owner, context, request) ?? await inner.HandleAsync(context, request);
}
