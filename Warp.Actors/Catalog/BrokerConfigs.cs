using System.Globalization;

namespace Warp.Actors.Catalog;

/// <summary>
/// The broker configs that Kafka's tools and clients ask for: those that give the topics' defaults, and some that they read to learn about
/// the broker. Immutable; all operations are pure.
/// </summary>
public static partial class BrokerConfigs
{
    public const string AutoCreateTopicsEnable = "auto.create.topics.enable";
    public const string DefaultReplicationFactor = "default.replication.factor";
    public const string GroupConsumerAssignors = "group.consumer.assignors";
    public const string GroupConsumerHeartbeatIntervalMs = "group.consumer.heartbeat.interval.ms";
    public const string GroupConsumerMaxSize = "group.consumer.max.size";
    public const string GroupConsumerMigrationPolicy = "group.consumer.migration.policy";
    public const string GroupConsumerSessionTimeoutMs = "group.consumer.session.timeout.ms";
    public const string GroupInitialRebalanceDelayMs = "group.initial.rebalance.delay.ms";
    public const string GroupMaxSessionTimeoutMs = "group.max.session.timeout.ms";
    public const string GroupMaxSize = "group.max.size";
    public const string GroupMinSessionTimeoutMs = "group.min.session.timeout.ms";
    public const string LogRetentionCheckIntervalMs = "log.retention.check.interval.ms";
    public const string MessageMaxBytes = "message.max.bytes";
    public const string NumPartitions = "num.partitions";
    public const string OffsetMetadataMaxBytes = "offset.metadata.max.bytes";
    public const string OffsetsRetentionCheckIntervalMs = "offsets.retention.check.interval.ms";
    public const string OffsetsRetentionMinutes = "offsets.retention.minutes";

    private static readonly ConfigDefinitionTable _table = new("broker", [.. Definitions(), .. TopicConfigs.All.SelectMany(DefaultsOf)]);

    /// <summary>All definitions in the order of their names.</summary>
    public static IReadOnlyList<ConfigDefinition> All => _table.All;

    /// <summary>The definition of that name, or null.</summary>
    public static ConfigDefinition? Find(string name) => _table.Find(name);

    /// <summary>Checks one config, read-only ones too.</summary>
    /// <returns>Null when it is valid, otherwise a sentence that names it.</returns>
    public static string? Validate(string name, string value) => _table.Validate(name, value);

    /// <summary>IncrementalAlterConfigs: the dynamic values after all alterations, or why none of them is made.</summary>
    /// <param name="values">What is set now on that node, or for every node.</param>
    /// <param name="alterations">In the order of the request.</param>
    public static ConfigChange Alter(IReadOnlyDictionary<string, string> values, IReadOnlyList<ConfigAlteration> alterations) =>
        _table.Alter(values, alterations);

    /// <summary>AlterConfigs: these configs and no others, or why not.</summary>
    public static ConfigChange Replace(IEnumerable<KeyValuePair<string, string?>> configs) => _table.Replace(configs);

    /// <summary>DescribeConfigs of one node.</summary>
    /// <param name="values">What is set.</param>
    /// <param name="names">Those asked for, of which unknown ones are left out; null for all.</param>
    public static IReadOnlyList<ConfigEntry> Describe(BrokerConfigValues values, IReadOnlyCollection<string>? names = null) =>
        [.. _table.Select(names).Select(definition => Describe(definition, values))];

    /// <summary>DescribeConfigs of the defaults for every node (an empty resource name): only those that are set while running.</summary>
    public static IReadOnlyList<ConfigEntry> DescribeDefaults(BrokerConfigValues values, IReadOnlyCollection<string>? names = null) =>
        Describe(
            new BrokerConfigValues { DynamicDefault = values.DynamicDefault },
            [.. values.DynamicDefault.Keys.Where(name => names?.Contains(name) ?? true)]);

    /// <summary>
    /// Finds the key in <see cref="BrokerConfigValues.Static"/> of a default that the node's configuration gives by a topic config's name.
    /// </summary>
    /// <param name="name">A topic config's name.</param>
    /// <param name="value">Its default on this node.</param>
    /// <param name="broker">The broker config that gives it; null when there is an error.</param>
    /// <returns>Null, or a sentence that names the config and says what is wrong with it.</returns>
    public static string? TryFromTopicDefault(string name, string value, out string? broker)
    {
        broker = null;
        if (TopicConfigs.Validate(name, value) is { } fault)
            return fault;
        if (TopicConfigs.Find(name)!.BrokerSynonyms is not [var strongest, ..])
            return $"The topic config {name} has no default that a node could set";
        broker = strongest.Name;
        return null;
    }

    private static ConfigEntry Describe(ConfigDefinition definition, BrokerConfigValues values)
    {
        var synonyms = (from source in BrokerConfigValues.Sources
                        let value = values.Get(source, definition.Name)
                        where value is not null
                        select new ConfigSynonym(definition.Name, value, source)).ToList();
        return new ConfigEntry(definition, synonyms.FirstOrDefault()?.Value, synonyms);
    }

    /// <summary>
    /// The broker configs behind a topic config. Only the first, the strongest, can be set while running; only the last has a default,
    /// because the default of one before it would hide the others.
    /// </summary>
    private static IEnumerable<ConfigDefinition> DefaultsOf(ConfigDefinition topic) => topic.BrokerSynonyms.Select((synonym, i) =>
        new ConfigDefinition(
            synonym.Name,
            synonym.Scale == 1 ? topic.Type : ConfigType.Int,
            i == topic.BrokerSynonyms.Count - 1 ? FromTopicValue(topic.DefaultValue!, synonym.Scale) : null,
            $"Default of the topic config {topic.Name}{Unit(synonym.Scale)}. {topic.Documentation}")
        {
            Rule = topic.Rule is { } rule ? value => rule(synonym.ToTopicValue(value)) : null,
            HasEffect = topic.HasEffect,
            IsReadOnly = i > 0,
        });

    private static string FromTopicValue(string value, int scale) =>
        scale == 1 ? value : (long.Parse(value, CultureInfo.InvariantCulture) / scale).ToString(CultureInfo.InvariantCulture);

    private static string Unit(int scale) => scale switch
    {
        60_000 => ", here in minutes",
        3_600_000 => ", here in hours",
        _ => "",
    };
}
