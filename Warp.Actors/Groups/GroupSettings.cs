using System.Collections.Immutable;
using System.Globalization;
using Warp.Actors.Catalog;

namespace Warp.Actors.Groups;

/// <summary>What broker configs say about groups. Immutable.</summary>
public sealed record GroupSettings
{
    /// <summary><c>group.initial.rebalance.delay.ms</c>.</summary>
    public TimeSpan InitialRebalanceDelay { get; init; } = TimeSpan.FromSeconds(3);

    /// <summary><c>group.min.session.timeout.ms</c>.</summary>
    public int MinSessionTimeoutMs { get; init; } = 6000;

    /// <summary><c>group.max.session.timeout.ms</c>.</summary>
    public int MaxSessionTimeoutMs { get; init; } = 1_800_000;

    /// <summary><c>group.max.size</c>.</summary>
    public int MaxSize { get; init; } = int.MaxValue;

    /// <summary><c>offset.metadata.max.bytes</c>; Kafka counts characters.</summary>
    public int MaxOffsetMetadataLength { get; init; } = 4096;

    /// <summary><c>offsets.retention.minutes</c>.</summary>
    public TimeSpan OffsetsRetention { get; init; } = TimeSpan.FromDays(7);

    /// <summary><c>offsets.retention.check.interval.ms</c>.</summary>
    public TimeSpan OffsetsRetentionCheckInterval { get; init; } = TimeSpan.FromMinutes(10);

    /// <summary>
    /// <c>message.max.bytes</c>: where Kafka keeps groups in a topic, a group's subscriptions and assignments must fit one record.
    /// </summary>
    public int MaxAssignmentBytes { get; init; } = 1_048_588;

    /// <summary><c>group.consumer.session.timeout.ms</c>.</summary>
    public TimeSpan ConsumerSessionTimeout { get; init; } = TimeSpan.FromSeconds(45);

    /// <summary><c>group.consumer.heartbeat.interval.ms</c>.</summary>
    public int ConsumerHeartbeatIntervalMs { get; init; } = 5000;

    /// <summary><c>group.consumer.max.size</c>.</summary>
    public int ConsumerMaxSize { get; init; } = int.MaxValue;

    /// <summary><c>group.consumer.assignors</c>: at least one; the first is the default.</summary>
    public ImmutableArray<string> ConsumerAssignors { get; init; } = ["uniform", "range"];

    /// <summary><c>group.consumer.migration.policy</c>.</summary>
    public ConsumerMigrationPolicy ConsumerMigration { get; init; } = ConsumerMigrationPolicy.Bidirectional;

    /// <summary>The settings of a node.</summary>
    public static GroupSettings Of(BrokerConfigValues configs)
    {
        return new GroupSettings
        {
            InitialRebalanceDelay = TimeSpan.FromMilliseconds(Number(BrokerConfigs.GroupInitialRebalanceDelayMs)),
            MinSessionTimeoutMs = (int)Number(BrokerConfigs.GroupMinSessionTimeoutMs),
            MaxSessionTimeoutMs = (int)Number(BrokerConfigs.GroupMaxSessionTimeoutMs),
            MaxSize = (int)Number(BrokerConfigs.GroupMaxSize),
            MaxOffsetMetadataLength = (int)Number(BrokerConfigs.OffsetMetadataMaxBytes),
            OffsetsRetention = TimeSpan.FromMinutes(Number(BrokerConfigs.OffsetsRetentionMinutes)),
            OffsetsRetentionCheckInterval = TimeSpan.FromMilliseconds(Number(BrokerConfigs.OffsetsRetentionCheckIntervalMs)),
            MaxAssignmentBytes = (int)Number(BrokerConfigs.MessageMaxBytes),
            ConsumerSessionTimeout = TimeSpan.FromMilliseconds(Number(BrokerConfigs.GroupConsumerSessionTimeoutMs)),
            ConsumerHeartbeatIntervalMs = (int)Number(BrokerConfigs.GroupConsumerHeartbeatIntervalMs),
            ConsumerMaxSize = (int)Number(BrokerConfigs.GroupConsumerMaxSize),
            ConsumerAssignors = [.. ConfigDefinitionRules.SplitList(Text(BrokerConfigs.GroupConsumerAssignors))],
            ConsumerMigration = Enum.Parse<ConsumerMigrationPolicy>(Text(BrokerConfigs.GroupConsumerMigrationPolicy), ignoreCase: true),
        };

        long Number(string name) => long.Parse(Text(name), CultureInfo.InvariantCulture);

        string Text(string name) =>
            BrokerConfigValues.Sources.Select(source => configs.Get(source, name)).First(static found => found is not null)!.Trim();
    }
}
