using Warp.Actors.Cluster.Peers;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Node.Handlers;

/// <summary>
/// Handles what other nodes pass on to this one as if the client had asked here. Never passes on again: for a group that is not here the
/// answer is NOT_COORDINATOR.
/// </summary>
/// <param name="handlers">Of all Kafka APIs that may be passed on.</param>
public sealed class PassedOnHandler(IEnumerable<ApiHandler> handlers) : IPeerHandler
{
    private readonly Dictionary<short, ApiHandler> _handlers = handlers.ToDictionary(static handler => (short)handler.Key);

    public ApiKey ApiKey => PrivateApis.PassOn;

    public async ValueTask<IResponse> HandleAsync(IRequest request, PeerContext context)
    {
        var asked = (PassOnRequest)request;
        if (!_handlers.TryGetValue(asked.KafkaApi, out ApiHandler? handler) || !ApiDispatcher.Serves(handler, asked.KafkaVersion))
        {
            throw new PeerErrorException(
                PeerError.Unsupported, $"Version {asked.KafkaVersion} of API {asked.KafkaApi} is not passed on to this node.");
        }
        var header = new RequestHeader(asked.KafkaApi, asked.KafkaVersion, CorrelationId: 0, asked.ClientId);
        var frame = new RequestFrame(header, ApiSpecs.Get(handler.Key), asked.Body);
        var passedOn = new RequestContext
        {
            Header = header,
            Frame = context.Frame,
            ConnectionId = 0,
            RemoteEndPoint = null,
            ClientHost = asked.ClientHost,
            ConnectionClosed = context.CancellationToken,
        };
        IResponse answer = (await handler.HandleAsync(passedOn, handler.Read(frame)))!;
        using var writer = new WireWriter();
        answer.Write(writer, asked.KafkaVersion);
        return new PassOnResponse { Body = writer.ToArray() };
    }
}
