using System.Collections.Concurrent;
using System.Diagnostics;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;

namespace Warp.Specs.Scenarios;

/// <summary>
/// Producers that send one batch each at a steady rate, whether or not those before have been answered, and how long each took: from when it
/// was due to its acknowledgement, so that a wait is felt by all that should have been sent meanwhile.
/// </summary>
public sealed class LatencyLoad
{
    private const short ProduceVersion = 11;
    private const int Connections = 8;

    private static readonly TimeSpan _interval = TimeSpan.FromMilliseconds(100);

    private readonly ConcurrentQueue<TimeSpan> _latencies = new();

    private LatencyLoad()
    {
    }

    /// <summary>Runs the load on every node at the same time.</summary>
    /// <param name="nodes">That have the topic.</param>
    /// <param name="topic">With one partition.</param>
    /// <param name="time">How long requests are sent; the last answers may come later.</param>
    /// <returns>The latencies for each node, rising.</returns>
    public static async Task<TimeSpan[][]> RunAsync(IReadOnlyList<WarpProcess> nodes, string topic, TimeSpan time) =>
        await Task.WhenAll(nodes.Select(async node =>
        {
            var load = new LatencyLoad();
            await Task.WhenAll(Enumerable.Range(0, Connections).Select(number => load.SendAsync(node, topic, time, number)));
            return load._latencies.Order().ToArray();
        }));

    /// <summary>The latency that so many of a hundred do not exceed.</summary>
    public static TimeSpan Percentile(TimeSpan[] rising, double percent) => rising[(int)Math.Ceiling(rising.Length * percent / 100) - 1];

    private async Task SendAsync(WarpProcess node, string topic, TimeSpan time, int connection)
    {
        using var socket = await KafkaSocket.ConnectAsync(node.Bootstrap);
        await Task.Delay(_interval / Connections * connection);
        int count = (int)(time / _interval);
        var elapsed = Stopwatch.StartNew();
        var reading = ReadAsync(socket, count, elapsed);
        for (int sent = 0; sent < count; sent++)
        {
            if (_interval * sent - elapsed.Elapsed is { Ticks: > 0 } early)
                await Task.Delay(early);
            await socket.SendAsync(Request(topic), ProduceVersion);
        }
        await reading;
    }

    private async Task ReadAsync(KafkaSocket socket, int count, Stopwatch elapsed)
    {
        for (int read = 0; read < count; read++)
        {
            var response = await socket.ReceiveAsync<ProduceResponse>(ApiKey.Produce, ProduceVersion);
            var answer = response.Responses[0].PartitionResponses[0];
            if (answer.ErrorCode != ErrorCode.None)
                throw new InvalidOperationException($"produce was answered {answer.ErrorCode}");
            _latencies.Enqueue(elapsed.Elapsed - (_interval * read));
        }
    }

    private static ProduceRequest Request(string topic) => new()
    {
        Acks = -1,
        TimeoutMs = 60_000,
        TopicData = [new() { Name = topic, PartitionData = [new() { Index = 0, Records = new RecordSet(Batches.Of(new string('.', 100))) }] }],
    };
}
