using System.Diagnostics;
using System.Text;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;
using Warp.Specs.Hosting;

namespace Warp.Specs.Scenarios;

/// <summary>
/// A producer that writes small records at a steady rate, evenly to all partitions of a topic: every 10 ms one request with the batches of
/// as many partitions as it has records, as clients do that gather by broker.
/// </summary>
public static class PacedLoad
{
    private const short ProduceVersion = 11;

    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(10);

    /// <summary>Runs the load and reads the node's metrics before and after it, when all has been acknowledged.</summary>
    /// <param name="node">That nobody else writes to.</param>
    /// <param name="topic">Exists.</param>
    /// <param name="partitions">How many it has.</param>
    /// <param name="recordsPerSecond">At least 100.</param>
    /// <param name="time">How long.</param>
    public static async Task<LoadFigures> RunAsync(WarpProcess node, string topic, int partitions, int recordsPerSecond, TimeSpan time)
    {
        using var socket = await KafkaSocket.ConnectAsync(node.Bootstrap);
        var before = await node.MetricsAsync();
        var elapsed = Stopwatch.StartNew();
        int requests = (int)(time / _tick);
        int recordsPerRequest = (int)(recordsPerSecond * _tick.TotalSeconds);
        var reading = ReadAsync(socket, requests);
        using var timer = new PeriodicTimer(_tick);
        int partition = 0;
        for (int sent = 0; sent < requests; sent++)
        {
            await socket.SendAsync(Request(topic, partitions, recordsPerRequest, ref partition), ProduceVersion);
            await timer.WaitForNextTickAsync();
        }
        await reading;
        var after = await node.MetricsAsync();
        return new LoadFigures(elapsed.Elapsed, (long)requests * recordsPerRequest, before, after);
    }

    private static ProduceRequest Request(string topic, int partitions, int records, ref int partition)
    {
        var request = new ProduceRequest { Acks = -1, TimeoutMs = 30_000, TopicData = [new() { Name = topic }] };
        for (int i = 0; i < Math.Min(records, partitions); i++, partition = (partition + 1) % partitions)
        {
            var batch = new RecordBatchBuilder();
            for (int n = i; n < records; n += partitions)
                batch.Append(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), null, Encoding.ASCII.GetBytes(new string('.', 100)));
            request.TopicData[0].PartitionData.Add(new() { Index = partition, Records = new RecordSet(batch.Build()) });
        }
        return request;
    }

    private static async Task ReadAsync(KafkaSocket socket, int requests)
    {
        for (int read = 0; read < requests; read++)
        {
            var response = await socket.ReceiveAsync<ProduceResponse>(ApiKey.Produce, ProduceVersion);
            foreach (var answer in response.Responses.SelectMany(static topic => topic.PartitionResponses))
            {
                if (answer.ErrorCode != ErrorCode.None)
                    throw new InvalidOperationException($"partition {answer.Index} answered {answer.ErrorCode}");
            }
        }
    }
}
