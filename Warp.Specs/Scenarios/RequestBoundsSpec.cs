using System.Buffers.Binary;
using Warp.Protocol.Messages;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>Requests that would make gigabytes of objects or of answers out of what fits into a frame.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class RequestBoundsSpec(ITestOutputHelper output)
{
    private const short MetadataVersion = 12;

    /// <summary>Parts of a request that are allowed, and too many to be made much of.</summary>
    private const int Many = 150_000;

    [Fact]
    public async Task Large_frames_of_tiny_parts_close_their_connection()
    {
        await using var bystander = await Bystander.StartAsync();
        foreach (var api in (ApiKey[])[ApiKey.Metadata, ApiKey.CreateTopics, ApiKey.Fetch, ApiKey.DeleteTopics])
            await AssertClosedAsync(bystander, RawFrames.Whole((short)api, 5, new byte[60_000_000]));

        // Eight million names without a character.
        byte[] names = [0, 0, 0, .. RawFrames.Varint(7_900_001), .. new byte[7_900_010]];
        await AssertClosedAsync(bystander, RawFrames.Whole((short)ApiKey.DeleteTopics, 5, names));

        // Eleven million partitions without records: no client id and transactional id, acks 0, timeout 1, one topic "t".
        var partitions = new byte[90_000_000];
        byte[] begin = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 1, 0, 1, (byte)'t'];
        begin.CopyTo(partitions, 0);
        BinaryPrimitives.WriteInt32BigEndian(partitions.AsSpan(begin.Length), (partitions.Length - begin.Length - 4) / 8);
        await AssertClosedAsync(bystander, RawFrames.Whole((short)ApiKey.Produce, 8, partitions));
        await bystander.AssertUnimpressedAsync(output);
    }

    [Fact]
    public async Task What_is_asked_again_and_again_is_answered_once()
    {
        await using var bystander = await Bystander.StartAsync();
        using var socket = await bystander.ConnectAsync();
        var byName = new MetadataRequest { Topics = [new() { Name = Bystander.Topic }] };
        var id = (await socket.AskAsync<MetadataResponse>(byName, MetadataVersion)).Topics[0].TopicId;
        var byIds = new MetadataRequest { Topics = [.. Times(Many, _ => new MetadataRequest.MetadataRequestTopic { TopicId = id })] };
        Assert.Single((await socket.AskAsync<MetadataResponse>(byIds, MetadataVersion)).Topics);

        var configs = new DescribeConfigsRequest { IncludeSynonyms = true, IncludeDocumentation = true };
        configs.Resources.AddRange(Times(
            Many, static _ => new DescribeConfigsRequest.DescribeConfigsResource { ResourceType = 4, ConfigurationKeys = null }));
        Assert.Single((await socket.AskAsync<DescribeConfigsResponse>(configs, 4)).Results);
        await bystander.AssertUnimpressedAsync(output);
    }

    [Fact]
    public async Task A_hundred_million_partitions_are_not_made_by_one_request()
    {
        await using var bystander = await Bystander.StartAsync();
        using var socket = await bystander.ConnectAsync();
        var creation = new CreateTopicsRequest { TimeoutMs = 30_000 };
        creation.Topics.AddRange(Times(1000, static n => new CreateTopicsRequest.CreatableTopic
        {
            Name = $"large-{n}", NumPartitions = 100_000, ReplicationFactor = short.MaxValue,
        }));
        var created = await socket.AskAsync<CreateTopicsResponse>(creation, 7);
        Assert.All(created.Topics, static topic => Assert.Equal(ErrorCode.PolicyViolation, topic.ErrorCode));

        // Nor by asking for topics that would come into being by that.
        var names = Times(Many, static n => new MetadataRequest.MetadataRequestTopic { Name = $"n{n}" });
        var question = new MetadataRequest { Topics = [.. names] };
        var answer = await socket.AskAsync<MetadataResponse>(question, MetadataVersion);
        Assert.All(answer.Topics, static topic => Assert.Equal(ErrorCode.PolicyViolation, topic.ErrorCode));
        await bystander.AssertUnimpressedAsync(output);
    }

    [Fact]
    public async Task Answers_that_nobody_reads_are_not_piled_up()
    {
        // Each request of 60 KB has an answer of 6 MB; two hundred of them are sent, and nothing is read.
        var keys = new FindCoordinatorRequest { CoordinatorKeys = [.. Enumerable.Repeat("", 60_000)] };
        using var frame = RequestFrame.Write(1, "greedy", keys, 4);
        byte[] requests = [.. Enumerable.Repeat(frame.ToArray(), 50).SelectMany(static bytes => bytes)];
        await using var bystander = await Bystander.StartAsync();
        var sockets = new List<KafkaSocket>();
        for (int i = 0; i < 4; i++)
        {
            sockets.Add(await bystander.ConnectAsync());
            // The node reads no more than it works on, so not all of this can be sent.
            await Task.WhenAny(sockets[i].SendAsync(requests).AsTask(), Task.Delay(1000, TestContext.Current.CancellationToken));
        }
        await bystander.AssertUnimpressedAsync(output);
        sockets.ForEach(static socket => socket.Dispose());
    }

    private static IEnumerable<T> Times<T>(int count, Func<int, T> make) => Enumerable.Range(0, count).Select(make);

    private static async Task AssertClosedAsync(Bystander bystander, byte[] bytes)
    {
        using var socket = await bystander.ConnectAsync();
        try
        {
            await socket.SendAsync(bytes);
        }
        catch (IOException)
        {
            return; // closed before it had all
        }
        Assert.Null(await socket.ReceiveAsync());
    }
}
