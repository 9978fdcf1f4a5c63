using System.Net.Sockets;
using Warp.Load.Broker;
using Warp.Load.Client;
using Warp.Protocol.Messages;
using Warp.Protocol.Records;

namespace Warp.Load.Connections;

/// <summary>A connection to produce over, and the requests that it sends in turn.</summary>
internal sealed record Sender(Socket Socket, IReadOnlyList<RequestTemplate> Templates) : IDisposable
{
    /// <summary>Connects all producers of a plan and deals the partitions out to them.</summary>
    public static async Task<List<Sender>> MakeAllAsync(
        LoadPlan plan, IBroker broker, KafkaTopic topic, KafkaClient client, int seed, CancellationToken cancellationToken)
    {
        var senders = new List<Sender>();
        short version = client.VersionOf(ApiKey.Produce);
        for (int producer = 0; producer < plan.Producers; producer++)
        {
            BatchTemplate batch = await BuildAsync(plan, client, seed + producer, cancellationToken);
            List<RequestTemplate> templates =
            [
                .. PartitionDeal.Requests(producer, plan.Producers, topic.PartitionCount, plan.BatchesPerRequest)
                    .Select(partitions => new RequestTemplate(topic, partitions, batch, $"warp-bench-{producer}", version)),
            ];
            senders.Add(new Sender(await LoadRun.ConnectAsync(broker, cancellationToken), templates));
        }
        return senders;
    }

    public void Dispose()
    {
        Socket.Dispose();
        foreach (RequestTemplate template in Templates)
            template.Dispose();
    }

    private static async Task<BatchTemplate> BuildAsync(LoadPlan plan, KafkaClient client, int seed, CancellationToken cancellationToken)
    {
        (long id, short epoch) = (RecordBatchHeader.NoProducerId, RecordBatchHeader.NoProducerEpoch);
        if (plan.Idempotent)
        {
            var request = new InitProducerIdRequest { TransactionalId = null, TransactionTimeoutMs = 60_000 };
            var answer = await client.SendAsync<InitProducerIdResponse>(request, cancellationToken);
            KafkaException.ThrowIfError(answer.ErrorCode, "InitProducerId");
            (id, epoch) = (answer.ProducerId, answer.ProducerEpoch);
        }
        return BatchTemplate.Build(plan.RecordBytes, plan.BatchBytes, plan.Codec, plan.Keys, seed, id, epoch);
    }
}
