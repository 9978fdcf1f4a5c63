using Microsoft.Extensions.Logging;
using Warp.Actors.Catalog;
using Warp.Actors.Cluster.Peers;
using Warp.Actors.Kernel;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// Asks the topic catalog for handlers: a catalog that does not answer becomes an error for each item, never an exception. Thread-safe.
/// </summary>
/// <param name="catalog">The catalog.</param>
/// <param name="published">Its latest version here.</param>
/// <param name="catchUp">
/// Brings that up to date where the catalog runs on another node: whoever is told that something was done must find it done.
/// </param>
/// <param name="time">The clock of the waits.</param>
/// <param name="log">Where failures go.</param>
public sealed partial class CatalogClient(
    ActorRef<CatalogMessage> catalog,
    PublishedCatalog published,
    Func<CancellationToken, Task> catchUp,
    TimeProvider time,
    ILogger<CatalogClient> log)
{
    /// <summary>All topics and configs at this moment.</summary>
    public CatalogImage Image => published.Current;

    /// <summary>Makes topics, and waits until they can be written.</summary>
    /// <returns>A result for each topic, in order.</returns>
    public async Task<IReadOnlyList<TopicResult>> CreateTopicsAsync(
        IReadOnlyList<NewTopic> topics, bool validateOnly, TimeSpan wait, CancellationToken cancellationToken)
    {
        if (topics.Count == 0)
            return [];
        long started = time.GetTimestamp();
        IReadOnlyList<Task<TopicResult>> opened;
        try
        {
            opened = await catalog.AskAsync<IReadOnlyList<Task<TopicResult>>>(
                reply => new CatalogMessage.CreateTopics(topics, validateOnly, reply), wait, cancellationToken);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            TopicResult failure = ResultOf(error);
            return [.. topics.Select(_ => failure)];
        }
        TopicResult[] results = await Task.WhenAll(
            opened.Select(topic => ResultAsync(topic.WaitAsync(RestOf(wait, started), time, cancellationToken))));
        await SeeAsync(cancellationToken);
        return results;
    }

    /// <summary>Raises a topic's partition count, and waits until the new partitions can be written.</summary>
    public Task<TopicResult> CreatePartitionsAsync(
        string topic, int count, bool validateOnly, TimeSpan wait, CancellationToken cancellationToken)
    {
        return ResultAsync(GrowAsync());

        async Task<TopicResult> GrowAsync()
        {
            long started = time.GetTimestamp();
            Task<TopicResult> opened = await catalog.AskAsync<Task<TopicResult>>(
                reply => new CatalogMessage.CreatePartitions(topic, count, validateOnly, reply), wait, cancellationToken);
            TopicResult result = await opened.WaitAsync(RestOf(wait, started), time, cancellationToken);
            await SeeAsync(cancellationToken);
            return result;
        }
    }

    public Task<TopicResult> DeleteTopicAsync(Guid topicId, TimeSpan wait, CancellationToken cancellationToken) =>
        AlterAsync(reply => new CatalogMessage.DeleteTopic(topicId, reply), wait, cancellationToken);

    /// <summary>Alters a topic's configs.</summary>
    public Task<TopicResult> AlterTopicConfigsAsync(
        string topic, ConfigRevision revision, bool validateOnly, TimeSpan wait, CancellationToken cancellationToken) =>
        AlterAsync(reply => new CatalogMessage.AlterTopicConfigs(topic, revision, validateOnly, reply), wait, cancellationToken);

    /// <summary>Alters a node's dynamic configs, or those of all.</summary>
    public Task<TopicResult> AlterBrokerConfigsAsync(
        int nodeId, ConfigRevision revision, bool validateOnly, TimeSpan wait, CancellationToken cancellationToken) =>
        AlterAsync(reply => new CatalogMessage.AlterBrokerConfigs(nodeId, revision, validateOnly, reply), wait, cancellationToken);

    /// <summary>Alters quotas.</summary>
    /// <returns>A result for each alteration, in order.</returns>
    public async Task<IReadOnlyList<TopicResult>> AlterClientQuotasAsync(
        IReadOnlyList<QuotaAlteration> alterations, bool validateOnly, TimeSpan wait, CancellationToken cancellationToken)
    {
        try
        {
            IReadOnlyList<TopicResult> results = await catalog.AskAsync<IReadOnlyList<TopicResult>>(
                reply => new CatalogMessage.AlterClientQuotas(alterations, validateOnly, reply), wait, cancellationToken);
            await SeeAsync(cancellationToken);
            return results;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            TopicResult failure = ResultOf(error);
            return [.. alterations.Select(_ => failure)];
        }
    }

    /// <summary>Reserves producer ids that nobody else will ever get.</summary>
    /// <returns>The first of them, or null when the catalog does not answer.</returns>
    public async Task<long?> ReserveProducerIdsAsync(int count, TimeSpan wait, CancellationToken cancellationToken)
    {
        try
        {
            return await catalog.AskAsync<long>(reply => new CatalogMessage.ReserveProducerIds(count, reply), wait, cancellationToken);
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            LogNoAnswer(error.Message);
            return null;
        }
    }

    private Task<TopicResult> AlterAsync(Ask<CatalogMessage, TopicResult> change, TimeSpan wait, CancellationToken cancellationToken)
    {
        return ResultAsync(AskAsync());

        async Task<TopicResult> AskAsync()
        {
            TopicResult result = await catalog.AskAsync(change, wait, cancellationToken);
            await SeeAsync(cancellationToken);
            return result;
        }
    }

    /// <summary>What was done is to be seen on this node before it is told.</summary>
    private async Task SeeAsync(CancellationToken cancellationToken)
    {
        try
        {
            await catchUp(cancellationToken);
        }
        catch (PeerCallException error)
        {
            // It was done all the same, and will be seen in a moment.
            LogNotSeen(error.Message);
        }
    }

    private TimeSpan RestOf(TimeSpan wait, long started)
    {
        TimeSpan rest = wait - time.GetElapsedTime(started);
        return rest > TimeSpan.Zero ? rest : TimeSpan.Zero;
    }

    private async Task<TopicResult> ResultAsync(Task<TopicResult> answer)
    {
        try
        {
            return await answer;
        }
        catch (Exception error) when (error is not OperationCanceledException)
        {
            return ResultOf(error);
        }
    }

    private TopicResult ResultOf(Exception error)
    {
        LogNoAnswer(error.Message);
        return error switch
        {
            // Whether it was done is not known; a client that looks will see.
            TimeoutException or ActorStoppedException => new TopicResult(
                ErrorCode.RequestTimedOut, "The topic catalog did not answer in time; what was asked for may still happen."),
            _ => new TopicResult(ErrorCode.KafkaStorageError, $"The topic catalog could not store the change: {error.Message}"),
        };
    }

    [LoggerMessage(LogLevel.Information, "A change of the catalog may be seen late on this node: {Reason}")]
    private partial void LogNotSeen(string reason);

    [LoggerMessage(LogLevel.Warning, "The topic catalog did not do what it was asked for: {Reason}")]
    private partial void LogNoAnswer(string reason);
}
