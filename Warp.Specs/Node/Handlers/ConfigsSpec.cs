using System.Globalization;
using Warp.Actors.Catalog;
using Warp.Node.Handlers;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Handlers;

/// <summary>DescribeConfigs, AlterConfigs and IncrementalAlterConfigs.</summary>
public sealed class ConfigsSpec(ActorsFixture actors) : IClassFixture<ActorsFixture>
{
    private const sbyte Topic = 2;
    private const sbyte Broker = 4;
    private const sbyte BrokerLogger = 8;

    private static readonly string s_self = ActorsFixture.NodeId.ToString(CultureInfo.InvariantCulture);

    [Theory]
    [InlineData(0)]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public async Task A_topics_configs_are_described_in_every_version(short version)
    {
        TopicImage topic = await actors.CreateTopicAsync($"described-{version}", configs: ("cleanup.policy", "compact"));
        DescribeConfigsResponse.DescribeConfigsResult result = await DescribeAsync(version, Topic, topic.Name);
        Assert.Equal((ErrorCode.None, Topic, topic.Name), (result.ErrorCode, result.ResourceType, result.ResourceName));
        Assert.Equal(TopicConfigs.All.Count, result.Configs.Count);
        var policy = result.Configs.Single(static config => config.Name == "cleanup.policy");
        var retention = result.Configs.Single(static config => config.Name == "retention.ms");
        Assert.Equal("compact", policy.Value);
        Assert.Equal("604800000", retention.Value);
        if (version == 0)
        {
            Assert.False(policy.IsDefault);
            Assert.True(retention.IsDefault);
            return;
        }
        Assert.Equal((sbyte)1, policy.ConfigSource);
        Assert.Equal((sbyte)5, retention.ConfigSource);
        Assert.Equal(["cleanup.policy", "log.cleanup.policy"], policy.Synonyms.Select(static synonym => synonym.Name));
        Assert.Equal(version >= 3 ? 7 : 0, policy.ConfigType);
        Assert.Equal(version >= 3, policy.Documentation is { Length: > 0 });
    }

    [Fact]
    public async Task Only_what_is_asked_for_is_described_and_unknown_names_are_left_out()
    {
        TopicImage topic = await actors.CreateTopicAsync("asked");
        var request = new DescribeConfigsRequest
        {
            Resources = [new() { ResourceType = Topic, ResourceName = topic.Name, ConfigurationKeys = ["retention.ms", "no.such"] }],
        };
        DescribeConfigsResponse response = await Description.CallAsync<DescribeConfigsResponse>(request, 4);
        DescribeConfigsResponse.DescribeConfigsResourceResult only = Assert.Single(response.Results[0].Configs);
        Assert.Equal("retention.ms", only.Name);
        Assert.Empty(only.Synonyms);
        Assert.Null(only.Documentation);
    }

    [Fact]
    public async Task A_broker_describes_itself_and_the_defaults_of_all()
    {
        DescribeConfigsResponse.DescribeConfigsResult self = await DescribeAsync(4, Broker, s_self);
        Assert.Equal(ErrorCode.None, self.ErrorCode);
        Assert.Contains(self.Configs, static config => config.Name == "num.partitions" && config.ReadOnly);
        Assert.Contains(self.Configs, static config => config.Name == "default.replication.factor");
        Assert.Equal(ErrorCode.None, (await DescribeAsync(4, Broker, "")).ErrorCode);
    }

    [Theory]
    [InlineData(Topic, "never-was", ErrorCode.UnknownTopicOrPartition)]
    [InlineData(Topic, "no spaces", ErrorCode.InvalidTopicException)]
    [InlineData(Broker, "8", ErrorCode.InvalidRequest)]
    [InlineData(Broker, "seven", ErrorCode.InvalidRequest)]
    [InlineData(BrokerLogger, "7", ErrorCode.InvalidRequest)]
    [InlineData(77, "x", ErrorCode.InvalidRequest)]
    public async Task What_has_no_configs_gets_an_error_from_all_three(sbyte type, string name, ErrorCode error)
    {
        DescribeConfigsResponse.DescribeConfigsResult result = await DescribeAsync(4, type, name);
        Assert.Equal(error, result.ErrorCode);
        Assert.NotNull(result.ErrorMessage);
        Assert.Equal(error, await AlterAsync(1, type, name, ("retention.ms", 0, "1")));
        Assert.Equal(error, await ReplaceAsync(2, type, name, ("retention.ms", "1")));
    }

    [Fact]
    public async Task Configs_are_set_appended_and_deleted_one_by_one()
    {
        TopicImage topic = await actors.CreateTopicAsync("altered");
        Assert.Equal(ErrorCode.None, await AlterAsync(0, Topic, topic.Name, ("retention.ms", 0, "5"), ("cleanup.policy", 2, "compact")));
        Assert.Equal(("5", 1), await ConfigAsync(topic.Name, "retention.ms"));
        Assert.Equal(("delete,compact", 1), await ConfigAsync(topic.Name, "cleanup.policy"));
        Assert.Equal(ErrorCode.None, await AlterAsync(1, Topic, topic.Name, ("retention.ms", 1, null), ("cleanup.policy", 3, "delete")));
        Assert.Equal(("604800000", 5), await ConfigAsync(topic.Name, "retention.ms"));
        Assert.Equal(("compact", 1), await ConfigAsync(topic.Name, "cleanup.policy"));
    }

    [Theory]
    [InlineData("no.such", 0, "1", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", 0, "soon", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", 2, "1", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", 0, null, ErrorCode.InvalidRequest)]
    [InlineData("retention.ms", 9, "1", ErrorCode.InvalidRequest)]
    public async Task A_resource_is_altered_whole_or_not_at_all(string config, sbyte operation, string? value, ErrorCode error)
    {
        TopicImage topic = await actors.CreateTopicAsync($"unaltered-{config}-{operation}-{value}-{(short)error}");
        Assert.Equal(error, await AlterAsync(1, Topic, topic.Name, ("cleanup.policy", 0, "compact"), (config, operation, value)));
        Assert.Equal(("delete", 5), await ConfigAsync(topic.Name, "cleanup.policy"));
    }

    [Fact]
    public async Task Configs_without_meaning_here_are_kept()
    {
        TopicImage topic = await actors.CreateTopicAsync("kept");
        Assert.Equal(ErrorCode.None, await AlterAsync(1, Topic, topic.Name, ("min.insync.replicas", 0, "2"), ("flush.messages", 0, "1")));
        Assert.Equal(("2", 1), await ConfigAsync(topic.Name, "min.insync.replicas"));
    }

    [Fact]
    public async Task AlterConfigs_puts_back_to_the_default_what_it_does_not_name()
    {
        TopicImage topic = await actors.CreateTopicAsync("replaced", configs: ("retention.ms", "5"));
        Assert.Equal(ErrorCode.None, await ReplaceAsync(1, Topic, topic.Name, ("retention.bytes", "7")));
        Assert.Equal(("604800000", 5), await ConfigAsync(topic.Name, "retention.ms"));
        Assert.Equal(("7", 1), await ConfigAsync(topic.Name, "retention.bytes"));
    }

    [Fact]
    public async Task A_check_alters_nothing()
    {
        TopicImage topic = await actors.CreateTopicAsync("checked");
        var request = new IncrementalAlterConfigsRequest
        {
            Resources = [Resource(Topic, topic.Name, ("retention.ms", 0, "5"))],
            ValidateOnly = true,
        };
        IncrementalAlterConfigsResponse response = await Alteration.CallAsync<IncrementalAlterConfigsResponse>(request, 1);
        Assert.Equal(ErrorCode.None, Assert.Single(response.Responses).ErrorCode);
        Assert.Equal(("604800000", 5), await ConfigAsync(topic.Name, "retention.ms"));
    }

    [Fact]
    public async Task A_resource_that_comes_twice_is_refused_and_the_others_are_not()
    {
        TopicImage one = await actors.CreateTopicAsync("once");
        TopicImage other = await actors.CreateTopicAsync("twice");
        var request = new IncrementalAlterConfigsRequest
        {
            Resources =
            [
                Resource(Topic, other.Name, ("retention.ms", 0, "5")),
                Resource(Topic, one.Name, ("retention.ms", 0, "5")),
                Resource(Topic, other.Name, ("retention.ms", 0, "6")),
            ],
        };
        IncrementalAlterConfigsResponse response = await Alteration.CallAsync<IncrementalAlterConfigsResponse>(request, 1);
        Assert.Equal(
            [("twice", ErrorCode.InvalidRequest), ("once", ErrorCode.None), ("twice", ErrorCode.InvalidRequest)],
            response.Responses.Select(static result => (result.ResourceName, result.ErrorCode)));
    }

    [Fact]
    public async Task Broker_defaults_reach_the_topics_that_do_not_set_them()
    {
        TopicImage topic = await actors.CreateTopicAsync("inherits");
        Assert.Equal(ErrorCode.None, await AlterAsync(1, Broker, "", ("log.cleaner.min.compaction.lag.ms", 0, "77")));
        Assert.Equal(("77", 3), await ConfigAsync(topic.Name, "min.compaction.lag.ms"));
        Assert.Equal(ErrorCode.None, await AlterAsync(1, Broker, s_self, ("log.cleaner.max.compaction.lag.ms", 0, "88")));
        var own = (await DescribeAsync(4, Broker, s_self)).Configs
            .Single(static config => config.Name == "log.cleaner.max.compaction.lag.ms");
        Assert.Equal(("88", (sbyte)2), (own.Value!, own.ConfigSource));
        Assert.Equal(ErrorCode.InvalidRequest, await AlterAsync(1, Broker, "", ("num.partitions", 0, "3")));
    }

    private DescribeConfigsHandler Description => new(actors.Client, actors.Cluster);

    private IncrementalAlterConfigsHandler Alteration => new(actors.Client, actors.Cluster);

    private static IncrementalAlterConfigsRequest.AlterConfigsResource Resource(
        sbyte type, string name, params (string Name, sbyte Operation, string? Value)[] configs) => new()
        {
            ResourceType = type,
            ResourceName = name,
            Configs = [.. configs.Select(static c =>
                new IncrementalAlterConfigsRequest.AlterableConfig { Name = c.Name, ConfigOperation = c.Operation, Value = c.Value })],
        };

    private async Task<DescribeConfigsResponse.DescribeConfigsResult> DescribeAsync(short version, sbyte type, string name)
    {
        var request = new DescribeConfigsRequest
        {
            Resources = [new() { ResourceType = type, ResourceName = name, ConfigurationKeys = null }],
            IncludeSynonyms = version >= 1,
            IncludeDocumentation = version >= 3,
        };
        return Assert.Single((await Description.CallAsync<DescribeConfigsResponse>(request, version)).Results);
    }

    private async Task<(string? Value, int Source)> ConfigAsync(string topic, string config)
    {
        var found = (await DescribeAsync(4, Topic, topic)).Configs.Single(described => described.Name == config);
        return (found.Value, found.ConfigSource);
    }

    private async Task<ErrorCode> AlterAsync(
        short version, sbyte type, string name, params (string Name, sbyte Operation, string? Value)[] configs)
    {
        var request = new IncrementalAlterConfigsRequest { Resources = [Resource(type, name, configs)] };
        return Assert.Single((await Alteration.CallAsync<IncrementalAlterConfigsResponse>(request, version)).Responses).ErrorCode;
    }

    private async Task<ErrorCode> ReplaceAsync(short version, sbyte type, string name, params (string Name, string? Value)[] configs)
    {
        var request = new AlterConfigsRequest
        {
            Resources =
            [
                new()
                {
                    ResourceType = type,
                    ResourceName = name,
                    Configs = [.. configs.Select(static c => new AlterConfigsRequest.AlterableConfig { Name = c.Name, Value = c.Value })],
                },
            ],
        };
        AlterConfigsResponse response = await new AlterConfigsHandler(actors.Client, actors.Cluster)
            .CallAsync<AlterConfigsResponse>(request, version);
        return Assert.Single(response.Responses).ErrorCode;
    }
}
