using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Catalog;

public sealed class CatalogRulesSpec
{
    private static readonly Guid s_id = new("00112233-4455-6677-8899-aabbccddeeff");
    private static readonly Guid s_other = new("10112233-4455-6677-8899-aabbccddeeff");

    private CatalogImage _image = Image();

    [Fact]
    public void A_topic_is_made_as_asked_for()
    {
        (TopicCreated? created, TopicResult result) = Create(new NewTopic("events", 12, 3, [new("retention.ms", "1000")]));

        Assert.Equal(("events", 12, (short)3, s_id), (created!.Name, created.PartitionCount, created.ReplicationFactor, created.TopicId));
        Assert.Equal(("retention.ms", "1000"), (Assert.Single(created.Configs).Name, Assert.Single(created.Configs).Value));
        Assert.Equal(ErrorCode.None, result.Error);
        Assert.Equal(
            (12, 0, (short)3, 1000L),
            (
                result.Topic!.PartitionCount,
                result.Topic.OpenPartitionCount,
                result.Topic.ReplicationFactor,
                result.Topic.Config.RetentionMs));
    }

    [Fact]
    public void What_is_left_out_comes_from_the_brokers_configs()
    {
        _image = Image(("num.partitions", "7"), ("default.replication.factor", "2"), ("log.retention.ms", "5000"));

        TopicImage topic = Create(new NewTopic("events", -1, -1, [])).Result.Topic!;

        Assert.Equal((7, (short)2, 5000L), (topic.PartitionCount, topic.ReplicationFactor, topic.Config.RetentionMs));
        Assert.Empty(topic.Overrides);
    }

    [Theory]
    [InlineData("", 1, 1, ErrorCode.InvalidTopicException)]
    [InlineData(".", 1, 1, ErrorCode.InvalidTopicException)]
    [InlineData("a b", 1, 1, ErrorCode.InvalidTopicException)]
    [InlineData("taken", 1, 1, ErrorCode.TopicAlreadyExists)]
    [InlineData("a_b", 1, 1, ErrorCode.InvalidTopicException)]
    [InlineData("a.b", 1, 1, ErrorCode.TopicAlreadyExists)]
    [InlineData("new", 0, 1, ErrorCode.InvalidPartitions)]
    [InlineData("new", -2, 1, ErrorCode.InvalidPartitions)]
    [InlineData("new", CatalogRules.MaxPartitions + 1, 1, ErrorCode.InvalidPartitions)]
    [InlineData("new", int.MaxValue, 1, ErrorCode.InvalidPartitions)]
    [InlineData("new", 1, 0, ErrorCode.InvalidReplicationFactor)]
    [InlineData("new", 1, -2, ErrorCode.InvalidReplicationFactor)]
    [InlineData("new", 1, CatalogRules.MaxReplicationFactor + 1, ErrorCode.InvalidReplicationFactor)]
    [InlineData("new", CatalogRules.MaxPartitions, CatalogRules.MaxReplicationFactor, ErrorCode.None)]
    public void What_cannot_be_made_gets_Kafkas_error(string name, int partitions, short replicas, ErrorCode error)
    {
        Made("taken");
        Made("a.b", s_other);

        (TopicCreated? created, TopicResult result) = Create(new NewTopic(name, partitions, replicas, []));

        Assert.Equal(error, result.Error);
        Assert.Equal(error == ErrorCode.None, created is not null);
        Assert.Equal(error == ErrorCode.None, result.Message is null);
    }

    [Theory]
    [InlineData("no.such.config", "1", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", "soon", ErrorCode.InvalidConfig)]
    [InlineData("retention.ms", null, ErrorCode.InvalidRequest)]
    public void A_topic_with_a_wrong_config_is_not_made(string name, string? value, ErrorCode error) =>
        Assert.Equal(error, Create(new NewTopic("new", 1, 1, [new(name, value)])).Result.Error);

    [Fact]
    public void A_configured_replication_factor_that_the_protocol_cannot_carry_is_refused()
    {
        _image = Image(("default.replication.factor", "40000"));

        Assert.Equal(ErrorCode.InvalidReplicationFactor, Create(new NewTopic("events", 1, -1, [])).Result.Error);
    }

    [Fact]
    public void The_name_of_a_deleted_topic_is_free_at_once()
    {
        Made("a.b");
        _image = _image.Apply(new TopicDeleted { TopicId = s_id });

        Assert.Equal(ErrorCode.None, CatalogRules.Create(_image, new NewTopic("a.b", 1, 1, []), s_other, default).Result.Error);
        Assert.Equal(ErrorCode.None, CatalogRules.Create(_image, new NewTopic("a_b", 1, 1, []), s_other, default).Result.Error);
    }

    [Theory]
    [InlineData("events", 4, ErrorCode.None)]
    [InlineData("events", 3, ErrorCode.InvalidPartitions)]
    [InlineData("events", 2, ErrorCode.InvalidPartitions)]
    [InlineData("events", 0, ErrorCode.InvalidPartitions)]
    [InlineData("events", CatalogRules.MaxPartitions + 1, ErrorCode.InvalidPartitions)]
    [InlineData("nothing", 4, ErrorCode.UnknownTopicOrPartition)]
    public void A_topic_only_grows(string name, int count, ErrorCode error)
    {
        Made("events", partitions: 3);

        Assert.Equal(error, CatalogRules.Grow(_image, name, count).Error);
    }

    [Fact]
    public void A_topic_that_is_being_opened_grows_later()
    {
        Made("events", partitions: 3);
        _image = _image.Apply(new PartitionsAdded { TopicId = s_id, PartitionCount = 5 });

        Assert.Equal(ErrorCode.ReassignmentInProgress, CatalogRules.Grow(_image, "events", 6).Error);
    }

    private (TopicCreated? Event, TopicResult Result) Create(NewTopic topic) =>
        CatalogRules.Create(_image, topic, s_id, DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_000));

    private void Made(string name, Guid? id = null, int partitions = 1) => _image = _image
        .Apply(new TopicCreated { TopicId = id ?? s_id, Name = name, PartitionCount = partitions, ReplicationFactor = 1 })
        .Apply(new TopicOpened { TopicId = id ?? s_id, PartitionCount = partitions });

    private static CatalogImage Image(params (string Name, string Value)[] configs) =>
        CatalogImage.Empty(configs.ToImmutableSortedDictionary(static c => c.Name, static c => c.Value, StringComparer.Ordinal));
}
