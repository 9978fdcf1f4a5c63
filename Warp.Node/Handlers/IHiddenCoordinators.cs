using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// Nodes of other node groups, which coordinate groups of clients that do not see them: this node stands in, and passes on. Thread-safe.
/// </summary>
public interface IHiddenCoordinators
{
    /// <summary>The node that a group's requests are to be passed on to; null if it is here, or seen by clients, or nobody knows.</summary>
    NodeIncarnation? OwnerOf(string groupId);

    /// <summary>Those whose groups are listed here, and by no other node that the same clients see.</summary>
    IEnumerable<NodeIncarnation> Listed();

    /// <summary>
    /// Passes a request on and waits for the answer, for as long as that takes. Those of one caller to one node arrive in their order.
    /// </summary>
    /// <returns>The answer; null when there is none, and whether the owner acted upon the request is not known.</returns>
    /// <exception cref="OperationCanceledException">Nobody waits for the answer any more; the owner is told so.</exception>
    Task<IResponse?> PassOnAsync(NodeIncarnation owner, RequestContext context, IRequest request);
}
