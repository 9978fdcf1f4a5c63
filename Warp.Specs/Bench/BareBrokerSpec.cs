using Confluent.Kafka;
using Warp.Bench.Yardsticks;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Bench;

public sealed class BareBrokerSpec : IDisposable
{
    private const int Records = 20_000;
    private const int RecordBytes = 1024;

    private readonly string _folder = Directory.CreateTempSubdirectory("warp-bare-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Every_record_that_it_acknowledges_is_on_the_disk()
    {
        await using (BareBroker broker = BareBroker.Start(_folder))
        {
            Assert.Equal((Records, 0), Produce(broker));
            long stored = BytesIn(_folder);
            Assert.True(stored >= Records * RecordBytes, $"{stored} bytes");
            Assert.Null(broker.Failure);
        }
        Assert.Equal(0, BytesIn(_folder));
    }

    [Fact]
    public async Task What_the_disk_does_not_take_is_refused_and_the_reason_told()
    {
        using var disk = TinyDisk.Mount(mebibytes: 8);
        await using (BareBroker broker = BareBroker.Start(disk.Path))
        {
            (int acknowledged, int refused) = Produce(broker);
            Assert.Equal(Records, acknowledged + refused);
            Assert.InRange((long)acknowledged * RecordBytes, 0, BytesIn(disk.Path));
            Assert.NotNull(broker.Failure);
        }
        Assert.Equal(0, BytesIn(disk.Path));
    }

    [Fact]
    public async Task It_ends_while_a_client_is_still_sending()
    {
        BareBroker broker = BareBroker.Start(_folder);
        using IProducer<Null, byte[]> producer = Build(new ProducerConfig { BootstrapServers = broker.EndPoint.ToString() });
        var acknowledged = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var message = new Message<Null, byte[]> { Value = new byte[RecordBytes] };
        for (int i = 0; i < Records; i++)
            producer.Produce(Next(i), message, _ => acknowledged.TrySetResult());
        await acknowledged.Task.WaitAsync(TestContext.Current.CancellationToken);
        await broker.DisposeAsync();
        Assert.Equal(0, BytesIn(_folder));
    }

    private static (int Acknowledged, int Refused) Produce(BareBroker broker)
    {
        int acknowledged = 0;
        int refused = 0;
        using IProducer<Null, byte[]> producer = Build(new ProducerConfig { BootstrapServers = broker.EndPoint.ToString(), Acks = Acks.All });
        var message = new Message<Null, byte[]> { Value = new byte[RecordBytes] };
        for (int i = 0; i < Records; i++)
            producer.Produce(Next(i), message, Count);
        producer.Flush(TestContext.Current.CancellationToken);
        return (acknowledged, refused);

        // The client's own thread calls it, and who flushes.
        void Count(DeliveryReport<Null, byte[]> report)
        {
            if (report.Error.IsError)
                Interlocked.Increment(ref refused);
            else
                Interlocked.Increment(ref acknowledged);
        }
    }

    private static IProducer<Null, byte[]> Build(ProducerConfig config) =>
        new ProducerBuilder<Null, byte[]>(config).SetLogHandler(static (_, _) => { }).Build();

    private static TopicPartition Next(int record) => new("topic", record % ClientLoad.Partitions);

    private static long BytesIn(string folder) =>
        Directory.EnumerateFiles(folder, "*", SearchOption.AllDirectories).Sum(static file => new FileInfo(file).Length);
}
