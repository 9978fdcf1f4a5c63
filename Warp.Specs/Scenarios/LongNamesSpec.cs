using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>Every string of a request may have 32,767 bytes, and the errors that repeat some of them must not have more.</summary>
public sealed class LongNamesSpec(ITestOutputHelper output)
{
    private static readonly string _long = new('n', short.MaxValue);

    [Fact]
    public async Task Names_as_long_as_they_can_be_are_answered()
    {
        await using var bystander = await Bystander.StartAsync();
        using var socket = await bystander.ConnectAsync();
        foreach (var request in Requests())
        {
            var (lowest, highest) = Versions(request);
            for (short version = lowest; version <= highest; version++)
            {
                await socket.SendAsync(request, version);
                Assert.True(await socket.ReceiveAsync() is not null, $"{request.ApiKey} {version} got no answer: {bystander.Node.Output}");
            }
        }
        await bystander.AssertUnimpressedAsync(output);
    }

    private static IEnumerable<IRequest> Requests()
    {
        var topic = new CreateTopicsRequest.CreatableTopic { Name = _long, NumPartitions = 1, ReplicationFactor = 1 };
        yield return new CreateTopicsRequest { Topics = [topic] };
        yield return new CreateTopicsRequest { Topics = [topic, topic] };
        foreach (var (name, value) in new[] { (_long, _long), ("retention.ms", _long), ("cleanup.policy", _long) })
        {
            var configured = new CreateTopicsRequest.CreatableTopic { Name = "short", NumPartitions = 1, ReplicationFactor = 1 };
            configured.Configs.Add(new() { Name = name, Value = value });
            yield return new CreateTopicsRequest { Topics = [configured] };
        }
        yield return new DeleteTopicsRequest { TopicNames = [_long, _long] };
        yield return new DeleteTopicsRequest { Topics = [new() { Name = _long }] };
        yield return new CreatePartitionsRequest { Topics = [new() { Name = _long, Count = 2, Assignments = null }] };
        foreach (sbyte type in (sbyte[])[2, 4, 5])
        {
            foreach (string resource in (string[])[_long, Bystander.Topic, ""])
            {
                yield return new DescribeConfigsRequest
                {
                    Resources = [new() { ResourceType = type, ResourceName = resource, ConfigurationKeys = [_long] }],
                };
                yield return new AlterConfigsRequest
                {
                    Resources = [new() { ResourceType = type, ResourceName = resource, Configs = [new() { Name = _long, Value = _long }] }],
                };
                var alteration = new IncrementalAlterConfigsRequest.AlterConfigsResource { ResourceType = type, ResourceName = resource };
                yield return new IncrementalAlterConfigsRequest { Resources = [alteration, alteration] };
            }
        }
        yield return new MetadataRequest { Topics = [new() { Name = _long }] };
        yield return new FindCoordinatorRequest { Key = _long };
        yield return new FindCoordinatorRequest { CoordinatorKeys = [_long], KeyType = 9 };
        yield return new OffsetForLeaderEpochRequest { Topics = [new() { Topic = _long, Partitions = [new()] }] };
        yield return new DeleteRecordsRequest { Topics = [new() { Name = _long, Partitions = [new()] }] };
        yield return new ListOffsetsRequest { Topics = [new() { Name = _long, Partitions = [new()] }] };
        yield return new InitProducerIdRequest { TransactionalId = _long, TransactionTimeoutMs = 1 };
        yield return new DescribeTopicPartitionsRequest { Topics = [new() { Name = _long }] };
    }

    /// <summary>The versions that can carry the request.</summary>
    private static (short Lowest, short Highest) Versions(IRequest request) => request switch
    {
        DeleteTopicsRequest { Topics.Count: > 0 } => (6, 6),
        DeleteTopicsRequest => (0, 5),
        FindCoordinatorRequest { CoordinatorKeys.Count: > 0 } => (4, 6),
        FindCoordinatorRequest => (0, 3),
        ListOffsetsRequest => (1, 9),
        InitProducerIdRequest => (0, 5),
        _ => (ApiSpecs.Get(request.ApiKey).MinVersion, ApiSpecs.Get(request.ApiKey).MaxVersion),
    };
}
