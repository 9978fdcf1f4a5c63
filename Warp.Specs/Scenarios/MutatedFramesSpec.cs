using System.Buffers.Binary;
using System.Diagnostics;
using Warp.Protocol.Messages;
using Warp.Specs.Chaos;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>Very many damaged frames from several connections, beside clients that behave well and notice nothing.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class MutatedFramesSpec(ITestOutputHelper output)
{
    private const string Topic = "well-behaved";
    private const string Victim = "victim";
    private const int Partitions = 3;
    private const int Attackers = 4;
    private const int MaxFramesInFlight = 50;
    private const double MaxResidentBytes = 700e6;

    private static readonly int _frames = TestRun.IsLong ? 1_000_000 : 100_000;
    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Mutated_frames_harm_nobody()
    {
        await using var node = await WarpProcess.StartAsync();
        using var admin = await KafkaSocket.ConnectAsync(node.Bootstrap);
        var topicIds = await CreateTopicsAsync(admin);
        await KeepGroupsFromWaitingAsync(admin);
        var served = await ServedAsync(admin);

        var history = new History();
        await using (var load = new ProducerLoad(node.Bootstrap, Topic, Partitions, history, recordsPerSecond: 300))
        using (var consumer = new Tail(node.Bootstrap, Topic, Partitions))
        {
            await Wait.UntilAsync(() => consumer.Count > 100, _patience, "the well-behaved clients");
            await AttackAsync(node, served, topicIds[Victim]);
            await load.StopAsync(_patience);
            await Wait.UntilAsync(() => consumer.Count == history.AcknowledgedCount, _patience, "every record at the consumer");
            Assert.Empty(consumer.Errors);
            Assert.Empty(history.Failed);
            Assert.Null(load.FatalError);
            Assert.Empty(history.Check(consumer.Records));
        }
        output.WriteLine($"{history.AcknowledgedCount} records of the well-behaved producer, all read back");
        var topics = await admin.AskAsync<MetadataResponse>(new MetadataRequest { Topics = null }, 12);
        output.WriteLine($"{topics.Topics.Count} topics with {topics.Topics.Sum(static topic => topic.Partitions.Count)} partitions");
        admin.Dispose();
        await AssertAtRestAsync(node);
    }

    /// <summary>
    /// A member that joins waits for the others, for as long as they said; those here are gone, and their connections would stay for that
    /// long. So there are no others.
    /// </summary>
    private static async Task KeepGroupsFromWaitingAsync(KafkaSocket admin)
    {
        var brokers = new IncrementalAlterConfigsRequest.AlterConfigsResource
        {
            ResourceType = 4, ResourceName = "", Configs = [new() { Name = "group.max.size", ConfigOperation = 0, Value = "1" }],
        };
        var answer = await admin.AskAsync<IncrementalAlterConfigsResponse>(new IncrementalAlterConfigsRequest { Resources = [brokers] }, 1);
        Assert.Equal(ErrorCode.None, answer.Responses[0].ErrorCode);
    }

    private async Task AttackAsync(WarpProcess node, IReadOnlyDictionary<ApiKey, (short Min, short Max)> served, Guid topicId)
    {
        int seed = TestRun.TakeSeed();
        var before = await node.MetricsAsync();
        using var memory = new MemoryWatch(node);
        var elapsed = Stopwatch.StartNew();
        var attacks = Enumerable.Range(0, Attackers).Select(n => Task.Run(() => AttackAsync(
            node.Bootstrap, new HostileFrames(new Random(seed + n), served, Victim, topicId), new Random(~seed + n), served)));
        var attack = (await Task.WhenAll(attacks)).Aggregate(static (one, other) => one + other);
        var after = await node.MetricsAsync();
        output.WriteLine($"{attack} in {elapsed.Elapsed.TotalSeconds:F1} s; memory {memory}");
        var rejected = after.Where(static sample => sample.Key.StartsWith("warp_kafka_rejected", StringComparison.Ordinal));
        output.WriteLine(string.Join(", ", rejected));
        Assert.DoesNotContain(" fail: ", node.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(" crit: ", node.Output, StringComparison.Ordinal);
        Assert.Equal(attack.Rejected, after.Sum("warp_kafka_rejected_total") - before.Sum("warp_kafka_rejected_total"));
        double handled = after.Sum("warp_kafka_requests_total") - before.Sum("warp_kafka_requests_total");
        Assert.InRange(handled, attack.Handled, double.PositiveInfinity);
        Assert.InRange(memory.HighestBytes, 1, MaxResidentBytes);
    }

    private static async Task<Attack> AttackAsync(
        string bootstrap, HostileFrames frames, Random random, IReadOnlyDictionary<ApiKey, (short Min, short Max)> served)
    {
        var attack = new Attack(0, 0, 0, 0);
        byte[] frame = frames.Next();
        while (attack.Frames < _frames / Attackers)
        {
            var fate = new ExpectedFate(served);
            var stream = new List<byte>();
            int count = 0;
            var apis = new List<string>();
            do
            {
                apis.Add(Describe(frame));
                stream.AddRange(frame[..fate.Append(frame)]);
                count++;
                frame = frames.Next();
            }
            while (!fate.IsOver && count < MaxFramesInFlight);
            using var socket = await KafkaSocket.ConnectAsync(bootstrap);
            try
            {
                await SendAsync(socket, stream.ToArray(), waitsForAnswers: random.Next(20) == 0, fate.Responses);
            }
            catch (TimeoutException error)
            {
                throw new TimeoutException($"{error.Message}; sent were {string.Join(", ", apis)}; expected {fate.Responses} responses", error);
            }
            attack += new Attack(count, 1, fate.Handled, fate.Rejection is null ? 0 : 1);
        }
        return attack;
    }

    /// <summary>Some wait for their answers, the others leave. All stay until the node has read what they sent.</summary>
    private static async Task SendAsync(KafkaSocket socket, byte[] stream, bool waitsForAnswers, int answers)
    {
        try
        {
            await socket.SendAsync(stream);
            if (waitsForAnswers)
            {
                for (; answers > 0 && await socket.ReceiveAsync() is not null; answers--)
                {
                }
            }
            socket.FinishSending();
        }
        catch (Exception error) when (error is IOException or System.Net.Sockets.SocketException)
        {
            // Closed by the node already.
        }
        while (await socket.ReceiveAsync() is not null)
        {
        }
    }

    private static string Describe(byte[] frame) => frame.Length < 8
        ? $"{frame.Length} bytes"
        : $"{(ApiKey)BinaryPrimitives.ReadInt16BigEndian(frame.AsSpan(4))} {BinaryPrimitives.ReadInt16BigEndian(frame.AsSpan(6))}";

    private static async Task AssertAtRestAsync(WarpProcess node)
    {
        var metrics = await node.MetricsAsync();
        for (var elapsed = Stopwatch.StartNew(); Held(metrics) > 0 && elapsed.Elapsed < _patience; metrics = await node.MetricsAsync())
            await Task.Delay(50, TestContext.Current.CancellationToken);
        Assert.Equal(0, Held(metrics));

        // Connections, and bytes of requests.
        static double Held(IReadOnlyDictionary<string, double> metrics) =>
            metrics["warp_kafka_connections"] + metrics.Sum("warp_kafka_buffers_used_bytes");
    }

    private static async Task<IReadOnlyDictionary<string, Guid>> CreateTopicsAsync(KafkaSocket admin)
    {
        var request = new CreateTopicsRequest { TimeoutMs = 30_000 };
        foreach (string name in (string[])[Topic, Victim])
            request.Topics.Add(new() { Name = name, NumPartitions = Partitions, ReplicationFactor = 1 });
        var response = await admin.AskAsync<CreateTopicsResponse>(request, 7);
        Assert.All(response.Topics, static topic => Assert.Equal(ErrorCode.None, topic.ErrorCode));
        return response.Topics.ToDictionary(static topic => topic.Name, static topic => topic.TopicId);
    }

    private static async Task<IReadOnlyDictionary<ApiKey, (short Min, short Max)>> ServedAsync(KafkaSocket admin)
    {
        var request = new ApiVersionsRequest { ClientSoftwareName = "specs", ClientSoftwareVersion = "1" };
        var response = await admin.AskAsync<ApiVersionsResponse>(request, 3);
        return response.ApiKeys.ToDictionary(static api => (ApiKey)api.ApiKey, static api => (api.MinVersion, api.MaxVersion));
    }

    private sealed record Attack(int Frames, int Connections, int Handled, int Rejected)
    {
        public static Attack operator +(Attack one, Attack other) =>
            new(one.Frames + other.Frames, one.Connections + other.Connections, one.Handled + other.Handled, one.Rejected + other.Rejected);
    }
}
