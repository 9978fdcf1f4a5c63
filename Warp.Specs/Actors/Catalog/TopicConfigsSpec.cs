using Warp.Actors.Catalog;
using Xunit;

namespace Warp.Specs.Actors.Catalog;

public sealed class TopicConfigsSpec
{
    private const string MaxLong = "9223372036854775807";

    [Theory]
    [InlineData("cleanup.policy", ConfigType.List, "delete")]
    [InlineData("compression.gzip.level", ConfigType.Int, "-1")]
    [InlineData("compression.lz4.level", ConfigType.Int, "9")]
    [InlineData("compression.type", ConfigType.String, "producer")]
    [InlineData("compression.zstd.level", ConfigType.Int, "3")]
    [InlineData("delete.retention.ms", ConfigType.Long, "86400000")]
    [InlineData("file.delete.delay.ms", ConfigType.Long, "60000")]
    [InlineData("flush.messages", ConfigType.Long, MaxLong)]
    [InlineData("flush.ms", ConfigType.Long, MaxLong)]
    [InlineData("follower.replication.throttled.replicas", ConfigType.List, "")]
    [InlineData("index.interval.bytes", ConfigType.Int, "4096")]
    [InlineData("leader.replication.throttled.replicas", ConfigType.List, "")]
    [InlineData("local.retention.bytes", ConfigType.Long, "-2")]
    [InlineData("local.retention.ms", ConfigType.Long, "-2")]
    [InlineData("max.compaction.lag.ms", ConfigType.Long, MaxLong)]
    [InlineData("max.message.bytes", ConfigType.Int, "1048588")]
    [InlineData("message.timestamp.after.max.ms", ConfigType.Long, "3600000")]
    [InlineData("message.timestamp.before.max.ms", ConfigType.Long, MaxLong)]
    [InlineData("message.timestamp.type", ConfigType.String, "CreateTime")]
    [InlineData("min.cleanable.dirty.ratio", ConfigType.Double, "0.5")]
    [InlineData("min.compaction.lag.ms", ConfigType.Long, "0")]
    [InlineData("min.insync.replicas", ConfigType.Int, "1")]
    [InlineData("preallocate", ConfigType.Boolean, "false")]
    [InlineData("remote.log.copy.disable", ConfigType.Boolean, "false")]
    [InlineData("remote.log.delete.on.disable", ConfigType.Boolean, "false")]
    [InlineData("remote.storage.enable", ConfigType.Boolean, "false")]
    [InlineData("retention.bytes", ConfigType.Long, "-1")]
    [InlineData("retention.ms", ConfigType.Long, "604800000")]
    [InlineData("segment.bytes", ConfigType.Int, "1073741824")]
    [InlineData("segment.index.bytes", ConfigType.Int, "10485760")]
    [InlineData("segment.jitter.ms", ConfigType.Long, "0")]
    [InlineData("segment.ms", ConfigType.Long, "604800000")]
    [InlineData("unclean.leader.election.enable", ConfigType.Boolean, "false")]
    public void Every_config_of_Kafka_has_its_type_and_a_valid_default(string name, ConfigType type, string defaultValue)
    {
        var definition = Assert.IsType<ConfigDefinition>(TopicConfigs.Find(name));
        Assert.Equal((type, defaultValue), (definition.Type, definition.DefaultValue));
        Assert.Null(TopicConfigs.Validate(name, defaultValue));
        Assert.NotEmpty(definition.Documentation);
    }

    [Fact]
    public void There_are_33_configs_and_their_names_are_in_order()
    {
        var names = TopicConfigs.All.Select(definition => definition.Name).ToList();
        Assert.Equal(33, names.Count);
        Assert.Equal(names.Order(StringComparer.Ordinal), names);
    }

    [Theory]
    [InlineData("retention.mss", "1")]
    [InlineData("Retention.ms", "1")]
    [InlineData("", "1")]
    [InlineData("log.retention.ms", "1")]
    public void A_config_that_Kafka_does_not_know_is_refused_by_its_name(string name, string value) =>
        Assert.EndsWith(name, TopicConfigs.Validate(name, value), StringComparison.Ordinal);

    [Theory]
    [InlineData("cleanup.policy", "compact")]
    [InlineData("cleanup.policy", "compact,delete")]
    [InlineData("cleanup.policy", "delete , compact")]
    [InlineData("cleanup.policy", "")]
    [InlineData("compression.type", "zstd")]
    [InlineData("compression.type", "uncompressed")]
    [InlineData("compression.gzip.level", "9")]
    [InlineData("compression.zstd.level", "-7")]
    [InlineData("message.timestamp.type", "LogAppendTime")]
    [InlineData("min.cleanable.dirty.ratio", "1.0")]
    [InlineData("retention.ms", "-1")]
    [InlineData("retention.ms", " 3600000 ")]
    [InlineData("retention.bytes", "-5")]
    [InlineData("max.message.bytes", "0")]
    [InlineData("segment.bytes", "1048576")]
    [InlineData("preallocate", "TRUE")]
    [InlineData("leader.replication.throttled.replicas", "*")]
    [InlineData("leader.replication.throttled.replicas", "0:1,1:2")]
    [InlineData("min.insync.replicas", "2")]
    [InlineData("flush.ms", "1000")]
    public void Values_that_Kafka_takes_are_valid(string name, string value) => Assert.Null(TopicConfigs.Validate(name, value));

    [Theory]
    [InlineData("cleanup.policy", "shred")]
    [InlineData("cleanup.policy", "compact,compact")]
    [InlineData("cleanup.policy", "compact,,delete")]
    [InlineData("compression.type", "none")]
    [InlineData("compression.type", "ZSTD")]
    [InlineData("compression.gzip.level", "0")]
    [InlineData("compression.gzip.level", "10")]
    [InlineData("compression.lz4.level", "0")]
    [InlineData("compression.lz4.level", "18")]
    [InlineData("compression.zstd.level", "23")]
    [InlineData("compression.zstd.level", "-131073")]
    [InlineData("delete.retention.ms", "-1")]
    [InlineData("flush.messages", "0")]
    [InlineData("local.retention.ms", "-3")]
    [InlineData("max.compaction.lag.ms", "0")]
    [InlineData("max.message.bytes", "-1")]
    [InlineData("max.message.bytes", "2147483648")]
    [InlineData("max.message.bytes", "1e3")]
    [InlineData("message.timestamp.type", "createtime")]
    [InlineData("message.timestamp.after.max.ms", "-1")]
    [InlineData("min.cleanable.dirty.ratio", "1.01")]
    [InlineData("min.cleanable.dirty.ratio", "NaN")]
    [InlineData("min.cleanable.dirty.ratio", "1,5")]
    [InlineData("min.insync.replicas", "0")]
    [InlineData("preallocate", "yes")]
    [InlineData("retention.ms", "-2")]
    [InlineData("retention.ms", "")]
    [InlineData("retention.ms", "1,000")]
    [InlineData("retention.ms", "9223372036854775808")]
    [InlineData("retention.bytes", "much")]
    [InlineData("segment.bytes", "1048575")]
    [InlineData("segment.index.bytes", "3")]
    [InlineData("segment.ms", "0")]
    [InlineData("leader.replication.throttled.replicas", "0:1,x")]
    public void Values_that_Kafka_refuses_are_refused_by_name_and_value(string name, string value)
    {
        string? fault = TopicConfigs.Validate(name, value);
        Assert.Contains(name, fault, StringComparison.Ordinal);
        Assert.Contains($"'{value}'", fault, StringComparison.Ordinal);
    }

    [Fact]
    public void A_value_longer_than_a_Kafka_string_is_refused()
    {
        string value = string.Join(',', Enumerable.Repeat("0:1", 8192));
        Assert.Null(TopicConfigs.Validate("leader.replication.throttled.replicas", value[..^4]));
        Assert.Contains("32767", TopicConfigs.Validate("leader.replication.throttled.replicas", value + ",0:1"), StringComparison.Ordinal);
    }
}
