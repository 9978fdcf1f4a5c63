using Warp.Actors.Kernel;
using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>How one kind of message to an actor travels, there and back. Both sides use it, so they cannot disagree.</summary>
internal interface IExchange<TMessage>
    where TMessage : class
{
    ApiKey ApiKey { get; }

    /// <summary>The type of the messages.</summary>
    Type MessageType { get; }

    /// <summary>The asking side: the request of a message.</summary>
    IRequest Request(TMessage message);

    /// <summary>The asking side: answers the message.</summary>
    void Answer(TMessage message, IResponse response);

    /// <summary>The serving side: asks the actor, and makes the response of its answer.</summary>
    ValueTask<IResponse> ServeAsync(ActorRef<TMessage> actor, IRequest request, PeerContext context);
}

/// <summary>The usual case: a question with one answer.</summary>
internal sealed class Exchange<TMessage, TQuestion, TRequest, TResponse, TReply>(
    ApiKey key,
    Func<TQuestion, Reply<TReply>> replyOf,
    Func<TQuestion, TRequest> toRequest,
    Func<TRequest, Reply<TReply>, TQuestion> fromRequest,
    Func<TReply, TResponse> toResponse,
    Func<TResponse, TReply> fromResponse) : IExchange<TMessage>
    where TMessage : class
    where TQuestion : class, TMessage
    where TRequest : class, IRequest
    where TResponse : class, IResponse
{
    public ApiKey ApiKey => key;

    public Type MessageType { get; init; } = typeof(TQuestion);

    public IRequest Request(TMessage message) => toRequest((TQuestion)message);

    public void Answer(TMessage message, IResponse response) => replyOf((TQuestion)message).Set(fromResponse((TResponse)response));

    public async ValueTask<IResponse> ServeAsync(ActorRef<TMessage> actor, IRequest request, PeerContext context) => toResponse(
        await ExchangeRules.AskAsync<TMessage, TReply>(actor, reply => fromRequest((TRequest)request, reply), context.CancellationToken));
}

/// <summary>What all exchanges have in common.</summary>
internal static class ExchangeRules
{
    /// <summary>
    /// Asks an actor for another node. When that gives up, the question is failed: nobody is to do anything for it any more.
    /// </summary>
    public static async Task<TReply> AskAsync<TMessage, TReply>(
        ActorRef<TMessage> actor, Func<Reply<TReply>, TMessage> question, CancellationToken cancellationToken)
        where TMessage : class
    {
        var reply = new Reply<TReply>();
        try
        {
            await actor.TellAsync(question(reply), cancellationToken);
            return await reply.Task.WaitAsync(cancellationToken);
        }
        catch (OperationCanceledException) when (cancellationToken.IsCancellationRequested)
        {
            reply.Fail(new OperationCanceledException(cancellationToken));
            // Looked at, so that it does not count as a failure that nobody has seen.
            _ = reply.Task.Exception;
            throw;
        }
        catch (Exception error) when (ErrorOf(error) is { } known)
        {
            throw known;
        }
    }

    /// <summary>The errors that have a name between nodes.</summary>
    public static PeerErrorException? ErrorOf(Exception error) => error switch
    {
        ActorStoppedException => new PeerErrorException(PeerError.ActorStopped, error.Message),
        JournalException => new PeerErrorException(PeerError.NotWritten, error.Message),
        TimeoutException => new PeerErrorException(PeerError.DeadlinePassed, error.Message),
        _ => null,
    };

    /// <summary>What an asker sees of a call that failed: the same as of an actor of its own node.</summary>
    /// <param name="actor">Whom it asked.</param>
    /// <param name="failure">How the call ended.</param>
    public static Exception FailureOf(string actor, PeerCallException failure) => failure.Error == PeerError.NotWritten
        ? new JournalException(failure.Message, failure)
        : new ActorStoppedException(actor, failure);
}
