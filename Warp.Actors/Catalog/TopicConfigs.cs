using System.Globalization;

namespace Warp.Actors.Catalog;

/// <summary>Every config that a topic of Kafka 4.2 has. Immutable; all operations are pure.</summary>
public static partial class TopicConfigs
{
    public const string CleanupPolicy = "cleanup.policy";
    public const string DeleteRetentionMs = "delete.retention.ms";
    public const string MaxCompactionLagMs = "max.compaction.lag.ms";
    public const string MaxMessageBytes = "max.message.bytes";
    public const string MessageTimestampAfterMaxMs = "message.timestamp.after.max.ms";
    public const string MessageTimestampBeforeMaxMs = "message.timestamp.before.max.ms";
    public const string MessageTimestampType = "message.timestamp.type";
    public const string MinCleanableDirtyRatio = "min.cleanable.dirty.ratio";
    public const string MinCompactionLagMs = "min.compaction.lag.ms";
    public const string RetentionBytes = "retention.bytes";
    public const string RetentionMs = "retention.ms";

    private static readonly ConfigDefinitionTable _table = new("topic", Definitions());

    /// <summary>All definitions in the order of their names.</summary>
    public static IReadOnlyList<ConfigDefinition> All => _table.All;

    /// <summary>The definition of that name, or null.</summary>
    public static ConfigDefinition? Find(string name) => _table.Find(name);

    /// <summary>Checks one config.</summary>
    /// <returns>Null when Kafka would accept it, otherwise a sentence that names it (INVALID_CONFIG).</returns>
    public static string? Validate(string name, string value) => _table.Validate(name, value);

    /// <summary>IncrementalAlterConfigs: the overrides after all alterations, or why none of them is made.</summary>
    /// <param name="overrides">What is set on the topic now.</param>
    /// <param name="alterations">In the order of the request.</param>
    /// <param name="broker">Where values that the topic does not set come from.</param>
    public static ConfigChange Alter(
        IReadOnlyDictionary<string, string> overrides, IReadOnlyList<ConfigAlteration> alterations, BrokerConfigValues broker) =>
        CheckTogether(_table.Alter(overrides, alterations), broker);

    /// <summary>AlterConfigs and CreateTopics: these configs and no others, or why not.</summary>
    public static ConfigChange Replace(IEnumerable<KeyValuePair<string, string?>> configs, BrokerConfigValues broker) =>
        CheckTogether(_table.Replace(configs), broker);

    /// <summary>DescribeConfigs of a topic.</summary>
    /// <param name="overrides">What is set on the topic.</param>
    /// <param name="broker">Where the other values come from.</param>
    /// <param name="names">Those asked for, of which unknown ones are left out; null for all.</param>
    public static IReadOnlyList<ConfigEntry> Describe(
        IReadOnlyDictionary<string, string> overrides, BrokerConfigValues broker, IReadOnlyCollection<string>? names = null) =>
        [.. _table.Select(names).Select(definition => Describe(definition, overrides, broker))];

    /// <summary>The value in effect, in the topic config's unit.</summary>
    internal static string Effective(string name, IReadOnlyDictionary<string, string> overrides, BrokerConfigValues broker) =>
        (overrides.GetValueOrDefault(name) ?? InheritedValue(_table.Find(name)!, broker)).Trim();

    private static ConfigEntry Describe(
        ConfigDefinition definition, IReadOnlyDictionary<string, string> overrides, BrokerConfigValues broker)
    {
        var synonyms = Inherited(definition, broker).Select(inherited => inherited.Synonym).ToList();
        if (overrides.TryGetValue(definition.Name, out string? value))
            synonyms.Insert(0, new ConfigSynonym(definition.Name, value, ConfigSource.DynamicTopic));
        return new ConfigEntry(definition, value ?? InheritedValue(definition, broker), synonyms);
    }

    private static string InheritedValue(ConfigDefinition definition, BrokerConfigValues broker) =>
        Inherited(definition, broker).Select(inherited => inherited.Value).FirstOrDefault() ?? definition.DefaultValue!;

    /// <summary>What a topic that does not set the config could take instead, the strongest first.</summary>
    private static IEnumerable<(ConfigSynonym Synonym, string Value)> Inherited(ConfigDefinition definition, BrokerConfigValues broker) =>
        from source in BrokerConfigValues.Sources
        from name in definition.BrokerSynonyms
        let value = broker.Get(source, name.Name)
        where value is not null
        select (new ConfigSynonym(name.Name, value, source), name.ToTopicValue(value));

    private static ConfigChange CheckTogether(ConfigChange change, BrokerConfigValues broker)
    {
        if (change.Values is not { } values)
            return change;
        long least = long.Parse(Effective(MinCompactionLagMs, values, broker), CultureInfo.InvariantCulture);
        long most = long.Parse(Effective(MaxCompactionLagMs, values, broker), CultureInfo.InvariantCulture);
        return least <= most
            ? change
            : ConfigChange.InvalidConfig($"{MinCompactionLagMs} ({least}) is above {MaxCompactionLagMs} ({most})");
    }
}
