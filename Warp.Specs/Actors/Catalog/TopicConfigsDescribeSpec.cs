using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Xunit;

namespace Warp.Specs.Actors.Catalog;

public sealed class TopicConfigsDescribeSpec
{
    private static readonly Dictionary<string, string> _nothing = [];

    [Fact]
    public void A_topic_that_sets_nothing_shows_every_config_with_its_default()
    {
        var entries = TopicConfigs.Describe(_nothing, BrokerConfigValues.None);
        Assert.Equal(TopicConfigs.All.Select(d => (d.Name, d.DefaultValue)), entries.Select(entry => (entry.Name, entry.Value)));
        Assert.All(entries, entry =>
        {
            Assert.Equal(ConfigSource.Default, entry.Source);
            Assert.True(entry.IsDefault);
            Assert.False(entry.IsReadOnly);
            Assert.False(entry.IsSensitive);
            Assert.NotEmpty(entry.Documentation);
        });
    }

    [Theory]
    [InlineData("cleanup.policy", "Default log.cleanup.policy=delete")]
    [InlineData("retention.ms", "Default log.retention.hours=168")]
    [InlineData("segment.ms", "Default log.roll.hours=168")]
    [InlineData("flush.ms", "Default log.flush.scheduler.interval.ms=9223372036854775807")]
    [InlineData("max.message.bytes", "Default message.max.bytes=1048588")]
    [InlineData("file.delete.delay.ms", "Default log.segment.delete.delay.ms=60000")]
    [InlineData("min.cleanable.dirty.ratio", "Default log.cleaner.min.cleanable.ratio=0.5")]
    [InlineData("min.insync.replicas", "Default min.insync.replicas=1")]
    [InlineData("leader.replication.throttled.replicas", "")]
    public void A_default_names_the_broker_config_that_gives_it(string name, string synonyms) =>
        Assert.Equal(synonyms, Synonyms(Describe(name, _nothing, BrokerConfigValues.None)));

    [Fact]
    public void The_strongest_source_wins_and_all_are_listed_in_their_order()
    {
        var broker = new BrokerConfigValues
        {
            Dynamic = Values(("log.retention.ms", "3")),
            DynamicDefault = Values(("log.retention.ms", "2")),
            Static = Values(("log.retention.minutes", "1")),
        };
        var entry = Describe("retention.ms", new() { ["retention.ms"] = "4" }, broker);
        Assert.Equal(("4", ConfigSource.DynamicTopic), (entry.Value, entry.Source));
        Assert.Equal(
            "DynamicTopic retention.ms=4, DynamicBroker log.retention.ms=3, DynamicDefaultBroker log.retention.ms=2, "
            + "StaticBroker log.retention.minutes=1, Default log.retention.hours=168",
            Synonyms(entry));

        Assert.Equal(("3", ConfigSource.DynamicBroker), Winner(broker));
        Assert.Equal(("2", ConfigSource.DynamicDefaultBroker), Winner(broker with { Dynamic = Values() }));
        Assert.Equal(("60000", ConfigSource.StaticBroker), Winner(new BrokerConfigValues { Static = broker.Static }));
        Assert.Equal(("604800000", ConfigSource.Default), Winner(BrokerConfigValues.None));

        static (string?, ConfigSource) Winner(BrokerConfigValues broker) =>
            Describe("retention.ms", _nothing, broker) is var entry ? (entry.Value, entry.Source) : default;
    }

    [Fact]
    public void A_config_set_to_its_default_is_not_a_default()
    {
        var entry = Describe("retention.ms", new() { ["retention.ms"] = "604800000" }, BrokerConfigValues.None);
        Assert.Equal(ConfigSource.DynamicTopic, entry.Source);
        Assert.False(entry.IsDefault);
    }

    [Fact]
    public void An_appended_list_is_the_topics_own_and_a_deletion_gives_it_back()
    {
        var appended = TopicConfigs.Alter(_nothing, [new("cleanup.policy", ConfigOperation.Append, "compact")], BrokerConfigValues.None);
        var entry = TopicConfigs.Describe(appended.Values!, BrokerConfigValues.None, ["cleanup.policy"])[0];
        Assert.Equal(("delete,compact", ConfigSource.DynamicTopic), (entry.Value, entry.Source));

        var deleted = TopicConfigs.Alter(appended.Values!, [new("cleanup.policy", ConfigOperation.Delete, null)], BrokerConfigValues.None);
        entry = TopicConfigs.Describe(deleted.Values!, BrokerConfigValues.None, ["cleanup.policy"])[0];
        Assert.Equal(("delete", ConfigSource.Default), (entry.Value, entry.Source));
    }

    [Fact]
    public void Only_the_configs_asked_for_are_described_and_unknown_ones_are_left_out()
    {
        string[] names = ["retention.ms", "no.such.config", "cleanup.policy", "retention.ms"];
        var entries = TopicConfigs.Describe(_nothing, BrokerConfigValues.None, names);
        Assert.Equal(["retention.ms", "cleanup.policy"], entries.Select(entry => entry.Name));
        Assert.Empty(TopicConfigs.Describe(_nothing, BrokerConfigValues.None, []));
    }

    [Fact]
    public void A_config_without_effect_says_so()
    {
        Assert.EndsWith("Nothing here depends on it.", Describe("segment.bytes", _nothing, BrokerConfigValues.None).Documentation,
            StringComparison.Ordinal);
        Assert.DoesNotContain("Nothing here", Describe("retention.ms", _nothing, BrokerConfigValues.None).Documentation,
            StringComparison.Ordinal);
    }

    private static ConfigEntry Describe(string name, Dictionary<string, string> overrides, BrokerConfigValues broker) =>
        Assert.Single(TopicConfigs.Describe(overrides, broker, [name]));

    private static string Synonyms(ConfigEntry entry) =>
        string.Join(", ", entry.Synonyms.Select(synonym => $"{synonym.Source} {synonym.Name}={synonym.Value}"));

    private static ImmutableSortedDictionary<string, string> Values(params (string Name, string Value)[] values) =>
        values.ToImmutableSortedDictionary(value => value.Name, value => value.Value);
}
