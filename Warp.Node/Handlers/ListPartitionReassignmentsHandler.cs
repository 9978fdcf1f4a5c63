using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// ListPartitionReassignments (KIP-455), version 0. A reassignment is done as soon as it is asked for: none is ever under way.
/// </summary>
public sealed class ListPartitionReassignmentsHandler()
    : ApiHandler<ListPartitionReassignmentsRequest>(ApiKey.ListPartitionReassignments, 0, 0)
{
    protected override ValueTask<IResponse?> HandleAsync(RequestContext context, ListPartitionReassignmentsRequest request) =>
        ValueTask.FromResult<IResponse?>(new ListPartitionReassignmentsResponse { ErrorMessage = null });
}
