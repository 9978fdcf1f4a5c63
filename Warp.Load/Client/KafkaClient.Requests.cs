using Warp.Protocol.Messages;
using Warp.Protocol.Wire;

namespace Warp.Load.Client;

public sealed partial class KafkaClient
{
    /// <summary>The timestamp that asks ListOffsets for the offset after the last record.</summary>
    public const long LatestTimestamp = -1;

    /// <summary>The timestamp that asks ListOffsets for the offset of the first record.</summary>
    public const long EarliestTimestamp = -2;

    private const short AcksAll = -1;
    private const int TimeoutMs = 30_000;
    private const int FetchMaxBytes = 50 << 20;
    private const int PartitionMaxBytes = 1 << 20;

    /// <summary>Creates a topic with the broker's default replication; one that is there already stays as it is.</summary>
    /// <exception cref="KafkaException">The broker refused.</exception>
    public async Task CreateTopicAsync(string name, int partitions, CancellationToken cancellationToken)
    {
        var topic = new CreateTopicsRequest.CreatableTopic { Name = name, NumPartitions = partitions, ReplicationFactor = 1 };
        var request = new CreateTopicsRequest { Topics = [topic], TimeoutMs = TimeoutMs };
        var answer = await SendAsync<CreateTopicsResponse>(request, cancellationToken);
        foreach (CreateTopicsResponse.CreatableTopicResult result in answer.Topics)
        {
            if (result.ErrorCode != ErrorCode.TopicAlreadyExists)
                KafkaException.ThrowIfError(result.ErrorCode, $"CreateTopics {name}", result.ErrorMessage);
        }
    }

    /// <summary>What the broker says about itself and the topics named; a topic that is not there is not created.</summary>
    public Task<MetadataResponse> GetMetadataAsync(IEnumerable<string> topics, CancellationToken cancellationToken)
    {
        var request = new MetadataRequest
        {
            Topics = [.. topics.Select(static name => new MetadataRequest.MetadataRequestTopic { Name = name })],
            AllowAutoTopicCreation = false,
        };
        return SendAsync<MetadataResponse>(request, cancellationToken);
    }

    /// <summary>Appends a batch with acks=all.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="partition">The partition.</param>
    /// <param name="batch">The batch; must stay as it is until the answer.</param>
    /// <param name="cancellationToken">Stops waiting; the batch may have been appended.</param>
    /// <returns>The offset of its first record.</returns>
    /// <exception cref="KafkaException">The broker refused it.</exception>
    public async Task<long> ProduceAsync(KafkaTopic topic, int partition, ReadOnlyMemory<byte> batch, CancellationToken cancellationToken)
    {
        var data = new ProduceRequest.TopicProduceData { Name = topic.Name, TopicId = topic.Id };
        data.PartitionData.Add(new ProduceRequest.PartitionProduceData { Index = partition, Records = new RecordSet(batch) });
        var request = new ProduceRequest { Acks = AcksAll, TimeoutMs = TimeoutMs, TopicData = [data] };
        var response = await SendAsync<ProduceResponse>(request, cancellationToken);
        ProduceResponse.PartitionProduceResponse answer = response.Responses.Single().PartitionResponses.Single();
        KafkaException.ThrowIfError(answer.ErrorCode, $"Produce to {topic.Name}-{partition}", answer.ErrorMessage);
        return answer.BaseOffset;
    }

    /// <summary>Reads from partitions of one topic, and waits for records if there are none.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="offsets">From where to read, by partition.</param>
    /// <param name="maxWait">How long the broker may wait for the first record.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="KafkaException">The broker refused the whole request, or one of the partitions.</exception>
    public async Task<IReadOnlyList<FetchResponse.PartitionData>> FetchAsync(
        KafkaTopic topic, IReadOnlyDictionary<int, long> offsets, TimeSpan maxWait, CancellationToken cancellationToken)
    {
        var fetch = new FetchRequest.FetchTopic { Topic = topic.Name, TopicId = topic.Id };
        foreach ((int partition, long offset) in offsets)
        {
            fetch.Partitions.Add(new FetchRequest.FetchPartition
            {
                Partition = partition,
                FetchOffset = offset,
                PartitionMaxBytes = PartitionMaxBytes,
            });
        }
        var request = new FetchRequest
        {
            MaxWaitMs = (int)maxWait.TotalMilliseconds,
            MinBytes = 1,
            MaxBytes = FetchMaxBytes,
            Topics = [fetch],
        };
        var response = await SendAsync<FetchResponse>(request, cancellationToken);
        KafkaException.ThrowIfError(response.ErrorCode, $"Fetch from {topic.Name}");
        List<FetchResponse.PartitionData> answers = [.. response.Responses.SelectMany(static answer => answer.Partitions)];
        foreach (FetchResponse.PartitionData answer in answers)
            KafkaException.ThrowIfError(answer.ErrorCode, $"Fetch from {topic.Name}-{answer.PartitionIndex}");
        return answers;
    }

    /// <summary>Offsets by time, one for each partition of a topic.</summary>
    /// <param name="topic">The topic.</param>
    /// <param name="timestamp">In ms since 1970, or <see cref="EarliestTimestamp"/>, or <see cref="LatestTimestamp"/>.</param>
    /// <param name="cancellationToken">Stops waiting.</param>
    /// <exception cref="KafkaException">The broker refused one of the partitions.</exception>
    public async Task<Dictionary<int, long>> ListOffsetsAsync(KafkaTopic topic, long timestamp, CancellationToken cancellationToken)
    {
        var list = new ListOffsetsRequest.ListOffsetsTopic { Name = topic.Name };
        for (int partition = 0; partition < topic.PartitionCount; partition++)
            list.Partitions.Add(new ListOffsetsRequest.ListOffsetsPartition { PartitionIndex = partition, Timestamp = timestamp });
        var request = new ListOffsetsRequest { ReplicaId = -1, Topics = [list], TimeoutMs = TimeoutMs };
        var response = await SendAsync<ListOffsetsResponse>(request, cancellationToken);
        var offsets = new Dictionary<int, long>();
        foreach (ListOffsetsResponse.ListOffsetsPartitionResponse answer in response.Topics.SelectMany(static answer => answer.Partitions))
        {
            KafkaException.ThrowIfError(answer.ErrorCode, $"ListOffsets of {topic.Name}-{answer.PartitionIndex}");
            offsets[answer.PartitionIndex] = answer.Offset;
        }
        return offsets;
    }
}
