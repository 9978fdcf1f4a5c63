using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Xunit;

namespace Warp.Specs.Clients.ConfluentKafka;

public sealed class TopicAdminSpec(NodeFixture fixture) : IClassFixture<NodeFixture>
{
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(30);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_topic_is_made_described_and_deleted()
    {
        using var admin = fixture.Admin();
        await admin.CreateTopicsAsync([
            new TopicSpecification
            {
                Name = "whole-life", NumPartitions = 3, ReplicationFactor = 3, Configs = new() { ["retention.ms"] = "3600000" },
            },
        ]);
        var described = Assert.Single((await admin.DescribeTopicsAsync(TopicCollection.OfTopicNames(["whole-life"]))).TopicDescriptions);
        Assert.Equal(("whole-life", 3, false), (described.Name, described.Partitions.Count, described.IsInternal));
        Assert.NotEqual("AAAAAAAAAAAAAAAAAAAAAA", described.TopicId.ToString());
        Assert.All(described.Partitions, static partition => Assert.Equal((3, 3), (partition.Replicas.Count, partition.ISR.Count)));
        Assert.All(described.Partitions, static partition => Assert.True(partition.Leader.Port > 0));

        await admin.DeleteTopicsAsync(["whole-life"]);
        var gone = await Assert.ThrowsAsync<DescribeTopicsException>(
            () => admin.DescribeTopicsAsync(TopicCollection.OfTopicNames(["whole-life"])));
        Assert.Equal(ErrorCode.UnknownTopicOrPart, gone.Results.TopicDescriptions[0].Error.Code);
        var again = await Assert.ThrowsAsync<DeleteTopicsException>(() => admin.DeleteTopicsAsync(["whole-life"]));
        Assert.Equal(ErrorCode.UnknownTopicOrPart, again.Results[0].Error.Code);
    }

    [Fact]
    public async Task A_topic_that_is_made_again_is_empty()
    {
        await fixture.CreateAsync("again");
        using (var producer = fixture.Producer())
            await producer.ProduceAsync("again", new() { Value = [1] }, Cancellation);
        using var admin = fixture.Admin();
        await admin.DeleteTopicsAsync(["again"]);
        await fixture.CreateAsync("again");
        using var consumer = fixture.Consumer();
        var ends = consumer.QueryWatermarkOffsets(new TopicPartition("again", 0), _patience);
        Assert.Equal((0, 0), (ends.Low.Value, ends.High.Value));
    }

    [Theory]
    [InlineData("with blanks", 1, 1, null, null, ErrorCode.TopicException)]
    [InlineData(".", 1, 1, null, null, ErrorCode.TopicException)]
    [InlineData("no-partitions", 0, 1, null, null, ErrorCode.InvalidPartitions)]
    [InlineData("unknown-config", 1, 1, "no.such.config", "1", ErrorCode.InvalidConfig)]
    [InlineData("bad-value", 1, 1, "retention.ms", "soon", ErrorCode.InvalidConfig)]
    [InlineData("bad-list", 1, 1, "cleanup.policy", "shred", ErrorCode.InvalidConfig)]
    [InlineData("too-many-partitions", 20_000, 1, null, null, ErrorCode.PolicyViolation)]
    public async Task What_cannot_be_made_is_refused(
        string name, int partitions, short replicas, string? config, string? value, ErrorCode error)
    {
        using var admin = fixture.Admin();
        foreach (bool validateOnly in (bool[])[true, false])
        {
            var topic = new TopicSpecification
            {
                Name = name,
                NumPartitions = partitions,
                ReplicationFactor = replicas,
                Configs = config is null ? [] : new() { [config] = value },
            };
            var refused = await Assert.ThrowsAsync<CreateTopicsException>(
                () => admin.CreateTopicsAsync([topic], new CreateTopicsOptions { ValidateOnly = validateOnly }));
            Assert.Equal(error, refused.Results[0].Error.Code);
            if (config is not null)
                Assert.Contains(config, refused.Results[0].Error.Reason, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task A_topic_that_is_only_checked_is_not_made()
    {
        using var admin = fixture.Admin();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = "checked" }], new CreateTopicsOptions { ValidateOnly = true });
        Assert.DoesNotContain(admin.GetMetadata(_patience).Topics, static topic => topic.Topic == "checked");
    }

    [Fact]
    public async Task A_topic_that_exists_is_not_made_again_and_the_others_are()
    {
        await fixture.CreateAsync("exists");
        using var admin = fixture.Admin();
        var refused = await Assert.ThrowsAsync<CreateTopicsException>(
            () => admin.CreateTopicsAsync([new TopicSpecification { Name = "exists" }, new TopicSpecification { Name = "does-not" }]));
        Assert.Equal(
            [("exists", ErrorCode.TopicAlreadyExists), ("does-not", ErrorCode.NoError)],
            refused.Results.Select(static result => (result.Topic, result.Error.Code)));
        Assert.Single(admin.GetMetadata("does-not", _patience).Topics[0].Partitions);
    }

    [Fact]
    public async Task Partitions_are_added_and_can_be_written_at_once()
    {
        await fixture.CreateAsync("grows", 2);
        using var admin = fixture.Admin();
        await admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = "grows", IncreaseTo = 5 }]);
        Assert.Equal(5, admin.GetMetadata("grows", _patience).Topics[0].Partitions.Count);
        using var producer = fixture.Producer();
        for (int partition = 0; partition < 5; partition++)
        {
            var delivered = await producer.ProduceAsync(new TopicPartition("grows", partition), new() { Value = [1] }, Cancellation);
            Assert.Equal(0, delivered.Offset.Value);
        }
        (string, int, ErrorCode)[] refusals =
            [("grows", 5, ErrorCode.InvalidPartitions), ("grows", 3, ErrorCode.InvalidPartitions), ("nowhere", 3, ErrorCode.UnknownTopicOrPart)];
        foreach (var (topic, count, error) in refusals)
        {
            var refused = await Assert.ThrowsAsync<CreatePartitionsException>(
                () => admin.CreatePartitionsAsync([new PartitionsSpecification { Topic = topic, IncreaseTo = count }]));
            Assert.Equal(error, refused.Results[0].Error.Code);
        }
    }

    [Fact]
    public async Task Records_are_deleted_from_the_front()
    {
        await fixture.CreateAsync("front", 2);
        using var producer = fixture.Producer();
        await Task.WhenAll(Enumerable.Range(0, 20).Select(
            n => producer.ProduceAsync(new TopicPartition("front", n % 2), new() { Value = [(byte)n] }, Cancellation)));
        using var admin = fixture.Admin();
        TopicPartitionOffset[] fronts = [new("front", 0, 4), new("front", 1, Offset.End)];
        var deleted = await admin.DeleteRecordsAsync(fronts);
        Assert.Equal([(0, 4), (1, 10)], deleted.Select(static result => (result.Partition.Value, (int)result.Offset.Value)).Order());
        Assert.Equal(4, fixture.Read("front", 1, partition: 0, from: 4)[0].Offset.Value);
        var beyond = await Assert.ThrowsAsync<DeleteRecordsException>(
            () => admin.DeleteRecordsAsync([new TopicPartitionOffset("front", 0, 11)]));
        Assert.Equal(ErrorCode.OffsetOutOfRange, beyond.Results[0].Error.Code);
    }

    [Fact]
    public async Task The_cluster_is_described()
    {
        using var admin = fixture.Admin();
        var cluster = await admin.DescribeClusterAsync();
        Assert.Equal(22, cluster.ClusterId.Length);
        var node = Assert.Single(cluster.Nodes);
        Assert.Equal(fixture.Node.Bootstrap, $"{node.Host}:{node.Port}");
        Assert.Equal(node.Id, cluster.Controller.Id);
        var metadata = admin.GetMetadata(_patience);
        Assert.Equal([node.Id], metadata.Brokers.Select(static broker => broker.BrokerId));
        Assert.Equal(node.Id, metadata.OriginatingBrokerId);
    }

    [Fact]
    public async Task Offsets_are_listed()
    {
        await fixture.CreateAsync("listed", 2);
        using var producer = fixture.Producer();
        var time = new DateTime(2026, 5, 5, 0, 0, 0, DateTimeKind.Utc);
        int[] minutes = [0, 2, 1];
        foreach (int minute in minutes)
        {
            var record = new Message<byte[]?, byte[]?> { Value = [1], Timestamp = new Timestamp(time.AddMinutes(minute)) };
            await producer.ProduceAsync(new TopicPartition("listed", 0), record, Cancellation);
        }
        using var admin = fixture.Admin();
        var afterOneMinute = OffsetSpec.ForTimestamp(new Timestamp(time.AddMinutes(1)).UnixTimestampMs);
        Assert.Equal(0, await ListAsync(0, OffsetSpec.Earliest()));
        Assert.Equal(3, await ListAsync(0, OffsetSpec.Latest()));
        Assert.Equal(1, await ListAsync(0, OffsetSpec.MaxTimestamp()));
        Assert.Equal(1, await ListAsync(0, afterOneMinute));
        Assert.Equal(0, await ListAsync(1, OffsetSpec.Latest()));
        Assert.Equal(Offset.End.Value, await ListAsync(1, afterOneMinute));

        async Task<long> ListAsync(int partition, OffsetSpec spec)
        {
            var asked = new TopicPartitionOffsetSpec { TopicPartition = new TopicPartition("listed", partition), OffsetSpec = spec };
            return Assert.Single((await admin.ListOffsetsAsync([asked])).ResultInfos).TopicPartitionOffsetError.Offset.Value;
        }
    }
}
