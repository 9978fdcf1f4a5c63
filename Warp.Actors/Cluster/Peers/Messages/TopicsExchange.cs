using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// A question whose answer is tasks, which end when sequencers have opened partitions: the serving side waits for them, as long as it has
/// time. What is not ready by then is told as such; it may still come.
/// </summary>
internal sealed class TopicsExchange<TQuestion, TRequest, TResponse, TReply>(
    ApiKey key,
    Func<TQuestion, TRequest> toRequest,
    Func<TRequest, Reply<TReply>, TQuestion> fromRequest,
    Func<TReply, IReadOnlyList<Task<TopicResult>>> tasksOf,
    Func<IReadOnlyList<TopicResult>, TResponse> toResponse,
    Action<TQuestion, TResponse> answer) : IExchange<CatalogMessage>
    where TQuestion : CatalogMessage
    where TRequest : class, IRequest
    where TResponse : class, IResponse
{
    /// <summary>Of the time that the asker waits, what is left for the answer's way.</summary>
    private const double ShareOfTheWay = 0.1;

    private static readonly TopicResult s_notYet = new(
        ErrorCode.RequestTimedOut, "The partitions could not be opened in time; they may still be.");

    public ApiKey ApiKey => key;

    public Type MessageType => typeof(TQuestion);

    public IRequest Request(CatalogMessage message) => toRequest((TQuestion)message);

    public void Answer(CatalogMessage message, IResponse response) => answer((TQuestion)message, (TResponse)response);

    public async ValueTask<IResponse> ServeAsync(ActorRef<CatalogMessage> actor, IRequest request, PeerContext context)
    {
        using var late = new CancellationTokenSource(context.Timeout * (1 - ShareOfTheWay), context.Time);
        using var giveUp = CancellationTokenSource.CreateLinkedTokenSource(late.Token, context.CancellationToken);
        TReply reply = await ExchangeRules.AskAsync<CatalogMessage, TReply>(
            actor, answer => fromRequest((TRequest)request, answer), context.CancellationToken);
        IReadOnlyList<Task<TopicResult>> tasks = tasksOf(reply);
        await ((Task)Task.WhenAll(tasks)).WaitAsync(giveUp.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        context.CancellationToken.ThrowIfCancellationRequested();
        return toResponse([.. tasks.Select(ResultOf)]);
    }

    private static TopicResult ResultOf(Task<TopicResult> task)
    {
        if (task.IsCompletedSuccessfully)
            return task.Result;
        return task.Exception?.InnerException is { } error && ExchangeRules.ErrorOf(error) is null
            ? new TopicResult(ErrorCode.KafkaStorageError, error.Message)
            : s_notYet;
    }
}
