using System.Collections.Immutable;

namespace Warp.Actors.Catalog;

/// <summary>The broker configs that somebody has set, by the names that brokers give them. Immutable.</summary>
public sealed record BrokerConfigValues
{
    /// <summary>Nothing is set.</summary>
    public static readonly BrokerConfigValues None = new();

    /// <summary>Set while running, for this node alone.</summary>
    public ImmutableSortedDictionary<string, string> Dynamic { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Set while running, for every node.</summary>
    public ImmutableSortedDictionary<string, string> DynamicDefault { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>From the node's configuration.</summary>
    public ImmutableSortedDictionary<string, string> Static { get; init; } = ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>The sources of a broker config, the strongest first.</summary>
    public static ImmutableArray<ConfigSource> Sources { get; } =
        [ConfigSource.DynamicBroker, ConfigSource.DynamicDefaultBroker, ConfigSource.StaticBroker, ConfigSource.Default];

    /// <summary>The value of a broker config at one of the <see cref="Sources"/>; null when there is none.</summary>
    public string? Get(ConfigSource source, string name) => source switch
    {
        ConfigSource.DynamicBroker => Dynamic.GetValueOrDefault(name),
        ConfigSource.DynamicDefaultBroker => DynamicDefault.GetValueOrDefault(name),
        ConfigSource.StaticBroker => Static.GetValueOrDefault(name),
        ConfigSource.Default => BrokerConfigs.Find(name)?.DefaultValue,
        _ => throw new ArgumentOutOfRangeException(nameof(source), source, "no source of a broker config"),
    };
}
