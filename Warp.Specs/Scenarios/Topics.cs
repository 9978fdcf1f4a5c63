using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Specs.Hosting;

namespace Warp.Specs.Scenarios;

/// <summary>Topics of a node, made by a Kafka client.</summary>
public static class Topics
{
    /// <summary>Creates a topic and returns when it can be written to.</summary>
    public static async Task CreateAsync(WarpProcess node, string topic, int partitions)
    {
        using var admin = new AdminClientBuilder(new AdminClientConfig { BootstrapServers = node.Bootstrap })
            .SetLogHandler((_, _) => { }).Build();
        await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = partitions, ReplicationFactor = 1 }]);
    }
}
