using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Actors.Kernel;
using Warp.Protocol.Messages;

namespace Warp.Actors.Cluster.Peers;

/// <summary>How the messages to the topic catalog travel. The image itself does not: each node follows the catalog's journal.</summary>
/// <param name="published">
/// Where this node has the broker configs that a topic's configs in effect come from; the asking side needs them.
/// </param>
internal sealed class CatalogExchanges(PublishedCatalog? published)
{
    /// <summary>For the serving side.</summary>
    public static CatalogExchanges Serving { get; } = new(null);

    public IReadOnlyList<IExchange<CatalogMessage>> All =>
    [
        Of<CatalogMessage.DeleteTopic, RemoveTopicRequest, RemoveTopicResponse, TopicResult>(
            PrivateApis.RemoveTopic,
            static message => message.Reply,
            static message => new RemoveTopicRequest { TopicId = message.TopicId },
            static (request, reply) => new CatalogMessage.DeleteTopic(request.TopicId, reply),
            static answer => new RemoveTopicResponse { Result = ToPeer(answer) },
            response => FromPeer(response.Result)),

        Of<CatalogMessage.AlterTopicConfigs, ReviseTopicConfigsRequest, ReviseTopicConfigsResponse, TopicResult>(
            PrivateApis.ReviseTopicConfigs,
            static message => message.Reply,
            static message => new ReviseTopicConfigsRequest
            {
                Topic = message.Topic,
                ValidateOnly = message.ValidateOnly,
                IsIncremental = message.Revision.IsIncremental,
                Alterations = ToPeer(message.Revision),
            },
            static (request, reply) => new CatalogMessage.AlterTopicConfigs(
                request.Topic, new ConfigRevision(request.IsIncremental, FromPeer(request.Alterations)), request.ValidateOnly, reply),
            static answer => new ReviseTopicConfigsResponse { Result = ToPeer(answer) },
            response => FromPeer(response.Result)),

        Of<CatalogMessage.AlterBrokerConfigs, ReviseBrokerConfigsRequest, ReviseBrokerConfigsResponse, TopicResult>(
            PrivateApis.ReviseBrokerConfigs,
            static message => message.Reply,
            static message => new ReviseBrokerConfigsRequest
            {
                NodeId = message.NodeId,
                ValidateOnly = message.ValidateOnly,
                IsIncremental = message.Revision.IsIncremental,
                Alterations = ToPeer(message.Revision),
            },
            static (request, reply) => new CatalogMessage.AlterBrokerConfigs(
                request.NodeId, new ConfigRevision(request.IsIncremental, FromPeer(request.Alterations)), request.ValidateOnly, reply),
            static answer => new ReviseBrokerConfigsResponse { Result = ToPeer(answer) },
            response => FromPeer(response.Result)),

        Of<CatalogMessage.AlterClientQuotas, ReviseQuotasRequest, ReviseQuotasResponse, IReadOnlyList<TopicResult>>(
            PrivateApis.ReviseQuotas,
            static message => message.Reply,
            static message => new ReviseQuotasRequest
            {
                ValidateOnly = message.ValidateOnly,
                Alterations = [.. message.Alterations.Select(ToPeer)],
            },
            static (request, reply) => new CatalogMessage.AlterClientQuotas(
                [.. request.Alterations.Select(FromPeer)], request.ValidateOnly, reply),
            static answer => new ReviseQuotasResponse { Results = [.. answer.Select(ToPeer)] },
            response => [.. response.Results.Select(FromPeer)]),

        Of<CatalogMessage.ChangeRouting, ChangeRoutingRequest, ChangeRoutingResponse, int>(
            PrivateApis.ChangeRouting,
            static message => message.Reply,
            static message => new ChangeRoutingRequest { NodeIds = [.. message.NodeIds] },
            static (request, reply) => new CatalogMessage.ChangeRouting(request.NodeIds, reply),
            static answer => new ChangeRoutingResponse { Generation = answer },
            static response => response.Generation),

        Of<CatalogMessage.ReserveProducerIds, ReserveProducerIdsRequest, ReserveProducerIdsResponse, long>(
            PrivateApis.ReserveProducerIds,
            static message => message.Reply,
            static message => new ReserveProducerIdsRequest { Count = message.Count },
            static (request, reply) => new CatalogMessage.ReserveProducerIds(request.Count, reply),
            static answer => new ReserveProducerIdsResponse { FirstProducerId = answer },
            static response => response.FirstProducerId),

        new TopicsExchange<CatalogMessage.CreateTopics, MakeTopicsRequest, MakeTopicsResponse, IReadOnlyList<Task<TopicResult>>>(
            PrivateApis.MakeTopics,
            static message => new MakeTopicsRequest
            {
                ValidateOnly = message.ValidateOnly,
                Topics = [.. message.Topics.Select(ToPeer)],
            },
            static (request, reply) => new CatalogMessage.CreateTopics([.. request.Topics.Select(FromPeer)], request.ValidateOnly, reply),
            static results => results,
            static results => new MakeTopicsResponse { Results = [.. results.Select(ToPeer)] },
            (message, response) => message.Reply.Set([.. response.Results.Select(result => Task.FromResult(FromPeer(result)))])),

        new TopicsExchange<CatalogMessage.CreatePartitions, GrowTopicRequest, GrowTopicResponse, Task<TopicResult>>(
            PrivateApis.GrowTopic,
            static message => new GrowTopicRequest { Topic = message.Topic, Count = message.Count, ValidateOnly = message.ValidateOnly },
            static (request, reply) => new CatalogMessage.CreatePartitions(request.Topic, request.Count, request.ValidateOnly, reply),
            static result => [result],
            static results => new GrowTopicResponse { Result = ToPeer(results[0]) },
            (message, response) => message.Reply.Set(Task.FromResult(FromPeer(response.Result)))),
    ];

    private static Exchange<CatalogMessage, TQuestion, TRequest, TResponse, TReply> Of<TQuestion, TRequest, TResponse, TReply>(
        ApiKey key,
        Func<TQuestion, Reply<TReply>> replyOf,
        Func<TQuestion, TRequest> toRequest,
        Func<TRequest, Reply<TReply>, TQuestion> fromRequest,
        Func<TReply, TResponse> toResponse,
        Func<TResponse, TReply> fromResponse)
        where TQuestion : CatalogMessage
        where TRequest : class, IRequest
        where TResponse : class, IResponse =>
        new(key, replyOf, toRequest, fromRequest, toResponse, fromResponse);

    private static PeerTopicResult ToPeer(TopicResult result) => new()
    {
        Error = result.Error,
        Message = result.Message,
        Topic = result.Topic is { } topic
            ? new PeerTopic
            {
                TopicId = topic.Id,
                Name = topic.Name,
                PartitionCount = topic.PartitionCount,
                OpenPartitionCount = topic.OpenPartitionCount,
                ReplicationFactor = topic.ReplicationFactor,
                IsDeleted = topic.IsDeleted,
                CreatedMs = topic.CreatedMs,
                Configs = [.. topic.Overrides.Select(static config => new PeerConfig { Name = config.Key, Value = config.Value })],
            }
            : null,
    };

    private static List<PeerConfigAlteration> ToPeer(ConfigRevision revision) =>
    [
        .. revision.Alterations.Select(static alteration => new PeerConfigAlteration
        {
            Name = alteration.Name,
            Operation = (sbyte)alteration.Operation,
            Value = alteration.Value,
        }),
    ];

    private static ConfigAlteration[] FromPeer(List<PeerConfigAlteration> alterations) =>
    [
        .. alterations.Select(static alteration =>
            new ConfigAlteration(alteration.Name, (ConfigOperation)alteration.Operation, alteration.Value)),
    ];

    private static MakeTopicsRequest.TopicToMake ToPeer(NewTopic topic) => new()
    {
        Name = topic.Name,
        Partitions = topic.Partitions,
        ReplicationFactor = topic.ReplicationFactor,
        Configs = [.. topic.Configs.Select(static config => new PeerConfig { Name = config.Key, Value = config.Value })],
    };

    private static NewTopic FromPeer(MakeTopicsRequest.TopicToMake topic) => new(
        topic.Name,
        topic.Partitions,
        topic.ReplicationFactor,
        [.. topic.Configs.Select(static config => KeyValuePair.Create(config.Name, config.Value))]);

    private static ReviseQuotasRequest.QuotaRevision ToPeer(QuotaAlteration alteration) => new()
    {
        Entity = [.. alteration.Entity.Select(static part => new ReviseQuotasRequest.QuotaPart { Type = part.Key, Name = part.Value })],
        Changes = [.. alteration.Changes.Select(static change => new ReviseQuotasRequest.QuotaChange
        {
            Key = change.Key,
            IsRemoved = change.Value is null,
            Value = change.Value ?? 0,
        })],
    };

    private static QuotaAlteration FromPeer(ReviseQuotasRequest.QuotaRevision alteration) => new(
        [.. alteration.Entity.Select(static part => KeyValuePair.Create(part.Type, part.Name))],
        [.. alteration.Changes.Select(static change => KeyValuePair.Create(change.Key, change.IsRemoved ? (double?)null : change.Value))]);

    private TopicResult FromPeer(PeerTopicResult result)
    {
        if (result.Topic is not { } topic)
            return new TopicResult(result.Error, result.Message);
        ImmutableSortedDictionary<string, string> overrides = topic.Configs
            .Where(static config => config.Value is not null)
            .DistinctBy(static config => config.Name)
            .ToImmutableSortedDictionary(static config => config.Name, static config => config.Value!, StringComparer.Ordinal);
        return new TopicResult(result.Error, result.Message, new TopicImage
        {
            Id = topic.TopicId,
            Name = topic.Name,
            PartitionCount = topic.PartitionCount,
            OpenPartitionCount = topic.OpenPartitionCount,
            ReplicationFactor = topic.ReplicationFactor,
            IsDeleted = topic.IsDeleted,
            CreatedMs = topic.CreatedMs,
            Overrides = overrides,
            Config = published!.Current.EffectiveOf(overrides),
        });
    }
}
