using Confluent.Kafka;
using Xunit;

namespace Warp.Specs.Clients;

/// <summary>
/// That the client of the tests works at all: against the mock cluster that librdkafka carries, so that a failure elsewhere is Warp's.
/// </summary>
public sealed class ClientPlumbingSpec
{
    [Fact]
    public void The_native_library_is_the_one_that_belongs_to_the_package() =>
        Assert.StartsWith("2.15.1", Library.VersionString, StringComparison.Ordinal);

    [Theory]
    [InlineData(CompressionType.None)]
    [InlineData(CompressionType.Gzip)]
    [InlineData(CompressionType.Snappy)]
    [InlineData(CompressionType.Lz4)]
    [InlineData(CompressionType.Zstd)]
    public async Task What_is_produced_to_a_mock_cluster_is_consumed_from_it(CompressionType codec)
    {
        const int Count = 1000;
        var cancellation = TestContext.Current.CancellationToken;
        var config = new ProducerConfig { EnableIdempotence = true, CompressionType = codec };
        config.Set("test.mock.num.brokers", "3");
        using var producer = new ProducerBuilder<Null, string>(config).SetLogHandler((_, _) => { }).Build();
        var deliveries = Enumerable.Range(0, Count)
            .Select(n => producer.ProduceAsync(new TopicPartition("plumbing", 0), new() { Value = $"value {n}" }, cancellation))
            .ToList();
        var delivered = await Task.WhenAll(deliveries);
        Assert.Equal(Enumerable.Range(0, Count), delivered.Select(delivery => (int)delivery.Offset.Value));

        using var admin = new DependentAdminClientBuilder(producer.Handle).Build();
        var brokers = admin.GetMetadata(TimeSpan.FromSeconds(10)).Brokers;
        Assert.Equal(3, brokers.Count);
        using var consumer = new ConsumerBuilder<Null, string>(new ConsumerConfig
        {
            BootstrapServers = string.Join(',', brokers.Select(broker => $"{broker.Host}:{broker.Port}")),
            GroupId = "plumbing",
        }).Build();
        consumer.Assign(new TopicPartitionOffset("plumbing", 0, Offset.Beginning));
        for (int n = 0; n < Count; n++)
            Assert.Equal($"value {n}", consumer.Consume(cancellation).Message.Value);
    }
}
