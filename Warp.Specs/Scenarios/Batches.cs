using System.Text;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;
using Warp.Protocol.Wire;

namespace Warp.Specs.Scenarios;

/// <summary>Record batches that are sent over a bare connection.</summary>
internal static class Batches
{
    private const short ProduceVersion = 11;

    /// <summary>A batch with one record for each value, all with a key.</summary>
    public static byte[] Of(params string[] values)
    {
        var batch = new RecordBatchBuilder();
        foreach (string value in values)
            batch.Append(DateTimeOffset.UtcNow.ToUnixTimeMilliseconds(), "key"u8.ToArray(), Encoding.UTF8.GetBytes(value));
        return batch.Build();
    }

    /// <summary>Sends a batch to partition 0 of a topic, with acks=all, and receives what became of it.</summary>
    public static async Task<ProduceResponse.PartitionProduceResponse> ProduceAsync(KafkaSocket socket, string topic, byte[] batch)
    {
        var request = new ProduceRequest
        {
            Acks = -1,
            TimeoutMs = 30_000,
            TopicData = [new() { Name = topic, PartitionData = [new() { Index = 0, Records = new RecordSet(batch) }] }],
        };
        return (await socket.AskAsync<ProduceResponse>(request, ProduceVersion)).Responses[0].PartitionResponses[0];
    }
}
