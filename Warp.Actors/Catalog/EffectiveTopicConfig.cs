using System.Globalization;
using Warp.Protocol.Records;

namespace Warp.Actors.Catalog;

/// <summary>
/// The configs of one topic that the code asks for, parsed: made once for each change, read on every produce and fetch. Immutable.
/// </summary>
public sealed class EffectiveTopicConfig
{
    /// <summary>A topic that sets nothing, on a broker that sets nothing.</summary>
    public static readonly EffectiveTopicConfig Default = new(new Dictionary<string, string>(), BrokerConfigValues.None);

    /// <param name="overrides">What is set on the topic; valid (<see cref="TopicConfigs.Validate"/>).</param>
    /// <param name="broker">
    /// Where the other values come from; valid. Without <see cref="BrokerConfigValues.Dynamic"/> the outcome is the same on every node.
    /// </param>
    /// <exception cref="FormatException">A number is not valid.</exception>
    public EffectiveTopicConfig(IReadOnlyDictionary<string, string> overrides, BrokerConfigValues broker)
    {
        string Value(string name) => TopicConfigs.Effective(name, overrides, broker);
        long Number(string name) => long.Parse(Value(name), CultureInfo.InvariantCulture);

        string[] policies = ConfigDefinitionRules.SplitList(Value(TopicConfigs.CleanupPolicy));
        IsCompacted = policies.Contains("compact");
        IsDeleted = policies.Contains("delete");
        MaxMessageBytes = (int)Number(TopicConfigs.MaxMessageBytes);
        TimestampType = Enum.Parse<TimestampType>(Value(TopicConfigs.MessageTimestampType));
        TimestampBeforeMaxMs = Number(TopicConfigs.MessageTimestampBeforeMaxMs);
        TimestampAfterMaxMs = Number(TopicConfigs.MessageTimestampAfterMaxMs);
        RetentionMs = Number(TopicConfigs.RetentionMs);
        RetentionBytes = Number(TopicConfigs.RetentionBytes);
        MinCleanableDirtyRatio = double.Parse(Value(TopicConfigs.MinCleanableDirtyRatio), CultureInfo.InvariantCulture);
        MinCompactionLagMs = Number(TopicConfigs.MinCompactionLagMs);
        MaxCompactionLagMs = Number(TopicConfigs.MaxCompactionLagMs);
        DeleteRetentionMs = Number(TopicConfigs.DeleteRetentionMs);
    }

    /// <summary>The last record of each key stays (<c>cleanup.policy</c>).</summary>
    public bool IsCompacted { get; }

    /// <summary>Records go by age and size (<c>cleanup.policy</c>). A topic may be compacted and deleted, or neither.</summary>
    public bool IsDeleted { get; }

    /// <summary>Largest batch as sent, in bytes.</summary>
    public int MaxMessageBytes { get; }

    /// <summary>Whose clock the timestamps show.</summary>
    public TimestampType TimestampType { get; }

    /// <summary>
    /// How far a timestamp may lie behind the clock, in milliseconds; matters with <see cref="TimestampType.CreateTime"/> only.
    /// </summary>
    public long TimestampBeforeMaxMs { get; }

    /// <summary>
    /// How far a timestamp may lie ahead of the clock, in milliseconds; matters with <see cref="TimestampType.CreateTime"/> only.
    /// </summary>
    public long TimestampAfterMaxMs { get; }

    /// <summary>Age at which records go, in milliseconds; negative for never.</summary>
    public long RetentionMs { get; }

    /// <summary>Size of a partition above which its oldest records go; negative for never.</summary>
    public long RetentionBytes { get; }

    /// <summary>Share of a log, 0 to 1, that must not be compacted yet for it to be compacted.</summary>
    public double MinCleanableDirtyRatio { get; }

    /// <summary>Age before which a record is not compacted away, in milliseconds.</summary>
    public long MinCompactionLagMs { get; }

    /// <summary>Age by which a record must have been looked at by compaction, in milliseconds.</summary>
    public long MaxCompactionLagMs { get; }

    /// <summary>How long a tombstone stays after compaction, in milliseconds.</summary>
    public long DeleteRetentionMs { get; }
}
