using System.Diagnostics;
using System.Net.Sockets;
using Warp.Protocol.Messages;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;
using Warp.Specs.Scenarios;

namespace Warp.Specs.Chaos;

/// <summary>
/// Finds out when a node takes writes to every shard of its cluster: to a topic whose partitions lie in all of them, by bare requests, so that
/// no client's patience blurs it.
/// </summary>
/// <param name="topic">A topic that has <see cref="Partitions"/> partitions.</param>
public sealed class WriteProbe(string topic)
{
    /// <summary>As many as a cluster has shards; neighbouring partitions lie in neighbouring shards.</summary>
    public const int Partitions = 64;

    private const short Version = 11;

    private static readonly TimeSpan s_attempt = TimeSpan.FromSeconds(4);
    private static readonly TimeSpan s_pause = TimeSpan.FromMilliseconds(100);

    /// <summary>Writes to every partition by way of each of the nodes, until all of them have succeeded once.</summary>
    /// <returns>How long it took.</returns>
    /// <exception cref="TimeoutException">The message says what was not written, and the last error.</exception>
    public async Task<TimeSpan> WaitAsync(TimeSpan timeout, CancellationToken cancellation, params IEnumerable<TestNode> nodes)
    {
        long started = Stopwatch.GetTimestamp();
        await Task.WhenAll(nodes.Select(node => WriteAllAsync(node, timeout, cancellation)));
        return Stopwatch.GetElapsedTime(started);
    }

    private async Task WriteAllAsync(TestNode node, TimeSpan timeout, CancellationToken cancellation)
    {
        long started = Stopwatch.GetTimestamp();
        var left = new SortedSet<int>(Enumerable.Range(0, Partitions));
        string lastError = "none";
        while (left.Count > 0)
        {
            if (Stopwatch.GetElapsedTime(started) > timeout)
                throw new TimeoutException($"{node.Bootstrap} has not taken writes to partitions {string.Join(", ", left)} for {timeout.TotalSeconds} s: {lastError}");
            try
            {
                using KafkaSocket socket = await KafkaSocket.ConnectAsync(node.Bootstrap);
                ProduceResponse response = await socket.AskAsync<ProduceResponse>(Request(left), Version).WaitAsync(s_attempt, cancellation);
                foreach (ProduceResponse.PartitionProduceResponse answer in response.Responses[0].PartitionResponses)
                {
                    if (answer.ErrorCode == ErrorCode.None)
                        left.Remove(answer.Index);
                    else
                        lastError = $"{answer.ErrorCode}";
                }
            }
            catch (Exception error) when (error is SocketException or IOException or TimeoutException)
            {
                lastError = error.Message;
            }
            if (left.Count > 0)
                await Task.Delay(s_pause, cancellation);
        }
    }

    private ProduceRequest Request(IEnumerable<int> partitions) => new()
    {
        Acks = -1,
        TimeoutMs = 2000,
        TopicData =
        [
            new()
            {
                Name = topic,
                PartitionData = [.. partitions.Select(static index => new ProduceRequest.PartitionProduceData
                {
                    Index = index, Records = new RecordSet(Batches.Of("probe")),
                })],
            },
        ],
    };
}
