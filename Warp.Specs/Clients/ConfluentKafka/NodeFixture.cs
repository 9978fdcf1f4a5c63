using Confluent.Kafka;
using Confluent.Kafka.Admin;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Clients.ConfluentKafka;

/// <summary>A node for all tests of a class, and clients that are connected to it. Each test uses topics of its own.</summary>
public sealed class NodeFixture : IAsyncLifetime
{
    public WarpProcess Node { get; private set; } = null!;

    public async ValueTask InitializeAsync() => Node = await WarpProcess.StartAsync();

    public ValueTask DisposeAsync() => Node.DisposeAsync();

    public IAdminClient Admin() =>
        new AdminClientBuilder(new AdminClientConfig { BootstrapServers = Node.Bootstrap }).SetLogHandler(static (_, _) => { }).Build();

    /// <summary>A producer of keys and values; <paramref name="configure"/> sets what is special about it.</summary>
    public IProducer<byte[]?, byte[]?> Producer(Action<ProducerConfig>? configure = null)
    {
        var config = new ProducerConfig { BootstrapServers = Node.Bootstrap, LingerMs = 0 };
        configure?.Invoke(config);
        return new ProducerBuilder<byte[]?, byte[]?>(config).SetLogHandler(static (_, _) => { }).Build();
    }

    /// <summary>A consumer that joins no group; <paramref name="configure"/> sets what is special about it.</summary>
    public IConsumer<byte[]?, byte[]?> Consumer(Action<ConsumerConfig>? configure = null)
    {
        var config = new ConsumerConfig
        {
            BootstrapServers = Node.Bootstrap, GroupId = "specs", EnableAutoCommit = false, CheckCrcs = true,
        };
        configure?.Invoke(config);
        return new ConsumerBuilder<byte[]?, byte[]?>(config).SetLogHandler(static (_, _) => { }).Build();
    }

    /// <summary>Makes a topic.</summary>
    public async Task CreateAsync(string topic, int partitions = 1, params (string Name, string Value)[] configs)
    {
        using var admin = Admin();
        var values = configs.ToDictionary(static config => config.Name, static config => config.Value);
        await admin.CreateTopicsAsync([new TopicSpecification { Name = topic, NumPartitions = partitions, Configs = values }]);
    }

    /// <summary>Reads so many records of a partition, from an offset on.</summary>
    public List<ConsumeResult<byte[]?, byte[]?>> Read(string topic, int count, int partition = 0, long from = 0)
    {
        using var consumer = Consumer();
        consumer.Assign(new TopicPartitionOffset(topic, partition, from));
        return [.. Enumerable.Range(0, count).Select(_ => Next(consumer))];
    }

    /// <summary>The next record.</summary>
    /// <exception cref="TimeoutException">There is none within 30 s.</exception>
    public static ConsumeResult<byte[]?, byte[]?> Next(IConsumer<byte[]?, byte[]?> consumer) =>
        consumer.Consume(TimeSpan.FromSeconds(30)) ?? throw new TimeoutException("no record within 30 s");
}
