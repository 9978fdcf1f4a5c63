using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Node.Handlers;

/// <summary>Calls handlers as a connection does: request and response go through the bytes of a version.</summary>
internal static class HandlerCalls
{
    private const int CorrelationId = 5;

    /// <param name="handler">Who is called.</param>
    /// <param name="request">With what.</param>
    /// <param name="version">Of the API.</param>
    /// <param name="bytes">What the handler takes for the request's bytes, and gives back; null for any.</param>
    public static async Task<TResponse> CallAsync<TResponse>(this ApiHandler handler, IRequest request, short version, PooledBuffer? bytes = null)
        where TResponse : class, IResponse
    {
        using OutgoingFrame sent = RequestFrame.Write(CorrelationId, "a-client", request, version);
        RequestFrame frame = RequestFrame.Parse(sent.ToArray().AsMemory(4));
        var context = new RequestContext
        {
            Header = frame.Header,
            Frame = bytes ?? PooledBuffer.Rent(1),
            ConnectionId = 1,
            RemoteEndPoint = null,
            ConnectionClosed = TestContext.Current.CancellationToken,
        };
        IResponse? response;
        try
        {
            response = await handler.HandleAsync(context, handler.Read(frame));
        }
        finally
        {
            context.ReleaseFrame();
        }
        Assert.NotNull(response);
        using OutgoingFrame answer = ResponseFrame.Write(CorrelationId, response, version);
        ResponseFrame received = ResponseFrame.Parse(answer.ToArray().AsMemory(4), ApiSpecs.Get(handler.Key), version);
        Assert.Equal(CorrelationId, received.Header.CorrelationId);
        return (TResponse)received.Body;
    }
}
