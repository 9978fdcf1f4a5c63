using static Warp.Actors.Catalog.ConfigDefinitionRules;

namespace Warp.Actors.Catalog;

/// <content>The configs that are not a topic's default. Names, types and defaults are those of Kafka 4.2.</content>
public static partial class BrokerConfigs
{
    private static ConfigDefinition[] Definitions() =>
    [
        Fixed("advertised.listeners", ConfigType.String, null,
            "Host and port that clients are told to connect to.") with { HasEffect = true },
        Fixed(AutoCreateTopicsEnable, ConfigType.Boolean, "true",
            "Whether asking for the metadata of an unknown topic creates it.") with { HasEffect = true },
        Fixed("broker.id", ConfigType.Int, "-1", "Id of this node.") with { HasEffect = true },
        Fixed("broker.rack", ConfigType.String, null, "Zone of this node.") with { HasEffect = true },
        Fixed("connections.max.idle.ms", ConfigType.Long, "600000",
            "How long a connection may be idle before it is closed, in milliseconds."),
        Fixed(DefaultReplicationFactor, ConfigType.Int, "1", "Replication factor that is reported for topics created without one.") with
        {
            Rule = AtLeast(1), HasEffect = true,
        },
        Fixed("delete.topic.enable", ConfigType.Boolean, "true", "Whether topics can be deleted."),
        Dynamic(GroupConsumerAssignors, ConfigType.List, "uniform,range",
            "Assignors that members of consumer groups may ask for; the first is used when none does.", NonEmptySubsetOf("uniform", "range")),
        Dynamic(GroupConsumerHeartbeatIntervalMs, ConfigType.Int, "5000",
            "How often members of consumer groups send heartbeats, in milliseconds.", AtLeast(1)),
        Dynamic(GroupConsumerMaxSize, ConfigType.Int, "2147483647", "Most members that a consumer group may have.", AtLeast(1)),
        Dynamic(GroupConsumerMigrationPolicy, ConfigType.String, "bidirectional",
            "Which way groups with members may go between the classic and the consumer protocol.",
            OneOf("disabled", "upgrade", "downgrade", "bidirectional")),
        Dynamic(GroupConsumerSessionTimeoutMs, ConfigType.Int, "45000",
            "After how long without heartbeats members of consumer groups are removed, in milliseconds.", AtLeast(1)),
        Dynamic(GroupInitialRebalanceDelayMs, ConfigType.Int, "3000",
            "How long the first join of a group waits for others, in milliseconds.", AtLeast(0)),
        Dynamic(GroupMaxSessionTimeoutMs, ConfigType.Int, "1800000",
            "Longest session timeout that a group member may ask for, in milliseconds.", AtLeast(1)),
        Dynamic(GroupMaxSize, ConfigType.Int, "2147483647", "Most members that a group may have.", AtLeast(1)),
        Dynamic(GroupMinSessionTimeoutMs, ConfigType.Int, "6000",
            "Shortest session timeout that a group member may ask for, in milliseconds.", AtLeast(1)),
        Fixed("inter.broker.protocol.version", ConfigType.String, "4.2", "Version of Kafka whose protocol is spoken; some tools show it."),
        Fixed("listeners", ConfigType.List, null, "Addresses that clients can connect to.") with { HasEffect = true },
        Fixed(LogRetentionCheckIntervalMs, ConfigType.Long, "300000",
            "How often records are looked at for their retention, in milliseconds.") with { Rule = AtLeast(1), HasEffect = true },
        Fixed("node.id", ConfigType.Int, "-1", "Id of this node.") with { HasEffect = true },
        Fixed(NumPartitions, ConfigType.Int, "1",
            "Partitions of topics created without a number of them.") with { Rule = AtLeast(1), HasEffect = true },
        Dynamic(OffsetMetadataMaxBytes, ConfigType.Int, "4096", "Longest metadata of a committed offset, in characters.", AtLeast(0)),
        Dynamic(OffsetsRetentionCheckIntervalMs, ConfigType.Long, "600000",
            "How often offsets are looked at for their retention, in milliseconds.", AtLeast(1)),
        Dynamic(OffsetsRetentionMinutes, ConfigType.Int, "10080",
            "How long the offsets of a group without members are kept, in minutes.", AtLeast(1)),
        Fixed("offsets.topic.num.partitions", ConfigType.Int, "50", "Partitions of the offsets topic."),
        Fixed("offsets.topic.replication.factor", ConfigType.Short, "3", "Replication factor of the offsets topic."),
        Fixed("producer.id.expiration.ms", ConfigType.Int, "86400000",
            "How long an idle producer's sequence numbers are remembered, in milliseconds."),
        Fixed("socket.request.max.bytes", ConfigType.Int, "104857600", "Longest request, in bytes."),
        Fixed("transaction.max.timeout.ms", ConfigType.Int, "900000",
            "Longest transaction timeout that a producer may ask for, in milliseconds."),
        Fixed("transaction.state.log.min.isr", ConfigType.Int, "2", "In-sync replicas that the transaction topic needs."),
        Fixed("transaction.state.log.num.partitions", ConfigType.Int, "50", "Partitions of the transaction topic."),
        Fixed("transaction.state.log.replication.factor", ConfigType.Short, "3", "Replication factor of the transaction topic."),
        Fixed("transaction.state.log.segment.bytes", ConfigType.Int, "104857600", "Segment size of the transaction topic, in bytes."),
        Fixed("transactional.id.expiration.ms", ConfigType.Int, "604800000", "How long an idle transactional id is kept, in milliseconds."),
    ];

    private static ConfigDefinition Fixed(string name, ConfigType type, string? defaultValue, string documentation) =>
        new(name, type, defaultValue, documentation) { IsReadOnly = true };

    private static ConfigDefinition Dynamic(string name, ConfigType type, string defaultValue, string documentation, ConfigRule rule) =>
        new(name, type, defaultValue, documentation) { Rule = rule, HasEffect = true };
}
