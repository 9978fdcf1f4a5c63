using Confluent.Kafka;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Chaos;

public sealed class ProducerLoadSpec
{
    private const int Partitions = 3;

    /// <summary>Against the mock cluster that librdkafka carries, so that a defect elsewhere is Warp's.</summary>
    [Fact]
    public async Task A_load_on_a_cluster_that_works_leaves_a_history_without_defects()
    {
        var config = new ProducerConfig();
        config.Set("test.mock.num.brokers", "3"); // it makes topics of 4 partitions on first use
        using var cluster = new ProducerBuilder<Null, Null>(config).SetLogHandler((_, _) => { }).Build();
        using var admin = new DependentAdminClientBuilder(cluster.Handle).Build();
        var broker = admin.GetMetadata(TimeSpan.FromSeconds(10)).Brokers[0];
        string bootstrap = $"{broker.Host}:{broker.Port}";

        var history = new History();
        await using var load = new ProducerLoad(bootstrap, "load", Partitions, history);
        await Wait.UntilAsync(() => history.AcknowledgedCount > 1000, TimeSpan.FromSeconds(30), "1000 acknowledgements");
        await load.StopAsync(TimeSpan.FromSeconds(30));

        var records = LogReader.ReadAll(bootstrap, "load", Partitions, TestContext.Current.CancellationToken);
        Assert.Empty(history.Check(records));
        Assert.Empty(history.Failed);
        Assert.Equal(history.AcknowledgedCount, records.Count);
        Assert.Null(load.FatalError);
    }
}
