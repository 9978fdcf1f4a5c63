using Confluent.Kafka;
using Warp.Bench.Yardsticks;
using Xunit;

namespace Warp.Specs.Bench;

public sealed class BareBrokerSpec : IDisposable
{
    private const int Records = 20_000;
    private const int RecordBytes = 1024;

    private readonly string _folder = Directory.CreateTempSubdirectory("warp-bare-").FullName;

    private long StoredBytes => Directory.EnumerateFiles(_folder, "*", SearchOption.AllDirectories).Sum(static file => new FileInfo(file).Length);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Every_record_that_it_acknowledges_is_on_the_disk()
    {
        await using (BareBroker broker = BareBroker.Start(_folder))
        {
            int acknowledged = 0;
            var config = new ProducerConfig { BootstrapServers = broker.EndPoint.ToString(), Acks = Acks.All };
            using (IProducer<Null, byte[]> producer = new ProducerBuilder<Null, byte[]>(config).Build())
            {
                var message = new Message<Null, byte[]> { Value = new byte[RecordBytes] };
                for (int i = 0; i < Records; i++)
                    producer.Produce(new TopicPartition("topic", i % ClientLoad.Partitions), message, Count);
                producer.Flush(TestContext.Current.CancellationToken);
            }
            Assert.Equal(Records, acknowledged);
            Assert.True(StoredBytes >= Records * RecordBytes, $"{StoredBytes} bytes");

            // The client's own thread calls it, and who flushes.
            void Count(DeliveryReport<Null, byte[]> report) => Interlocked.Add(ref acknowledged, report.Error.IsError ? 0 : 1);
        }
        Assert.Equal(0, StoredBytes);
    }
}
