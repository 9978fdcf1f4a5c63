using Warp.Load.Client;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Xunit;

namespace Warp.Specs.Load.Client;

public sealed class KafkaClientSpec : IAsyncLifetime
{
    private static readonly KafkaTopic s_topic = new("t", new Guid(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11), 2);

    private readonly FakeBroker _broker = new();
    private readonly CancellationTokenSource _deadline =
        CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);

    private KafkaClient _client = null!;

    private CancellationToken Cancellation => _deadline.Token;

    public async ValueTask InitializeAsync()
    {
        _deadline.CancelAfter(TimeSpan.FromSeconds(30));
        Task<KafkaClient> connecting = KafkaClient.ConnectAsync(_broker.Address, "me", Cancellation);
        await _broker.AcceptAsync(
            Versions(ApiKey.Produce, 3, 9),
            Versions(ApiKey.Fetch, 4, 100),
            Versions(ApiKey.ListOffsets, 1, 5),
            Versions(ApiKey.Metadata, 90, 100),
            Versions(ApiKey.CreateTopics, 5, 7),
            new ApiVersionsResponse.ApiVersion { ApiKey = 999, MaxVersion = 1 });
        _client = await connecting;
    }

    public async ValueTask DisposeAsync()
    {
        await _client.DisposeAsync();
        _broker.Dispose();
        _deadline.Dispose();
    }

    [Fact]
    public async Task The_highest_version_is_used_that_both_know()
    {
        Assert.Equal(9, _client.VersionOf(ApiKey.Produce));
        Assert.Equal(ApiSpecs.Get(ApiKey.Fetch).MaxVersion, _client.VersionOf(ApiKey.Fetch));
        await Assert.ThrowsAsync<NotSupportedException>(() => _client.GetMetadataAsync(["t"], Cancellation));
        Assert.Throws<NotSupportedException>(() => _client.VersionOf(ApiKey.DeleteTopics));
    }

    [Fact]
    public async Task Several_requests_are_in_flight_and_answered_in_order()
    {
        byte[] batch = new RecordBatchBuilder().Append(1, null, [1, 2, 3]).Build();
        Task<long>[] sent = [.. Enumerable.Range(0, 3).Select(partition => _client.ProduceAsync(s_topic, partition, batch, Cancellation))];
        RequestFrame[] requests = [await _broker.ReadAsync(), await _broker.ReadAsync(), await _broker.ReadAsync()];
        Assert.All(sent, task => Assert.False(task.IsCompleted));
        for (int i = 0; i < requests.Length; i++)
        {
            Assert.Equal(("me", (short)9), (requests[i].Header.ClientId, requests[i].Header.ApiVersion));
            var produce = Assert.IsType<ProduceRequest>(requests[i].ReadBody());
            ProduceRequest.PartitionProduceData data = produce.TopicData.Single().PartitionData.Single();
            Assert.Equal((-1, "t", i), (produce.Acks, produce.TopicData.Single().Name, data.Index));
            Assert.Equal(batch, data.Records.Memory.ToArray());
            await _broker.AnswerAsync(requests[i], Produced(i, 100 + i));
        }
        long[] offsets = await Task.WhenAll(sent);
        Assert.Equal([100, 101, 102], offsets);
    }

    [Fact]
    public async Task What_the_broker_refuses_is_an_exception_with_Kafkas_name()
    {
        Task creating = _client.CreateTopicAsync("t", 6, Cancellation);
        RequestFrame request = await _broker.ReadAsync();
        Assert.Equal(6, ((CreateTopicsRequest)request.ReadBody()).Topics.Single().NumPartitions);
        await _broker.AnswerAsync(request, Created(ErrorCode.InvalidTopicException));
        var refused = await Assert.ThrowsAsync<KafkaException>(() => creating);
        Assert.Equal(ErrorCode.InvalidTopicException, refused.Error);
        Assert.Equal("CreateTopics t: INVALID_TOPIC_EXCEPTION (because)", refused.Message);
    }

    [Fact]
    public async Task A_topic_that_exists_is_as_good_as_created()
    {
        Task creating = _client.CreateTopicAsync("t", 6, Cancellation);
        await _broker.AnswerAsync(await _broker.ReadAsync(), Created(ErrorCode.TopicAlreadyExists));
        await creating;
    }

    [Fact]
    public async Task Fetch_and_ListOffsets_ask_for_every_partition()
    {
        Task<Dictionary<int, long>> listing = _client.ListOffsetsAsync(s_topic, KafkaClient.LatestTimestamp, Cancellation);
        RequestFrame list = await _broker.ReadAsync();
        Assert.Equal(
            [(0, -1L), (1, -1L)],
            ((ListOffsetsRequest)list.ReadBody()).Topics.Single().Partitions.Select(asked => (asked.PartitionIndex, asked.Timestamp)));
        var listed = new ListOffsetsResponse.ListOffsetsTopicResponse { Name = "t", Partitions = [Offset(0, 5), Offset(1, 7)] };
        await _broker.AnswerAsync(list, new ListOffsetsResponse { Topics = [listed] });
        Dictionary<int, long> offsets = await listing;
        Assert.Equal([KeyValuePair.Create(0, 5L), KeyValuePair.Create(1, 7L)], offsets.OrderBy(offset => offset.Key));

        var fetching = _client.FetchAsync(s_topic, offsets, TimeSpan.FromSeconds(2), Cancellation);
        RequestFrame fetch = await _broker.ReadAsync();
        var asked = (FetchRequest)fetch.ReadBody();
        Assert.Equal((2000, 1, s_topic.Id), (asked.MaxWaitMs, asked.MinBytes, asked.Topics.Single().TopicId));
        Assert.Equal(
            [(0, 5L), (1, 7L)],
            asked.Topics.Single().Partitions.Select(partition => (partition.Partition, partition.FetchOffset)));
        byte[] batch = new RecordBatchBuilder { BaseOffset = 5 }.Append(1, null, [1]).Build();
        var fetched = new FetchResponse.FetchableTopicResponse { TopicId = s_topic.Id, Partitions = [Fetched(0, batch), Fetched(1, [])] };
        await _broker.AnswerAsync(fetch, new FetchResponse { Responses = [fetched] });
        IReadOnlyList<FetchResponse.PartitionData> answers = await fetching;
        Assert.Equal(batch, answers[0].Records.Memory.ToArray());
        Assert.Equal(0, answers[1].Records.Length);
    }

    [Fact]
    public async Task A_closed_connection_ends_every_request_that_waits_and_those_to_come()
    {
        Task[] sent = [_client.CreateTopicAsync("a", 1, Cancellation), _client.CreateTopicAsync("b", 1, Cancellation)];
        await _broker.ReadAsync();
        await _broker.ReadAsync();
        _broker.Close();
        foreach (Task task in sent)
            await Assert.ThrowsAsync<IOException>(() => task);
        await Assert.ThrowsAsync<IOException>(() => _client.CreateTopicAsync("c", 1, Cancellation));
    }

    [Theory]
    [InlineData(new byte[] { 0x7F, 0xFF, 0xFF, 0xFF })] // 2 GiB
    [InlineData(new byte[] { 0xFF, 0xFF, 0xFF, 0xFF })] // a negative length
    [InlineData(new byte[] { 0, 0, 0, 4, 0, 0, 0, 2 })] // an answer without a body
    public async Task Rubbish_from_the_broker_ends_the_connection(byte[] rubbish)
    {
        Task creating = _client.CreateTopicAsync("t", 1, Cancellation);
        await _broker.ReadAsync();
        await _broker.SendAsync(rubbish);
        await Assert.ThrowsAsync<IOException>(() => creating);
    }

    [Fact]
    public async Task An_answer_to_another_request_ends_the_connection()
    {
        Task creating = _client.CreateTopicAsync("t", 1, Cancellation);
        RequestHeader asked = (await _broker.ReadAsync()).Header;
        await _broker.SendAsync(ResponseFrame.Write(asked.CorrelationId + 1, Created(ErrorCode.None), asked.ApiVersion).ToArray());
        await Assert.ThrowsAsync<IOException>(() => creating);
    }

    [Fact]
    public async Task Whoever_stops_waiting_does_not_disturb_the_others()
    {
        using var impatience = new CancellationTokenSource();
        Task first = _client.CreateTopicAsync("a", 1, impatience.Token);
        Task second = _client.CreateTopicAsync("b", 1, Cancellation);
        RequestFrame one = await _broker.ReadAsync();
        RequestFrame two = await _broker.ReadAsync();
        await impatience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => first);
        await _broker.AnswerAsync(one, Created(ErrorCode.None));
        await _broker.AnswerAsync(two, Created(ErrorCode.None));
        await second;
    }

    [Fact]
    public async Task Disposing_ends_what_waits()
    {
        Task creating = _client.CreateTopicAsync("t", 1, Cancellation);
        await _broker.ReadAsync();
        await _client.DisposeAsync();
        await Assert.ThrowsAsync<IOException>(() => creating);
    }

    private static ApiVersionsResponse.ApiVersion Versions(ApiKey key, short min, short max) =>
        new() { ApiKey = (short)key, MinVersion = min, MaxVersion = max };

    private static ProduceResponse Produced(int partition, long offset) =>
        new() { Responses = [new() { Name = "t", PartitionResponses = [new() { Index = partition, BaseOffset = offset }] }] };

    private static CreateTopicsResponse Created(ErrorCode error) =>
        new() { Topics = [new() { Name = "t", ErrorCode = error, ErrorMessage = "because" }] };

    private static ListOffsetsResponse.ListOffsetsPartitionResponse Offset(int partition, long offset) =>
        new() { PartitionIndex = partition, Offset = offset };

    private static FetchResponse.PartitionData Fetched(int partition, byte[] records) =>
        new() { PartitionIndex = partition, Records = new RecordSet(records) };
}
