using System.Diagnostics;
using Confluent.Kafka;
using Warp.Protocol.Messages;
using Warp.Specs.Chaos;
using Warp.Specs.Hosting;
using Xunit;
using ClientErrorCode = Confluent.Kafka.ErrorCode;
using ErrorCode = Warp.Protocol.Messages.ErrorCode;

namespace Warp.Specs.Scenarios;

/// <summary>
/// SIGTERM under load: what is pending is flushed and answered, and nobody is told anything but that the connection has ended.
/// </summary>
[Collection(nameof(NodeProcesses))]
public sealed class DrainSpec(ITestOutputHelper output)
{
    private const string Topic = "drain";
    private const string Quiet = "quiet";
    private const int Partitions = 3;
    private const short FetchVersion = 11;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private static readonly TimeSpan _drain = TimeSpan.FromSeconds(10);

    [Fact]
    public async Task A_node_that_is_stopped_under_load_leaves_nothing_unanswered()
    {
        await using var node = await WarpProcess.StartAsync();
        using (var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = node.Bootstrap }).Build())
            await admin.CreateTopicsAsync([new() { Name = Topic, NumPartitions = Partitions }, new() { Name = Quiet, NumPartitions = 1 }]);
        var history = new History();
        await using var load = new ProducerLoad(node.Bootstrap, Topic, Partitions, history);
        using var tail = new Tail(node.Bootstrap, Topic, Partitions);

        for (int stops = TestRun.IsLong ? 10 : 3; stops > 0; stops--)
        {
            int before = history.AcknowledgedCount;
            await Wait.UntilAsync(
                () => history.AcknowledgedCount > before + 500 || load.FatalError is not null, _patience, "acknowledgements");
            using var waiting = await KafkaSocket.ConnectAsync(node.Bootstrap);
            await waiting.SendAsync(LongPoll(), FetchVersion);
            var answer = waiting.ReceiveAsync<FetchResponse>(ApiKey.Fetch, FetchVersion);
            await RequestsAreAtWorkAsync(node);

            var elapsed = Stopwatch.StartNew();
            Assert.Equal(0, await node.TerminateAsync(_drain));
            output.WriteLine($"exit code 0 after {elapsed.ElapsedMilliseconds} ms, with {history.AcknowledgedCount} acknowledged");
            // The poll would have gone on for a minute; its answer is an ordinary one.
            Assert.Equal(ErrorCode.None, (await answer).Responses[0].Partitions[0].ErrorCode);
            Assert.Null(await waiting.ReceiveAsync());
            await node.StartAgainAsync();
        }
        await load.StopAsync(_patience);
        Assert.Null(load.FatalError);
        Assert.Empty(history.Failed);
        await Wait.UntilAsync(() => tail.Count >= history.AcknowledgedCount, _patience, "every record at the consumer");
        Assert.Empty(history.Check(tail.Records));
        Assert.Empty(history.Check(LogReader.ReadAll(node.Bootstrap, Topic, Partitions, TestContext.Current.CancellationToken)));
        ClientErrorCode[] disconnected = [ClientErrorCode.Local_Transport, ClientErrorCode.Local_AllBrokersDown];
        Assert.All(tail.Errors, error => Assert.Contains(error.Code, disconnected));
        Assert.DoesNotContain(" warn: ", node.Output, StringComparison.Ordinal);
        Assert.DoesNotContain(" fail: ", node.Output, StringComparison.Ordinal);
    }

    private static FetchRequest LongPoll() => new()
    {
        MaxWaitMs = 60_000,
        MinBytes = 1,
        Topics = [new() { Topic = Quiet, Partitions = [new() { Partition = 0, PartitionMaxBytes = 1 << 20 }] }],
    };

    /// <summary>Until the long poll, with its bytes, is there.</summary>
    private static async Task RequestsAreAtWorkAsync(WarpProcess node)
    {
        const string Held = """warp_kafka_buffers_used_bytes{kind="other"}""";
        for (var elapsed = Stopwatch.StartNew(); (await node.MetricsAsync())[Held] == 0;)
        {
            Assert.True(elapsed.Elapsed < _patience, "the long poll never came");
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }
}
