using Warp.Actors.Catalog;

namespace Warp.Node.Handlers;

/// <summary>Broker configs that handlers obey.</summary>
internal static class BrokerSettings
{
    private const string DeleteTopicEnable = "delete.topic.enable";

    public static bool CreatesTopicsByItself(this CatalogImage image, ClusterView cluster) =>
        image.IsOn(cluster, BrokerConfigs.AutoCreateTopicsEnable);

    public static bool DeletesTopics(this CatalogImage image, ClusterView cluster) => image.IsOn(cluster, DeleteTopicEnable);

    private static bool IsOn(this CatalogImage image, ClusterView cluster, string config)
    {
        BrokerConfigValues values = image.BrokerConfigsOf(cluster.Self.NodeId);
        string? value = BrokerConfigValues.Sources.Select(source => values.Get(source, config)).First(static found => found is not null);
        return bool.Parse(value!);
    }
}
