using System.Text;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>What a node has acknowledged of topics, offsets and producers is the same after it was killed and started again.</summary>
public sealed class RestartSpec(ITestOutputHelper output)
{
    private const int Partitions = 4;
    private const short ReplicationFactor = 3;
    private const int Rounds = 3;
    private const short ProduceVersion = 11;
    private const int RecordsPerBatch = 5;

    private static readonly int _topics = TestRun.IsLong ? 500 : 60;
    private static readonly int _producers = TestRun.IsLong ? 100 : 20;

    private readonly Dictionary<(string Topic, int Partition), long> _ends = [];
    private readonly Dictionary<(long Producer, string Topic, int Partition), (int Sequence, long Offset)> _last = [];

    [Fact]
    public async Task Topics_offsets_and_producers_survive_a_kill()
    {
        var random = new Random(TestRun.TakeSeed());
        // Hundreds of requests, each of which waits for the one before it.
        await using var node = await WarpProcess.StartAsync("warp.flush.interval=10ms", "warp.flush.puts-per-second=0");
        string[] topics = [.. Enumerable.Range(0, _topics).Select(static n => $"topic-{n}")];
        long[] producers;
        using (var socket = await KafkaSocket.ConnectAsync(node.Bootstrap))
        {
            await CreateAsync(socket, topics);
            producers = await InitializeAsync(socket, _producers);
            for (int round = 0; round < Rounds; round++)
                await ProduceAsync(socket, topics, producers, random);
        }
        await node.KillAsync();
        await node.StartAgainAsync();
        output.WriteLine($"{topics.Length} topics of {Partitions} partitions, {producers.Length} producers, {_ends.Values.Sum()} records");

        using var again = await KafkaSocket.ConnectAsync(node.Bootstrap);
        await AssertTopicsAsync(again, topics);
        await AssertEndsAsync(again, topics);
        await AssertDuplicatesAsync(again);
        await AssertEndsAsync(again, topics);
        await ProduceAsync(again, topics, producers, random);
        await AssertEndsAsync(again, topics);
        Assert.Empty((await InitializeAsync(again, _producers)).Intersect(producers));
    }

    private static async Task CreateAsync(KafkaSocket socket, string[] topics)
    {
        var request = new CreateTopicsRequest { TimeoutMs = 30_000 };
        foreach (string topic in topics)
        {
            request.Topics.Add(new()
            {
                Name = topic,
                NumPartitions = Partitions,
                ReplicationFactor = ReplicationFactor,
                Configs = [new() { Name = "retention.ms", Value = "-1" }],
            });
        }
        var response = await socket.AskAsync<CreateTopicsResponse>(request, 7);
        Assert.All(response.Topics, static topic => Assert.Equal(ErrorCode.None, topic.ErrorCode));
        Assert.All(response.Topics, static topic => Assert.Equal(ReplicationFactor, topic.ReplicationFactor));
    }

    private static async Task<long[]> InitializeAsync(KafkaSocket socket, int count)
    {
        var ids = new long[count];
        for (int i = 0; i < count; i++)
        {
            var request = new InitProducerIdRequest { TransactionalId = null, TransactionTimeoutMs = 60_000 };
            var response = await socket.AskAsync<InitProducerIdResponse>(request, 4);
            Assert.Equal(ErrorCode.None, response.ErrorCode);
            ids[i] = response.ProducerId;
        }
        return ids;
    }

    /// <summary>Each producer writes its next batch to one partition of each of some topics.</summary>
    private async Task ProduceAsync(KafkaSocket socket, string[] topics, long[] producers, Random random)
    {
        foreach (long producer in producers)
        {
            var request = new ProduceRequest { Acks = -1, TimeoutMs = 30_000 };
            foreach (string topic in random.GetItems(topics, 10).Distinct())
            {
                int partition = random.Next(Partitions);
                int sequence = _last.TryGetValue((producer, topic, partition), out var last) ? last.Sequence + RecordsPerBatch : 0;
                request.TopicData.Add(new() { Name = topic, PartitionData = [PartitionData(partition, Batch(producer, sequence))] });
                _last[(producer, topic, partition)] = (sequence, _ends.GetValueOrDefault((topic, partition)));
                _ends[(topic, partition)] = _ends.GetValueOrDefault((topic, partition)) + RecordsPerBatch;
            }
            var response = await socket.AskAsync<ProduceResponse>(request, ProduceVersion);
            foreach (var topic in response.Responses)
            {
                var answer = Assert.Single(topic.PartitionResponses);
                Assert.Equal(ErrorCode.None, answer.ErrorCode);
                Assert.Equal(_last[(producer, topic.Name, answer.Index)].Offset, answer.BaseOffset);
            }
        }
    }

    /// <summary>
    /// The last batch of each producer, sent again, gets the offset of the first time; one with a gap before it is refused.
    /// </summary>
    private async Task AssertDuplicatesAsync(KafkaSocket socket)
    {
        foreach (((long producer, string topic, int partition), (int sequence, long offset)) in _last.Take(100))
        {
            var again = await ProduceOneAsync(socket, topic, partition, Batch(producer, sequence));
            Assert.True(
                (ErrorCode.None, offset) == (again.ErrorCode, again.BaseOffset),
                $"{topic}-{partition}: producer {producer}, {sequence} was at {offset}, is {again.ErrorCode} at {again.BaseOffset}");
        }
        var ((anyProducer, anyTopic, anyPartition), (lastSequence, _)) = _last.First();
        var gap = await ProduceOneAsync(socket, anyTopic, anyPartition, Batch(anyProducer, lastSequence + (2 * RecordsPerBatch)));
        Assert.Equal(ErrorCode.OutOfOrderSequenceNumber, gap.ErrorCode);
    }

    private static ProduceRequest.PartitionProduceData PartitionData(int partition, RecordSet records) =>
        new() { Index = partition, Records = records };

    private static async Task<ProduceResponse.PartitionProduceResponse> ProduceOneAsync(
        KafkaSocket socket, string topic, int partition, RecordSet records)
    {
        var request = new ProduceRequest { Acks = -1, TimeoutMs = 30_000 };
        request.TopicData.Add(new() { Name = topic, PartitionData = [PartitionData(partition, records)] });
        return (await socket.AskAsync<ProduceResponse>(request, ProduceVersion)).Responses[0].PartitionResponses[0];
    }

    private static async Task AssertTopicsAsync(KafkaSocket socket, string[] topics)
    {
        var found = await socket.AskAsync<MetadataResponse>(new MetadataRequest { Topics = null }, 12);
        Assert.Equal(topics.Order(StringComparer.Ordinal), found.Topics.Select(static topic => topic.Name).Order(StringComparer.Ordinal));
        Assert.All(found.Topics, static topic => Assert.Equal(Partitions, topic.Partitions.Count));
        var partitions = found.Topics.SelectMany(static topic => topic.Partitions);
        Assert.All(partitions, static partition => Assert.Equal(ReplicationFactor, partition.ReplicaNodes.Count));
        var resource = new DescribeConfigsRequest.DescribeConfigsResource
        {
            ResourceType = 2, ResourceName = topics[^1], ConfigurationKeys = ["retention.ms"],
        };
        var configs = await socket.AskAsync<DescribeConfigsResponse>(new DescribeConfigsRequest { Resources = [resource] }, 4);
        Assert.Equal("-1", Assert.Single(configs.Results[0].Configs).Value);
    }

    private async Task AssertEndsAsync(KafkaSocket socket, string[] topics)
    {
        const long Latest = -1;
        var request = new ListOffsetsRequest();
        foreach (string topic in topics)
        {
            var partitions = Enumerable.Range(0, Partitions).Select(
                static n => new ListOffsetsRequest.ListOffsetsPartition { PartitionIndex = n, Timestamp = Latest });
            request.Topics.Add(new() { Name = topic, Partitions = [.. partitions] });
        }
        var response = await socket.AskAsync<ListOffsetsResponse>(request, 7);
        foreach (var topic in response.Topics)
        {
            foreach (var partition in topic.Partitions)
                Assert.Equal(_ends.GetValueOrDefault((topic.Name, partition.PartitionIndex)), partition.Offset);
        }
    }

    private static RecordSet Batch(long producer, int sequence)
    {
        var batch = new RecordBatchBuilder { ProducerId = producer, ProducerEpoch = 0, BaseSequence = sequence };
        for (int i = 0; i < RecordsPerBatch; i++)
            batch.Append(1_700_000_000_000, null, Encoding.ASCII.GetBytes($"{producer}/{sequence + i}"));
        return new RecordSet(batch.Build());
    }
}
