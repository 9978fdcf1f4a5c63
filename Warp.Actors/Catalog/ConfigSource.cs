namespace Warp.Actors.Catalog;

/// <summary>
/// Where a config's value comes from, with the ids of DescribeConfigs v1+ (KIP-226). The first of them that has a value wins.
/// </summary>
public enum ConfigSource : sbyte
{
    /// <summary>Set on the topic itself.</summary>
    DynamicTopic = 1,

    /// <summary>Set while running, for one broker.</summary>
    DynamicBroker = 2,

    /// <summary>Set while running, for every broker.</summary>
    DynamicDefaultBroker = 3,

    /// <summary>From the node's configuration.</summary>
    StaticBroker = 4,

    /// <summary>Nobody has set it.</summary>
    Default = 5,
}
