using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Catalog;

public sealed class TopicConfigsAlterSpec
{
    [Theory]
    [InlineData("", "retention.ms", ConfigOperation.Set, "1000", "retention.ms=1000")]
    [InlineData("retention.ms=5", "retention.ms", ConfigOperation.Set, "1000", "retention.ms=1000")]
    [InlineData("retention.ms=5;segment.bytes=1048576", "retention.ms", ConfigOperation.Delete, null, "segment.bytes=1048576")]
    [InlineData("", "retention.ms", ConfigOperation.Delete, null, "")]
    [InlineData("", "no.such.config", ConfigOperation.Delete, null, "")]
    [InlineData("", "cleanup.policy", ConfigOperation.Append, "compact", "cleanup.policy=delete,compact")]
    [InlineData("cleanup.policy=compact", "cleanup.policy", ConfigOperation.Append, "delete", "cleanup.policy=compact,delete")]
    [InlineData("cleanup.policy=compact", "cleanup.policy", ConfigOperation.Append, "compact", "cleanup.policy=compact")]
    [InlineData("cleanup.policy=compact,delete", "cleanup.policy", ConfigOperation.Subtract, "delete", "cleanup.policy=compact")]
    [InlineData("cleanup.policy=compact", "cleanup.policy", ConfigOperation.Subtract, "delete", "cleanup.policy=compact")]
    [InlineData("", "cleanup.policy", ConfigOperation.Subtract, "delete", "cleanup.policy=")]
    [InlineData("", "leader.replication.throttled.replicas", ConfigOperation.Append, "0:1,1:1",
        "leader.replication.throttled.replicas=0:1,1:1")]
    [InlineData("", "min.insync.replicas", ConfigOperation.Set, "2", "min.insync.replicas=2")]
    public void An_alteration_gives_the_new_overrides(string before, string name, ConfigOperation operation, string? value, string after)
    {
        var change = Alter(before, new ConfigAlteration(name, operation, value));
        Assert.Null(change.ErrorMessage);
        Assert.Equal(ErrorCode.None, change.ErrorCode);
        Assert.Equal(after, Text(change));
    }

    [Theory]
    [InlineData("no.such.config", ConfigOperation.Set, "1", ErrorCode.InvalidConfig)]
    [InlineData("no.such.config", ConfigOperation.Append, "1", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", ConfigOperation.Set, "soon", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", ConfigOperation.Append, "1", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", ConfigOperation.Subtract, "1", ErrorCode.InvalidConfig)]
    [InlineData("cleanup.policy", ConfigOperation.Append, "shred", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", ConfigOperation.Set, null, ErrorCode.InvalidRequest)]
    [InlineData("cleanup.policy", ConfigOperation.Append, null, ErrorCode.InvalidRequest)]
    [InlineData("retention.ms", (ConfigOperation)4, "1", ErrorCode.InvalidRequest)]
    [InlineData("retention.ms", (ConfigOperation)(-1), "1", ErrorCode.InvalidRequest)]
    public void A_wrong_alteration_is_refused_by_the_name_of_its_config(string name, ConfigOperation operation, string? value, ErrorCode error)
    {
        var change = Alter("", new ConfigAlteration(name, operation, value));
        Assert.Equal(error, change.ErrorCode);
        Assert.Contains(name, change.ErrorMessage, StringComparison.Ordinal);
        Assert.Null(change.Values);
    }

    [Fact]
    public void All_alterations_are_made_or_none()
    {
        var change = Alter("", Set("segment.bytes", "1048576"), Set("retention.ms", "soon"));
        Assert.Equal(ErrorCode.InvalidConfig, change.ErrorCode);
        Assert.Null(change.Values);
    }

    [Fact]
    public void A_config_that_appears_twice_is_refused()
    {
        var change = Alter("", Set("retention.ms", "1"), new ConfigAlteration("retention.ms", ConfigOperation.Delete, null));
        Assert.Equal(ErrorCode.InvalidRequest, change.ErrorCode);
        Assert.Contains("retention.ms", change.ErrorMessage, StringComparison.Ordinal);
    }

    [Fact]
    public void The_shortest_compaction_lag_may_not_exceed_the_longest_wherever_each_is_set()
    {
        Assert.Equal(ErrorCode.InvalidConfig, Alter("max.compaction.lag.ms=10", Set("min.compaction.lag.ms", "11")).ErrorCode);
        Assert.Equal(ErrorCode.None, Alter("max.compaction.lag.ms=10", Set("min.compaction.lag.ms", "10")).ErrorCode);

        var broker = new BrokerConfigValues
        {
            Static = ImmutableSortedDictionary<string, string>.Empty.Add("log.cleaner.max.compaction.lag.ms", "5"),
        };
        var change = TopicConfigs.Alter(Overrides(""), [Set("min.compaction.lag.ms", "6")], broker);
        Assert.Equal(ErrorCode.InvalidConfig, change.ErrorCode);
    }

    [Fact]
    public void A_replacement_drops_what_it_does_not_name()
    {
        var change = TopicConfigs.Replace([new("retention.ms", "7"), new("cleanup.policy", "compact")], BrokerConfigValues.None);
        Assert.Equal("cleanup.policy=compact;retention.ms=7", Text(change));
    }

    [Theory]
    [InlineData("no.such.config", "1", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", "soon", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", null, ErrorCode.InvalidRequest)]
    public void A_wrong_replacement_is_refused(string name, string? value, ErrorCode error) =>
        Assert.Equal(error, TopicConfigs.Replace([new(name, value)], BrokerConfigValues.None).ErrorCode);

    private static ConfigAlteration Set(string name, string value) => new(name, ConfigOperation.Set, value);

    private static ConfigChange Alter(string overrides, params ConfigAlteration[] alterations) =>
        TopicConfigs.Alter(Overrides(overrides), alterations, BrokerConfigValues.None);

    private static Dictionary<string, string> Overrides(string text) => text
        .Split(';', StringSplitOptions.RemoveEmptyEntries)
        .Select(pair => pair.Split('='))
        .ToDictionary(pair => pair[0], pair => pair[1]);

    private static string Text(ConfigChange change) => string.Join(';', change.Values!.Select(pair => $"{pair.Key}={pair.Value}"));
}
