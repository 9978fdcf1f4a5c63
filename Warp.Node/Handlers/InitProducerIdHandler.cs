using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// InitProducerId, versions 0 to 5, for idempotent producers: each call gets an id of its own and epoch 0. There are no transactions yet:
/// a transactional id gets INVALID_REQUEST, which every client takes as the end of it. Errors about authorization would point its
/// operator in a wrong direction, and retriable ones would make it wait for ever.
/// </summary>
public sealed class InitProducerIdHandler(ProducerIdPool ids) : ApiHandler<InitProducerIdRequest>(ApiKey.InitProducerId, 0, 5)
{
    private const long None = -1;

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, InitProducerIdRequest request)
    {
        bool isHalf = request.ProducerId == None != (request.ProducerEpoch == None);
        if (request.TransactionalId is not null || isHalf)
            return Failed(ErrorCode.InvalidRequest);
        // The one retriable error for which Java's producer does not go looking for a transaction coordinator.
        return await ids.TakeAsync(context.ConnectionClosed) is { } id
            ? new InitProducerIdResponse { ProducerId = id, ProducerEpoch = 0 }
            : Failed(ErrorCode.CoordinatorLoadInProgress);
    }

    private static InitProducerIdResponse Failed(ErrorCode error) => new() { ErrorCode = error, ProducerId = None, ProducerEpoch = -1 };
}
