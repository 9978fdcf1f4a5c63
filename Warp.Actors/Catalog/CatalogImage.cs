using System.Collections.Immutable;
using Warp.Protocol.Messages;

namespace Warp.Actors.Catalog;

/// <summary>
/// One version of all topics and configs of the cluster: the fold of the catalog's events. Immutable, so that every handler reads it
/// without asking anybody.
/// </summary>
public sealed record CatalogImage
{
    /// <summary>The node id that stands for all nodes in broker configs.</summary>
    public const int AllNodes = -1;

    private static readonly ImmutableSortedDictionary<string, string> s_none = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>A catalog without topics.</summary>
    /// <param name="staticConfigs">The defaults that nodes are configured with, by broker config name.</param>
    public static CatalogImage Empty(ImmutableSortedDictionary<string, string> staticConfigs) => new() { StaticConfigs = staticConfigs };

    /// <summary>All topics by id, the deleted ones that sequencers have not dropped yet included.</summary>
    public ImmutableDictionary<Guid, TopicImage> ById { get; private init; } = ImmutableDictionary<Guid, TopicImage>.Empty;

    /// <summary>The topics that are not deleted.</summary>
    public ImmutableSortedDictionary<string, TopicImage> ByName { get; private init; } =
        ImmutableSortedDictionary.Create<string, TopicImage>(StringComparer.Ordinal);

    /// <summary>Dynamic broker configs, by node id or <see cref="AllNodes"/>.</summary>
    public ImmutableDictionary<int, ImmutableSortedDictionary<string, string>> BrokerConfigs { get; private init; } =
        ImmutableDictionary<int, ImmutableSortedDictionary<string, string>>.Empty;

    public required ImmutableSortedDictionary<string, string> StaticConfigs { get; init; }

    /// <summary>Rises whenever the nodes change that clients are sent to; clients see it as leader epoch.</summary>
    public int RoutingGeneration { get; private init; }

    public ImmutableArray<int> RoutingNodeIds { get; private init; } = [];

    /// <summary>Producer ids from here on have never been given out.</summary>
    public long NextProducerId { get; private init; }

    public ClientQuotas Quotas { get; private init; } = ClientQuotas.Empty;

    /// <summary>The topic of that name that clients can see, or null.</summary>
    public TopicImage? Find(string name) => ByName.TryGetValue(name, out TopicImage? topic) && topic.IsOpen ? topic : null;

    /// <summary>The topic of that id that clients can see, or null.</summary>
    public TopicImage? Find(Guid id) => ById.TryGetValue(id, out TopicImage? topic) && topic.IsOpen ? topic : null;

    /// <summary>The broker configs as a node sees them; <see cref="AllNodes"/> for what is the same everywhere.</summary>
    public BrokerConfigValues BrokerConfigsOf(int nodeId) => new()
    {
        Dynamic = nodeId == AllNodes ? s_none : BrokerConfigs.GetValueOrDefault(nodeId, s_none),
        DynamicDefault = BrokerConfigs.GetValueOrDefault(AllNodes, s_none),
        Static = StaticConfigs,
    };

    /// <summary>Folds an event.</summary>
    public CatalogImage Apply(IEvent @event) => @event switch
    {
        TopicCreated created => With(TopicOf(created)),
        TopicOpened opened => Change(opened.TopicId, topic => topic with { OpenPartitionCount = opened.PartitionCount }),
        PartitionsAdded added => Change(added.TopicId, topic => topic with { PartitionCount = added.PartitionCount }),
        TopicDeleted deleted => Delete(ById[deleted.TopicId]),
        TopicDeletionFinished finished => this with { ById = ById.Remove(finished.TopicId) },
        TopicConfigsChanged changed => Change(changed.TopicId, topic => WithConfigs(topic, ConfigsOf(changed.Configs, static c => (c.Name, c.Value)))),
        BrokerConfigsChanged changed => WithBrokerConfigs(changed.NodeId, ConfigsOf(changed.Configs, static c => (c.Name, c.Value))),
        RoutingChanged routing => this with { RoutingGeneration = routing.Generation, RoutingNodeIds = [.. routing.NodeIds] },
        ProducerIdsReserved reserved => this with { NextProducerId = reserved.NextProducerId },
        ClientQuotasChanged changed => this with { Quotas = ClientQuotaRules.Apply(Quotas, changed.Entry) },
        _ => throw new InvalidDataException($"The catalog has no use for {@event.GetType().Name}."),
    };

    public CatalogSnapshot ToSnapshot() => new()
    {
        Topics = [.. ById.Values.Select(static topic => new CatalogSnapshot.TopicSnapshot
        {
            TopicId = topic.Id,
            Name = topic.Name,
            PartitionCount = topic.PartitionCount,
            OpenPartitionCount = topic.OpenPartitionCount,
            ReplicationFactor = topic.ReplicationFactor,
            IsDeleted = topic.IsDeleted,
            Created = topic.CreatedMs,
            Configs = [.. topic.Overrides.Select(static c => new CatalogSnapshot.TopicConfigSnapshot { Name = c.Key, Value = c.Value })],
        })],
        Brokers = [.. BrokerConfigs.Select(static broker => new CatalogSnapshot.BrokerSnapshot
        {
            NodeId = broker.Key,
            Configs = [.. broker.Value.Select(static c => new CatalogSnapshot.BrokerConfigSnapshot { Name = c.Key, Value = c.Value })],
        })],
        RoutingGeneration = RoutingGeneration,
        RoutingNodeIds = [.. RoutingNodeIds],
        NextProducerId = NextProducerId,
        Quotas = [.. Quotas.All.Select(static quotas => ClientQuotaRules.EntryOf(quotas.Key, quotas.Value))],
    };

    /// <summary>The image that a snapshot describes.</summary>
    public CatalogImage Restore(CatalogSnapshot snapshot)
    {
        CatalogImage image = this with
        {
            BrokerConfigs = snapshot.Brokers.ToImmutableDictionary(
                static broker => broker.NodeId, static broker => ConfigsOf(broker.Configs, static c => (c.Name, c.Value))),
            RoutingGeneration = snapshot.RoutingGeneration,
            RoutingNodeIds = [.. snapshot.RoutingNodeIds],
            NextProducerId = snapshot.NextProducerId,
            Quotas = snapshot.Quotas.Aggregate(ClientQuotas.Empty, ClientQuotaRules.Apply),
        };
        foreach (CatalogSnapshot.TopicSnapshot topic in snapshot.Topics)
        {
            ImmutableSortedDictionary<string, string> overrides = ConfigsOf(topic.Configs, static c => (c.Name, c.Value));
            image = image.With(new TopicImage
            {
                Id = topic.TopicId,
                Name = topic.Name,
                PartitionCount = topic.PartitionCount,
                OpenPartitionCount = topic.OpenPartitionCount,
                ReplicationFactor = topic.ReplicationFactor,
                Overrides = overrides,
                Config = image.EffectiveOf(overrides),
                IsDeleted = topic.IsDeleted,
                CreatedMs = topic.Created,
            });
        }
        return image;
    }

    private static ImmutableSortedDictionary<string, string> ConfigsOf<T>(List<T> configs, Func<T, (string Name, string Value)> of) =>
        configs.Select(of).ToImmutableSortedDictionary(static c => c.Name, static c => c.Value, StringComparer.Ordinal);

    /// <summary>The configs in effect of a topic that sets these itself.</summary>
    internal EffectiveTopicConfig EffectiveOf(ImmutableSortedDictionary<string, string> overrides) => new(overrides, BrokerConfigsOf(AllNodes));

    private TopicImage TopicOf(TopicCreated created)
    {
        ImmutableSortedDictionary<string, string> overrides = ConfigsOf(created.Configs, static c => (c.Name, c.Value));
        return new TopicImage
        {
            Id = created.TopicId,
            Name = created.Name,
            PartitionCount = created.PartitionCount,
            ReplicationFactor = created.ReplicationFactor,
            Overrides = overrides,
            Config = EffectiveOf(overrides),
            CreatedMs = created.Time,
        };
    }

    private TopicImage WithConfigs(TopicImage topic, ImmutableSortedDictionary<string, string> overrides) =>
        topic with { Overrides = overrides, Config = EffectiveOf(overrides) };

    private CatalogImage With(TopicImage topic) => this with
    {
        ById = ById.SetItem(topic.Id, topic),
        ByName = topic.IsDeleted ? ByName : ByName.SetItem(topic.Name, topic),
    };

    private CatalogImage Change(Guid topicId, Func<TopicImage, TopicImage> change) =>
        ById.TryGetValue(topicId, out TopicImage? topic) ? With(change(topic)) : this;

    private CatalogImage Delete(TopicImage topic) => this with
    {
        ById = ById.SetItem(topic.Id, topic with { IsDeleted = true }),
        ByName = ByName.Remove(topic.Name),
    };

    private CatalogImage WithBrokerConfigs(int nodeId, ImmutableSortedDictionary<string, string> configs)
    {
        CatalogImage image = this with { BrokerConfigs = BrokerConfigs.SetItem(nodeId, configs) };
        return nodeId != AllNodes ? image : ById.Values.Aggregate(image, (current, topic) => current.With(image.WithConfigs(topic, topic.Overrides)));
    }
}
