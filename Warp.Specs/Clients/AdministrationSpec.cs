using System.Net;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Load.Client;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Clients;

/// <summary>What administrators ask a running node: by Confluent.Kafka where it has the call, by bare requests where it has not.</summary>
public sealed class AdministrationSpec : IAsyncLifetime
{
    private const string Topic = "administered";
    private const int Records = 1000;
    private const int RecordBytes = 100;

    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(60);

    private WarpProcess _node = null!;
    private IAdminClient _admin = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        _node = await WarpProcess.StartAsync();
        _admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = _node.Bootstrap }).Build();
        await _admin.CreateTopicsAsync([new TopicSpecification { Name = Topic, NumPartitions = 2 }]);
    }

    public async ValueTask DisposeAsync()
    {
        _admin.Dispose();
        await _node.DisposeAsync();
    }

    [Fact]
    public async Task Acls_are_disabled()
    {
        var filter = new AclBindingFilter
        {
            PatternFilter = new() { Type = ResourceType.Any, ResourcePatternType = ResourcePatternType.Any },
            EntryFilter = new() { Operation = AclOperation.Any, PermissionType = AclPermissionType.Any },
        };
        // Confluent.Kafka does not show the error that this answer has, only that there are none.
        Assert.Empty((await _admin.DescribeAclsAsync(filter)).AclBindings);
        var deleted = await Assert.ThrowsAsync<DeleteAclsException>(() => _admin.DeleteAclsAsync([filter]));
        Assert.Equal(Confluent.Kafka.ErrorCode.SecurityDisabled, Assert.Single(deleted.Results).Error.Code);
        var binding = new AclBinding
        {
            Pattern = new() { Type = ResourceType.Topic, Name = Topic, ResourcePatternType = ResourcePatternType.Literal },
            Entry = new() { Principal = "User:u", Host = "*", Operation = AclOperation.Read, PermissionType = AclPermissionType.Allow },
        };
        var created = await Assert.ThrowsAsync<CreateAclsException>(() => _admin.CreateAclsAsync([binding]));
        Assert.Equal(Confluent.Kafka.ErrorCode.SecurityDisabled, Assert.Single(created.Results).Error.Code);
    }

    [Fact]
    public async Task No_leader_needs_to_be_elected()
    {
        var refused = await Assert.ThrowsAsync<ElectLeadersException>(
            () => _admin.ElectLeadersAsync(ElectionType.Preferred, [new TopicPartition(Topic, 0), new TopicPartition("never-was", 0)]));
        Assert.Equal(
            [Confluent.Kafka.ErrorCode.ElectionNotNeeded, Confluent.Kafka.ErrorCode.UnknownTopicOrPart],
            refused.Results.TopicPartitions
                .OrderBy(static found => found.Topic, StringComparer.Ordinal).Select(static found => found.Error.Code));
        Assert.Empty((await _admin.ElectLeadersAsync(ElectionType.Preferred, null)).TopicPartitions);
    }

    [Fact]
    public async Task Sizes_and_producers_are_those_of_what_was_written()
    {
        await using KafkaClient client = await ConnectAsync("tools");
        Assert.Equal([0, 0], await SizesAsync(client));
        await ProduceAsync("writer");
        List<long> sizes = await SizesAsync(client);
        Assert.InRange(sizes[0], Records * RecordBytes, Records * (RecordBytes + 70));
        Assert.Equal(0, sizes[1]);

        var request = new DescribeProducersRequest { Topics = [new() { Name = Topic, PartitionIndexes = [0, 1] }] };
        List<DescribeProducersResponse.PartitionResponse> found =
            (await client.SendAsync<DescribeProducersResponse>(request, Cancellation)).Topics[0].Partitions;
        Assert.Equal((0, Records - 1), (Assert.Single(found[0].ActiveProducers).ProducerEpoch, found[0].ActiveProducers[0].LastSequence));
        Assert.Empty(found[1].ActiveProducers);
    }

    [Fact]
    public async Task Offsets_are_found_by_every_special_timestamp()
    {
        await ProduceAsync("writer");
        await _admin.DeleteRecordsAsync([new TopicPartitionOffset(Topic, 0, 10)]);
        await using KafkaClient client = await ConnectAsync("tools");
        // Latest, earliest, of the largest timestamp, earliest local, latest tiered, to be uploaded, at a time, past the end.
        long[] timestamps = [-1, -2, -4, -5, -6, 1_000_000_000_000, 4_000_000_000_000];
        var found = new List<long>();
        foreach (long timestamp in timestamps)
            found.Add((await OffsetOfAsync(client, timestamp)).Offset);
        Assert.Equal([Records, 10, 10, -1, -1, 10, -1], found);
        var last = await OffsetOfAsync(client, -3);
        Assert.InRange(last.Offset, 10, Records - 1);
        Assert.Equal(last.Offset, (await OffsetOfAsync(client, last.Timestamp)).Offset);
        Assert.Equal(Warp.Protocol.Messages.ErrorCode.UnsupportedVersion, (await OffsetOfAsync(client, -7)).ErrorCode);
    }

    [Fact]
    public async Task A_topic_is_only_checked_when_that_is_asked_for()
    {
        var specification = new TopicSpecification { Name = "checked", NumPartitions = 3, Configs = new() { ["retention.ms"] = "1000" } };
        var validate = new CreateTopicsOptions { ValidateOnly = true };
        await _admin.CreateTopicsAsync([specification], validate);
        Assert.DoesNotContain(_admin.GetMetadata(s_patience).Topics, static topic => topic.Topic == "checked");
        specification.Configs["retention.ms"] = "soon";
        var refused = await Assert.ThrowsAsync<CreateTopicsException>(() => _admin.CreateTopicsAsync([specification], validate));
        Assert.Equal(Confluent.Kafka.ErrorCode.InvalidConfig, Assert.Single(refused.Results).Error.Code);
        specification.Configs["retention.ms"] = "1000";
        await _admin.CreateTopicsAsync([specification]);
        var configs = await _admin.DescribeConfigsAsync([new ConfigResource { Type = ResourceType.Topic, Name = "checked" }]);
        Assert.Equal("1000", Assert.Single(configs).Entries["retention.ms"].Value);
    }

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("a b")]
    [InlineData("ü")]
    [InlineData("a/b")]
    public async Task A_topic_with_a_bad_name_is_not_created(string name)
    {
        await using KafkaClient client = await ConnectAsync("tools");
        var request = new CreateTopicsRequest { Topics = [new() { Name = name, NumPartitions = 1, ReplicationFactor = 1 }] };
        var response = await client.SendAsync<CreateTopicsResponse>(request, Cancellation);
        Assert.Equal(Warp.Protocol.Messages.ErrorCode.InvalidTopicException, Assert.Single(response.Topics).ErrorCode);
    }

    [Fact]
    public async Task A_producer_above_its_quota_is_throttled_and_the_quota_outlives_a_restart()
    {
        await using (KafkaClient client = await ConnectAsync("tools"))
        {
            var alter = new AlterClientQuotasRequest
            {
                Entries =
                [
                    new()
                    {
                        Entity = [new() { EntityType = "client-id", EntityName = "slow" }],
                        Ops = [new() { Key = "producer_byte_rate", Value = 1000 }],
                    },
                ],
            };
            Assert.Equal(
                Warp.Protocol.Messages.ErrorCode.None,
                Assert.Single((await client.SendAsync<AlterClientQuotasResponse>(alter, Cancellation)).Entries).ErrorCode);
        }
        Assert.Equal(0, await _node.TerminateAsync(s_patience));
        await _node.StartAgainAsync();

        Assert.Equal(TimeSpan.Zero, await ThrottleOfAsync("fast"));
        Assert.InRange(await ThrottleOfAsync("slow"), TimeSpan.FromSeconds(39), TimeSpan.FromSeconds(41));
        IReadOnlyDictionary<string, double> metrics = await _node.MetricsAsync();
        Assert.Contains(metrics, static sample => sample.Key.Contains("throttle", StringComparison.Ordinal) && sample.Value > 39);
    }

    /// <summary>The time for which a producer was told to wait when it had written 50 KB.</summary>
    private async Task<TimeSpan> ThrottleOfAsync(string clientId)
    {
        int longestMs = 0;
        var config = new ProducerConfig { BootstrapServers = _node.Bootstrap, ClientId = clientId, StatisticsIntervalMs = 100 };
        int reports = 0;
        using IProducer<Null, byte[]> producer = new ProducerBuilder<Null, byte[]>(config)
            .SetStatisticsHandler((_, json) =>
            {
                foreach (var broker in System.Text.Json.JsonDocument.Parse(json).RootElement.GetProperty("brokers").EnumerateObject())
                    longestMs = Math.Max(longestMs, broker.Value.GetProperty("throttle").GetProperty("max").GetInt32());
                Interlocked.Increment(ref reports);
            })
            .Build();
        await producer.ProduceAsync(new TopicPartition(Topic, 0), new() { Value = new byte[50_000] }, Cancellation);
        int before = Volatile.Read(ref reports);
        await Wait.UntilAsync(() => Volatile.Read(ref reports) >= before + 2, s_patience, "the client's statistics");
        return TimeSpan.FromMilliseconds(longestMs);
    }

    private async Task ProduceAsync(string clientId)
    {
        var config = new ProducerConfig { BootstrapServers = _node.Bootstrap, ClientId = clientId, EnableIdempotence = true };
        using IProducer<Null, byte[]> producer = new ProducerBuilder<Null, byte[]>(config).Build();
        await Task.WhenAll(Enumerable.Range(0, Records).Select(
            _ => producer.ProduceAsync(new TopicPartition(Topic, 0), new() { Value = new byte[RecordBytes] }, Cancellation)));
    }

    private Task<KafkaClient> ConnectAsync(string clientId)
    {
        string[] address = _node.Bootstrap.Split(':');
        return KafkaClient.ConnectAsync(new DnsEndPoint(address[0], int.Parse(address[1])), clientId, Cancellation);
    }

    private static async Task<List<long>> SizesAsync(KafkaClient client)
    {
        var response = await client.SendAsync<DescribeLogDirsResponse>(
            new DescribeLogDirsRequest { Topics = [new() { Topic = Topic, Partitions = [0, 1] }] }, Cancellation);
        return [.. Assert.Single(response.Results).Topics[0].Partitions.Select(static partition => partition.PartitionSize)];
    }

    private static async Task<ListOffsetsResponse.ListOffsetsPartitionResponse> OffsetOfAsync(KafkaClient client, long timestamp)
    {
        var request = new ListOffsetsRequest
        {
            ReplicaId = -1,
            Topics = [new() { Name = Topic, Partitions = [new() { PartitionIndex = 0, CurrentLeaderEpoch = -1, Timestamp = timestamp }] }],
        };
        return (await client.SendAsync<ListOffsetsResponse>(request, Cancellation)).Topics[0].Partitions[0];
    }
}
