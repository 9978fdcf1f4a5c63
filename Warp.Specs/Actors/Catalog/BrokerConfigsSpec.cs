using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Catalog;

public sealed class BrokerConfigsSpec
{
    [Theory]
    [InlineData("advertised.listeners", ConfigType.String, null, true)]
    [InlineData("auto.create.topics.enable", ConfigType.Boolean, "true", true)]
    [InlineData("compression.type", ConfigType.String, "producer", false)]
    [InlineData("default.replication.factor", ConfigType.Int, "1", true)]
    [InlineData("delete.topic.enable", ConfigType.Boolean, "true", true)]
    [InlineData("group.max.session.timeout.ms", ConfigType.Int, "1800000", false)]
    [InlineData("group.min.session.timeout.ms", ConfigType.Int, "6000", false)]
    [InlineData("inter.broker.protocol.version", ConfigType.String, "4.2", true)]
    [InlineData("log.cleanup.policy", ConfigType.List, "delete", false)]
    [InlineData("log.retention.bytes", ConfigType.Long, "-1", false)]
    [InlineData("log.retention.hours", ConfigType.Int, "168", true)]
    [InlineData("log.retention.minutes", ConfigType.Int, null, true)]
    [InlineData("log.retention.ms", ConfigType.Long, null, false)]
    [InlineData("log.segment.bytes", ConfigType.Int, "1073741824", false)]
    [InlineData("message.max.bytes", ConfigType.Int, "1048588", false)]
    [InlineData("min.insync.replicas", ConfigType.Int, "1", false)]
    [InlineData("num.partitions", ConfigType.Int, "1", true)]
    [InlineData("offsets.retention.minutes", ConfigType.Int, "10080", false)]
    [InlineData("offsets.topic.replication.factor", ConfigType.Short, "3", true)]
    [InlineData("transaction.state.log.replication.factor", ConfigType.Short, "3", true)]
    public void Configs_that_tools_read_have_Kafkas_type_default_and_changeability(
        string name, ConfigType type, string? defaultValue, bool readOnly)
    {
        var definition = Assert.IsType<ConfigDefinition>(BrokerConfigs.Find(name));
        Assert.Equal((type, defaultValue, readOnly), (definition.Type, definition.DefaultValue, definition.IsReadOnly));
    }

    [Fact]
    public void Every_default_is_valid() =>
        Assert.All(BrokerConfigs.All.Where(definition => definition.DefaultValue is not null),
            definition => Assert.Null(BrokerConfigs.Validate(definition.Name, definition.DefaultValue!)));

    [Theory]
    [InlineData("log.retention.ms", "60000", ErrorCode.None)]
    [InlineData("log.cleanup.policy", "compact", ErrorCode.None)]
    [InlineData("log.retention.ms", "soon", ErrorCode.InvalidConfig)]
    [InlineData("log.retention.ms", "-2", ErrorCode.InvalidConfig)]
    [InlineData("no.such.config", "1", ErrorCode.InvalidConfig)]
    [InlineData("num.partitions", "3", ErrorCode.InvalidRequest)]
    [InlineData("log.retention.hours", "1", ErrorCode.InvalidRequest)]
    public void Only_known_configs_that_are_not_read_only_can_be_set_while_running(string name, string value, ErrorCode error)
    {
        var altered = BrokerConfigs.Alter(ImmutableSortedDictionary<string, string>.Empty, [new(name, ConfigOperation.Set, value)]);
        var replaced = BrokerConfigs.Replace([new(name, value)]);
        Assert.Equal((error, error), (altered.ErrorCode, replaced.ErrorCode));
        if (error == ErrorCode.None)
            Assert.Equal(value, altered.Values![name]);
        else
            Assert.Contains(name, altered.ErrorMessage, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("log.roll.hours", "0")]
    [InlineData("log.roll.ms", "0")]
    [InlineData("log.retention.hours", "2147483648")]
    [InlineData("num.partitions", "0")]
    public void Values_are_checked_by_the_topic_configs_rules_in_the_topics_unit(string name, string value) =>
        Assert.Contains(name, BrokerConfigs.Validate(name, value), StringComparison.Ordinal);

    [Fact]
    public void A_description_shows_the_strongest_source_and_those_below_it()
    {
        var values = new BrokerConfigValues
        {
            DynamicDefault = Values("message.max.bytes", "2000"),
            Static = Values("message.max.bytes", "1000"),
        };
        var entry = Assert.Single(BrokerConfigs.Describe(values, ["message.max.bytes", "no.such.config"]));
        Assert.Equal(("2000", ConfigSource.DynamicDefaultBroker), (entry.Value, entry.Source));
        Assert.Equal(
            [(ConfigSource.DynamicDefaultBroker, "2000"), (ConfigSource.StaticBroker, "1000"), (ConfigSource.Default, "1048588")],
            entry.Synonyms.Select(synonym => (synonym.Source, synonym.Value!)));
    }

    [Fact]
    public void A_node_describes_its_number_of_partitions_and_replication_factor()
    {
        var entries = BrokerConfigs.Describe(new BrokerConfigValues { Static = Values("num.partitions", "4") });
        Assert.Equal(BrokerConfigs.All.Count, entries.Count);
        Assert.Equal("4", entries.Single(entry => entry.Name == BrokerConfigs.NumPartitions).Value);
        Assert.Equal("1", entries.Single(entry => entry.Name == BrokerConfigs.DefaultReplicationFactor).Value);
        Assert.Null(entries.Single(entry => entry.Name == "log.retention.ms").Value);
    }

    [Fact]
    public void A_password_is_never_shown()
    {
        var definition = new ConfigDefinition("ssl.key.password", ConfigType.Password, null, "A secret.") { Rule = _ => "it is too short" };
        var entry = new ConfigEntry(definition, "secret", [new ConfigSynonym(definition.Name, "secret", ConfigSource.StaticBroker)]);
        Assert.True(entry.IsSensitive);
        Assert.Null(entry.Value);
        Assert.Equal([(ConfigSource.StaticBroker, null)], entry.Synonyms.Select(synonym => (synonym.Source, synonym.Value)));
        Assert.DoesNotContain("secret", definition.Validate("secret"), StringComparison.Ordinal);
    }

    [Fact]
    public void The_defaults_for_every_node_are_only_those_set_while_running()
    {
        var values = new BrokerConfigValues
        {
            DynamicDefault = Values("message.max.bytes", "2000"),
            Static = Values("log.retention.ms", "1000"),
        };
        Assert.Equal("message.max.bytes", Assert.Single(BrokerConfigs.DescribeDefaults(values)).Name);
        Assert.Empty(BrokerConfigs.DescribeDefaults(values, ["log.retention.ms"]));
    }

    [Fact]
    public void A_topic_default_of_the_node_becomes_the_strongest_broker_config_behind_it()
    {
        Assert.Null(BrokerConfigs.TryFromTopicDefault("retention.ms", "5", out string? broker));
        Assert.Equal("log.retention.ms", broker);
        Assert.Contains("retention.ms", BrokerConfigs.TryFromTopicDefault("retention.ms", "soon", out _), StringComparison.Ordinal);
        Assert.Contains("no.such", BrokerConfigs.TryFromTopicDefault("no.such", "1", out _), StringComparison.Ordinal);
        Assert.Contains("preallocat", BrokerConfigs.TryFromTopicDefault("preallocate", "yes", out _), StringComparison.Ordinal);
        Assert.Contains("remote.", BrokerConfigs.TryFromTopicDefault("remote.storage.enable", "true", out _), StringComparison.Ordinal);
    }

    private static ImmutableSortedDictionary<string, string> Values(string name, string value) =>
        ImmutableSortedDictionary<string, string>.Empty.Add(name, value);
}
