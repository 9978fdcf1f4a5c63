using Warp.Actors.Catalog;
using Warp.Protocol.Messages;

namespace Warp.Node.Handlers;

/// <summary>
/// DeleteTopics, versions 0 to 6: by name, from version 6 on also by id. A topic that is still being opened can be deleted, too.
/// </summary>
public sealed class DeleteTopicsHandler(CatalogClient catalog, ClusterView cluster)
    : ApiHandler<DeleteTopicsRequest>(ApiKey.DeleteTopics, 0, 6)
{
    private const short FirstVersionOfStates = 6;

    /// <summary>The first that knows the error.</summary>
    private const short FirstVersionOfDeletionDisabled = 3;

    protected override async ValueTask<IResponse?> HandleAsync(RequestContext context, DeleteTopicsRequest request)
    {
        List<DeleteTopicsRequest.DeleteTopicState> wanted = context.Version >= FirstVersionOfStates
            ? request.Topics
            : [.. request.TopicNames.Select(static name => new DeleteTopicsRequest.DeleteTopicState { Name = name })];
        CatalogImage image = catalog.Image;
        var found = wanted.Select(state => Find(image, state)).OfType<TopicImage>().GroupBy(static topic => topic.Id);
        HashSet<Guid> repeated = [.. found.Where(static same => same.Count() > 1).Select(static same => same.Key)];
        TimeSpan wait = ActorQuestions.WaitOf(request.TimeoutMs);
        var response = new DeleteTopicsResponse();
        response.Responses.AddRange(await Task.WhenAll(wanted.Select(async state =>
        {
            TopicImage? topic = Find(image, state);
            TopicResult result = RefusalOf(context.Version, image, state, topic, repeated)
                ?? await catalog.DeleteTopicAsync(topic!.Id, wait, context.ConnectionClosed);
            return new DeleteTopicsResponse.DeletableTopicResult
            {
                Name = topic?.Name ?? state.Name,
                TopicId = topic?.Id ?? state.TopicId,
                ErrorCode = result.Error,
                ErrorMessage = result.Message,
            };
        })));
        return response;
    }

    private static TopicImage? Find(CatalogImage image, DeleteTopicsRequest.DeleteTopicState state)
    {
        TopicImage? topic = state.Name is { } name ? image.ByName.GetValueOrDefault(name) : image.ById.GetValueOrDefault(state.TopicId);
        return topic is { IsDeleted: false } ? topic : null;
    }

    private TopicResult? RefusalOf(
        short version, CatalogImage image, DeleteTopicsRequest.DeleteTopicState state, TopicImage? topic, HashSet<Guid> repeated)
    {
        if (state.Name is not null && state.TopicId != Guid.Empty)
            return new TopicResult(ErrorCode.InvalidRequest, "A topic is named by its name or by its id, not by both.");
        if (state.Name is null && state.TopicId == Guid.Empty)
            return new TopicResult(ErrorCode.InvalidRequest, "Neither a topic's name nor its id is given.");
        if (!image.DeletesTopics(cluster))
        {
            return new TopicResult(
                version >= FirstVersionOfDeletionDisabled ? ErrorCode.TopicDeletionDisabled : ErrorCode.InvalidRequest,
                "Topics cannot be deleted here (delete.topic.enable).");
        }
        if (topic is null)
        {
            return state.Name is null
                ? new TopicResult(ErrorCode.UnknownTopicId, $"There is no topic with the id {state.TopicId}.")
                : new TopicResult(ErrorCode.UnknownTopicOrPartition, $"There is no topic '{state.Name}'.");
        }
        return repeated.Contains(topic.Id)
            ? new TopicResult(ErrorCode.InvalidRequest, $"Topic '{topic.Name}' appears more than once in the request.")
            : null;
    }
}
