using System.Globalization;
using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Specs.Hosting;

namespace Warp.Specs.Clients.ConsumerGroups;

/// <summary>Nodes for members of the consumer protocol, whose times are the broker's and not their own.</summary>
internal static class ConsumerProtocolNode
{
    /// <summary>Starts a node with short sessions.</summary>
    public static async Task<WarpProcess> StartAsync(TimeSpan session)
    {
        WarpProcess node = await WarpProcess.StartAsync();
        using IAdminClient admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = node.Bootstrap })
            .SetLogHandler(static (_, _) => { })
            .Build();
        int id = admin.GetMetadata(TimeSpan.FromSeconds(30)).Brokers[0].BrokerId;
        var broker = new ConfigResource { Type = ResourceType.Broker, Name = id.ToString(CultureInfo.InvariantCulture) };
        await admin.IncrementalAlterConfigsAsync(new Dictionary<ConfigResource, List<ConfigEntry>>
        {
            [broker] =
            [
                Set("group.consumer.session.timeout.ms", $"{session.TotalMilliseconds}"), Set("group.consumer.heartbeat.interval.ms", "500"),
            ],
        });
        return node;
    }

    private static ConfigEntry Set(string name, string value) =>
        new() { Name = name, Value = value, IncrementalOperation = AlterConfigOpType.Set };
}
