using static Warp.Actors.Catalog.ConfigDefinitionRules;

namespace Warp.Actors.Catalog;

/// <content>The table: names, types, defaults and ranges are those of Kafka 4.2.</content>
public static partial class TopicConfigs
{
    private const string MaxLong = "9223372036854775807";
    private const int Minute = 60_000;
    private const int Hour = 60 * Minute;

    private static ConfigDefinition[] Definitions() =>
    [
        new(CleanupPolicy, ConfigType.List, "delete",
            "What makes old records go: delete by age and size, compact to the last record of each key, or both.")
        {
            Rule = SubsetOf("delete", "compact"), BrokerSynonyms = [new("log.cleanup.policy")], HasEffect = true,
        },
        new("compression.gzip.level", ConfigType.Int, "-1", "Level of gzip where the broker compresses.")
        {
            Rule = Or(-1, Between(1, 9)), BrokerSynonyms = [new("compression.gzip.level")],
        },
        new("compression.lz4.level", ConfigType.Int, "9", "Level of lz4 where the broker compresses.")
        {
            Rule = Between(1, 17), BrokerSynonyms = [new("compression.lz4.level")],
        },
        new("compression.type", ConfigType.String, "producer",
            "Codec of the stored batches. Batches are stored as their producer compressed them.")
        {
            Rule = OneOf("uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"), BrokerSynonyms = [new("compression.type")],
        },
        new("compression.zstd.level", ConfigType.Int, "3", "Level of zstd where the broker compresses.")
        {
            Rule = Between(-131072, 22), BrokerSynonyms = [new("compression.zstd.level")],
        },
        new(DeleteRetentionMs, ConfigType.Long, "86400000", "How long a compacted topic keeps a tombstone, in milliseconds.")
        {
            Rule = AtLeast(0), BrokerSynonyms = [new("log.cleaner.delete.retention.ms")], HasEffect = true,
        },
        new("file.delete.delay.ms", ConfigType.Long, "60000", "Delay before a segment file is removed, in milliseconds.")
        {
            Rule = AtLeast(0), BrokerSynonyms = [new("log.segment.delete.delay.ms")],
        },
        new("flush.messages", ConfigType.Long, MaxLong, "Records between two forced syncs of a log file.")
        {
            Rule = AtLeast(1), BrokerSynonyms = [new("log.flush.interval.messages")],
        },
        new("flush.ms", ConfigType.Long, MaxLong, "Milliseconds between two forced syncs of a log file.")
        {
            Rule = AtLeast(0), BrokerSynonyms = [new("log.flush.interval.ms"), new("log.flush.scheduler.interval.ms")],
        },
        new("follower.replication.throttled.replicas", ConfigType.List, "",
            "Follower replicas whose replication is throttled, as partition:broker.")
        {
            Rule = ThrottledReplicas,
        },
        new("index.interval.bytes", ConfigType.Int, "4096", "Bytes of a log between two entries of its offset index.")
        {
            Rule = AtLeast(0), BrokerSynonyms = [new("log.index.interval.bytes")],
        },
        new("leader.replication.throttled.replicas", ConfigType.List, "",
            "Leader replicas whose replication is throttled, as partition:broker.")
        {
            Rule = ThrottledReplicas,
        },
        new("local.retention.bytes", ConfigType.Long, "-2", "Bytes that tiered storage keeps locally; -2 for the value of retention.bytes.")
        {
            Rule = AtLeast(-2), BrokerSynonyms = [new("log.local.retention.bytes")],
        },
        new("local.retention.ms", ConfigType.Long, "-2",
            "Milliseconds that tiered storage keeps records locally; -2 for the value of retention.ms.")
        {
            Rule = AtLeast(-2), BrokerSynonyms = [new("log.local.retention.ms")],
        },
        new(MaxCompactionLagMs, ConfigType.Long, MaxLong,
            "Longest time that a record of a compacted topic may stay uncompacted, in milliseconds.")
        {
            Rule = AtLeast(1), BrokerSynonyms = [new("log.cleaner.max.compaction.lag.ms")], HasEffect = true,
        },
        new(MaxMessageBytes, ConfigType.Int, "1048588", "Largest record batch that a producer may append, in bytes, as compressed.")
        {
            Rule = AtLeast(0), BrokerSynonyms = [new(BrokerConfigs.MessageMaxBytes)], HasEffect = true,
        },
        new(MessageTimestampAfterMaxMs, ConfigType.Long, "3600000",
            "How far a record's timestamp may lie ahead of the broker's clock, in milliseconds.")
        {
            Rule = AtLeast(0), BrokerSynonyms = [new("log.message.timestamp.after.max.ms")], HasEffect = true,
        },
        new(MessageTimestampBeforeMaxMs, ConfigType.Long, MaxLong,
            "How far a record's timestamp may lie behind the broker's clock, in milliseconds.")
        {
            Rule = AtLeast(0), BrokerSynonyms = [new("log.message.timestamp.before.max.ms")], HasEffect = true,
        },
        new(MessageTimestampType, ConfigType.String, "CreateTime",
            "Whose clock the records' timestamps show: the producer's or, at the append, the broker's.")
        {
            Rule = OneOf("CreateTime", "LogAppendTime"), BrokerSynonyms = [new("log.message.timestamp.type")], HasEffect = true,
        },
        new(MinCleanableDirtyRatio, ConfigType.Double, "0.5", "Share of a log that must be uncompacted before it is compacted.")
        {
            Rule = Between(0, 1), BrokerSynonyms = [new("log.cleaner.min.cleanable.ratio")], HasEffect = true,
        },
        new(MinCompactionLagMs, ConfigType.Long, "0", "Shortest time that a record stays uncompacted, in milliseconds.")
        {
            Rule = AtLeast(0), BrokerSynonyms = [new("log.cleaner.min.compaction.lag.ms")], HasEffect = true,
        },
        new("min.insync.replicas", ConfigType.Int, "1",
            "Replicas that acks=all waits for. Every acknowledged record is in the object store and in the journal.")
        {
            Rule = AtLeast(1), BrokerSynonyms = [new("min.insync.replicas")],
        },
        new("preallocate", ConfigType.Boolean, "false",
            "Whether segment files get their size when they are made.") { BrokerSynonyms = [new("log.preallocate")] },
        new("remote.log.copy.disable", ConfigType.Boolean, "false", "Stops tiered storage from copying further segments."),
        new("remote.log.delete.on.disable", ConfigType.Boolean, "false", "Deletes tiered data when tiered storage is switched off."),
        new("remote.storage.enable", ConfigType.Boolean, "false", "Tiered storage. Every topic lives in the object store anyway."),
        new(RetentionBytes, ConfigType.Long, "-1", "Bytes that a partition keeps before its oldest records go; -1 for no limit.")
        {
            BrokerSynonyms = [new("log.retention.bytes")], HasEffect = true,
        },
        new(RetentionMs, ConfigType.Long, "604800000", "How long records are kept, in milliseconds; -1 for ever.")
        {
            Rule = AtLeast(-1), HasEffect = true,
            BrokerSynonyms = [new("log.retention.ms"), new("log.retention.minutes", Minute), new("log.retention.hours", Hour)],
        },
        new("segment.bytes", ConfigType.Int, "1073741824", "Size of a log's segment files, in bytes.")
        {
            Rule = AtLeast(1024 * 1024), BrokerSynonyms = [new("log.segment.bytes")],
        },
        new("segment.index.bytes", ConfigType.Int, "10485760", "Size of a segment's index file, in bytes.")
        {
            Rule = AtLeast(4), BrokerSynonyms = [new("log.index.size.max.bytes")],
        },
        new("segment.jitter.ms", ConfigType.Long, "0", "Largest random delay of a segment's roll, in milliseconds.")
        {
            Rule = AtLeast(0), BrokerSynonyms = [new("log.roll.jitter.ms"), new("log.roll.jitter.hours", Hour)],
        },
        new("segment.ms", ConfigType.Long, "604800000", "Age at which a segment is rolled, in milliseconds.")
        {
            Rule = AtLeast(1), BrokerSynonyms = [new("log.roll.ms"), new("log.roll.hours", Hour)],
        },
        new("unclean.leader.election.enable", ConfigType.Boolean, "false", "Whether a replica that lags behind may lead.")
        {
            BrokerSynonyms = [new("unclean.leader.election.enable")],
        },
    ];
}
