using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Xunit;

namespace Warp.Specs.Clients.ConfluentKafka;

public sealed class ConfigAdminSpec(NodeFixture fixture) : IClassFixture<NodeFixture>
{
    [Fact]
    public async Task The_configs_of_a_topic_are_described_with_their_sources()
    {
        await fixture.CreateAsync("described", 1, ("retention.ms", "1234567"), ("segment.bytes", "2000000"));
        var configs = await DescribeAsync(Topic("described"));
        Assert.Equal(("1234567", ConfigSource.DynamicTopicConfig, false), About(configs, "retention.ms"));
        Assert.Equal(("2000000", ConfigSource.DynamicTopicConfig, false), About(configs, "segment.bytes"));
        Assert.Equal(("delete", ConfigSource.DefaultConfig, true), About(configs, "cleanup.policy"));
        Assert.Equal(("1048588", ConfigSource.DefaultConfig, true), About(configs, "max.message.bytes"));
        Assert.Equal(("1", ConfigSource.DefaultConfig, true), About(configs, "min.insync.replicas"));
        Assert.All(configs.Values, static config => Assert.False(config.IsSensitive));
    }

    [Fact]
    public async Task The_configs_of_the_broker_are_described()
    {
        using var admin = fixture.Admin();
        int id = (await admin.DescribeClusterAsync()).Nodes[0].Id;
        var configs = await DescribeAsync(new ConfigResource { Type = ResourceType.Broker, Name = $"{id}" });
        Assert.Equal("true", configs["auto.create.topics.enable"].Value);
        Assert.Equal("1", configs["num.partitions"].Value);
        Assert.Contains("log.retention.ms", configs.Keys);
    }

    [Fact]
    public async Task Configs_are_altered_one_by_one()
    {
        await fixture.CreateAsync("altered", 1, ("retention.ms", "1000"), ("cleanup.policy", "compact"));
        await AlterAsync(
            Topic("altered"),
            Entry("retention.bytes", "5000", AlterConfigOpType.Set),
            Entry("retention.ms", null, AlterConfigOpType.Delete),
            Entry("cleanup.policy", "delete", AlterConfigOpType.Append));
        var configs = await DescribeAsync(Topic("altered"));
        Assert.Equal(("5000", ConfigSource.DynamicTopicConfig, false), About(configs, "retention.bytes"));
        Assert.Equal(("604800000", ConfigSource.DefaultConfig, true), About(configs, "retention.ms"));
        Assert.Equal("compact,delete", configs["cleanup.policy"].Value);
        await AlterAsync(Topic("altered"), Entry("cleanup.policy", "compact", AlterConfigOpType.Subtract));
        Assert.Equal("delete", (await DescribeAsync(Topic("altered")))["cleanup.policy"].Value);
    }

    [Fact]
    public async Task Configs_are_altered_as_a_whole()
    {
        await fixture.CreateAsync("replaced", 1, ("retention.ms", "1000"));
        using var admin = fixture.Admin();
        await admin.AlterConfigsAsync(new() { [Topic("replaced")] = [new ConfigEntry { Name = "retention.bytes", Value = "5000" }] });
        var configs = await DescribeAsync(Topic("replaced"));
        Assert.Equal(("5000", ConfigSource.DynamicTopicConfig, false), About(configs, "retention.bytes"));
        Assert.Equal(("604800000", ConfigSource.DefaultConfig, true), About(configs, "retention.ms"));
    }

    [Theory]
    [InlineData("no.such.config", "1", AlterConfigOpType.Set, ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", "soon", AlterConfigOpType.Set, ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", "1", AlterConfigOpType.Append, ErrorCode.InvalidConfig)]
    public async Task What_cannot_be_set_is_refused_and_named(string name, string value, AlterConfigOpType operation, ErrorCode error)
    {
        string topic = $"refuses-{operation}-{value}";
        await fixture.CreateAsync(topic);
        var refused = await Assert.ThrowsAsync<IncrementalAlterConfigsException>(
            () => AlterAsync(Topic(topic), Entry("retention.bytes", "5000", AlterConfigOpType.Set), Entry(name, value, operation)));
        Assert.Equal(error, refused.Results[0].Error.Code);
        Assert.Contains(name, refused.Results[0].Error.Reason, StringComparison.Ordinal);
        Assert.Equal("-1", (await DescribeAsync(Topic(topic)))["retention.bytes"].Value);
    }

    [Fact]
    public async Task A_topic_that_is_not_there_has_no_configs()
    {
        var undescribed = await Assert.ThrowsAsync<DescribeConfigsException>(() => DescribeAsync(Topic("never-made")));
        Assert.Equal(ErrorCode.UnknownTopicOrPart, undescribed.Results[0].Error.Code);
        var unaltered = await Assert.ThrowsAsync<IncrementalAlterConfigsException>(
            () => AlterAsync(Topic("never-made"), Entry("retention.ms", "1", AlterConfigOpType.Set)));
        Assert.Equal(ErrorCode.UnknownTopicOrPart, unaltered.Results[0].Error.Code);
    }

    [Fact]
    public async Task A_config_takes_effect()
    {
        await fixture.CreateAsync("effective");
        using var producer = fixture.Producer(static config => config.MessageMaxBytes = 5_000_000);
        await AlterAsync(Topic("effective"), Entry("max.message.bytes", "1000", AlterConfigOpType.Set));
        var refused = await Assert.ThrowsAsync<ProduceException<byte[]?, byte[]?>>(
            () => producer.ProduceAsync("effective", new() { Value = new byte[5000] }, TestContext.Current.CancellationToken));
        Assert.Equal(ErrorCode.MsgSizeTooLarge, refused.Error.Code);
        await AlterAsync(Topic("effective"), Entry("max.message.bytes", "3000000", AlterConfigOpType.Set));
        await producer.ProduceAsync("effective", new() { Value = new byte[2_000_000] }, TestContext.Current.CancellationToken);
    }

    private static ConfigResource Topic(string name) => new() { Type = ResourceType.Topic, Name = name };

    private static ConfigEntry Entry(string name, string? value, AlterConfigOpType operation) =>
        new() { Name = name, Value = value, IncrementalOperation = operation };

    private static (string Value, ConfigSource Source, bool IsDefault) About(Dictionary<string, ConfigEntryResult> configs, string name) =>
        (configs[name].Value, configs[name].Source, configs[name].IsDefault);

    private async Task<Dictionary<string, ConfigEntryResult>> DescribeAsync(ConfigResource resource)
    {
        using var admin = fixture.Admin();
        return (await admin.DescribeConfigsAsync([resource])).Single().Entries;
    }

    private async Task AlterAsync(ConfigResource resource, params ConfigEntry[] entries)
    {
        using var admin = fixture.Admin();
        await admin.IncrementalAlterConfigsAsync(new() { [resource] = [.. entries] });
    }
}
