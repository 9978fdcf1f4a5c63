namespace Warp.Actors.Catalog;

/// <summary>What a request makes of a resource's configs. It is decided where the configs are kept, on what they are by then.</summary>
/// <param name="IsIncremental">
/// Whether configs that are not named stay as they are (IncrementalAlterConfigs), instead of going back to their defaults (AlterConfigs).
/// </param>
/// <param name="Alterations">In the order of the request. Without <paramref name="IsIncremental"/> all of them set a value.</param>
public sealed record ConfigRevision(bool IsIncremental, IReadOnlyList<ConfigAlteration> Alterations)
{
    /// <summary>These alterations, and nothing else is changed.</summary>
    public static ConfigRevision Alter(params IReadOnlyList<ConfigAlteration> alterations) => new(IsIncremental: true, alterations);

    /// <summary>These configs, and no others. A null value is refused.</summary>
    public static ConfigRevision Replace(params IEnumerable<KeyValuePair<string, string?>> configs) => new(
        IsIncremental: false, [.. configs.Select(static config => new ConfigAlteration(config.Key, ConfigOperation.Set, config.Value))]);

    /// <summary>Of a topic: the overrides after it, or why there is no such change.</summary>
    /// <param name="overrides">What is set on the topic now.</param>
    /// <param name="broker">Where values that the topic does not set come from.</param>
    public ConfigChange OfTopic(IReadOnlyDictionary<string, string> overrides, BrokerConfigValues broker) => IsIncremental
        ? TopicConfigs.Alter(overrides, Alterations, broker)
        : TopicConfigs.Replace(Values, broker);

    /// <summary>Of a node, or all of them: the dynamic configs after it, or why there is no such change.</summary>
    /// <param name="values">What is set now.</param>
    public ConfigChange OfBroker(IReadOnlyDictionary<string, string> values) =>
        IsIncremental ? BrokerConfigs.Alter(values, Alterations) : BrokerConfigs.Replace(Values);

    private IEnumerable<KeyValuePair<string, string?>> Values =>
        Alterations.Select(static alteration => KeyValuePair.Create(alteration.Name, alteration.Value));
}
