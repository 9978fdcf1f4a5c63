using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Protocol.Records;
using Xunit;

namespace Warp.Specs.Actors.Catalog;

public sealed class TopicConfigsEffectiveSpec
{
    [Fact]
    public void The_defaults_are_those_of_Kafka()
    {
        var config = EffectiveTopicConfig.Default;
        Assert.False(config.IsCompacted);
        Assert.True(config.IsDeleted);
        Assert.Equal(1_048_588, config.MaxMessageBytes);
        Assert.Equal(TimestampType.CreateTime, config.TimestampType);
        Assert.Equal(long.MaxValue, config.TimestampBeforeMaxMs);
        Assert.Equal(3_600_000, config.TimestampAfterMaxMs);
        Assert.Equal(604_800_000, config.RetentionMs);
        Assert.Equal(-1, config.RetentionBytes);
        Assert.Equal(0, config.MinCompactionLagMs);
        Assert.Equal(long.MaxValue, config.MaxCompactionLagMs);
        Assert.Equal(86_400_000, config.DeleteRetentionMs);
    }

    [Fact]
    public void What_the_topic_sets_is_in_effect()
    {
        var config = Effective(
            ("cleanup.policy", "compact"), ("max.message.bytes", " 100 "), ("message.timestamp.type", "LogAppendTime"),
            ("message.timestamp.before.max.ms", "1"), ("message.timestamp.after.max.ms", "2"), ("retention.ms", "3"),
            ("retention.bytes", "4"), ("min.compaction.lag.ms", "5"), ("max.compaction.lag.ms", "6"), ("delete.retention.ms", "7"));
        Assert.True(config.IsCompacted);
        Assert.False(config.IsDeleted);
        Assert.Equal(100, config.MaxMessageBytes);
        Assert.Equal(TimestampType.LogAppendTime, config.TimestampType);
        Assert.Equal(
            [1, 2, 3, 4, 5, 6, 7],
            [
                config.TimestampBeforeMaxMs, config.TimestampAfterMaxMs, config.RetentionMs, config.RetentionBytes,
                config.MinCompactionLagMs, config.MaxCompactionLagMs, config.DeleteRetentionMs,
            ]);
    }

    [Theory]
    [InlineData("delete", false, true)]
    [InlineData("compact", true, false)]
    [InlineData("compact, delete", true, true)]
    [InlineData("", false, false)]
    public void The_cleanup_policy_is_any_combination(string policy, bool compacted, bool deleted)
    {
        var config = Effective(("cleanup.policy", policy));
        Assert.Equal((compacted, deleted), (config.IsCompacted, config.IsDeleted));
    }

    [Theory]
    [InlineData("log.retention.ms", "5", 5)]
    [InlineData("log.retention.minutes", "2", 120_000)]
    [InlineData("log.retention.hours", "2", 7_200_000)]
    [InlineData("log.retention.hours", "-1", -1)]
    public void What_the_topic_does_not_set_comes_from_the_broker_in_the_topics_unit(string name, string value, long retentionMs)
    {
        var broker = new BrokerConfigValues { Static = ImmutableSortedDictionary<string, string>.Empty.Add(name, value) };
        Assert.Equal(retentionMs, new EffectiveTopicConfig(new Dictionary<string, string>(), broker).RetentionMs);
        Assert.Equal(1, new EffectiveTopicConfig(new Dictionary<string, string> { ["retention.ms"] = "1" }, broker).RetentionMs);
    }

    private static EffectiveTopicConfig Effective(params (string Name, string Value)[] overrides) =>
        new(overrides.ToDictionary(pair => pair.Name, pair => pair.Value), BrokerConfigValues.None);
}
