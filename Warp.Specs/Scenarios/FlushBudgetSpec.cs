using System.Diagnostics;
using Confluent.Kafka;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>
/// What the defaults promise of latency and of cost: the budget of PUTs is spent where it shortens a wait, and never exceeded.
/// </summary>
[Collection(nameof(NodeProcesses))]
public sealed class FlushBudgetSpec(ITestOutputHelper output)
{
    private const string BudgetSeries = """warp_flush_flushes_total{trigger="budget"}""";
    private const double IntervalMs = 250;

    /// <summary>The budget has refilled and the node is idle.</summary>
    private static readonly TimeSpan _pause = TimeSpan.FromSeconds(1.1);

    [Fact]
    public async Task A_lone_record_to_an_idle_node_does_not_wait_for_the_interval()
    {
        // An interval so long that no busy machine can be taken for it.
        const double Interval = 10_000;
        await using var node = await WarpProcess.StartAsync($"warp.flush.interval={Interval}ms");
        using var producer = Producer(node);
        await ProduceAsync(producer); // makes the topic, and the code warm
        var before = await node.MetricsAsync();
        double[] latencies = await SendLoneRecordsAsync(producer, count: TestRun.IsLong ? 60 : 7);
        var after = await node.MetricsAsync();

        double median = Median(latencies);
        output.WriteLine($"median {median:F1} ms of {string.Join(", ", latencies.Select(static ms => ms.ToString("F1")))}");
        Assert.InRange(median, 0, Interval / 2);
        Assert.Equal(latencies.Length, after[BudgetSeries] - before[BudgetSeries]);
    }

    [Fact]
    public async Task Without_a_budget_it_waits_for_the_interval()
    {
        await using var node = await WarpProcess.StartAsync("warp.flush.puts-per-second=0");
        using var producer = Producer(node);
        await ProduceAsync(producer);
        double[] latencies = await SendLoneRecordsAsync(producer, count: 3);
        output.WriteLine($"{string.Join(", ", latencies.Select(static ms => ms.ToString("F1")))} ms");
        Assert.All(latencies, static ms => Assert.InRange(ms, IntervalMs, double.PositiveInfinity));
    }

    [Fact]
    public async Task A_client_that_sends_little_costs_no_more_puts_than_the_smaller_budget()
    {
        await using var node = await WarpProcess.StartAsync();
        using var producer = Producer(node);
        await ProduceAsync(producer);
        var figures = await PacedLoad.RunAsync(node, "lone", 1, recordsPerSecond: 200, TimeSpan.FromSeconds(TestRun.IsLong ? 60 : 5));
        output.WriteLine(figures.ToString());
        Assert.InRange(figures.Puts, 1, figures.MostPuts(4));
    }

    [Theory]
    [InlineData(32)]
    [InlineData(4)]
    public async Task A_steady_load_makes_no_more_puts_than_the_budget_and_the_size_allow(int budget)
    {
        await using var node = await WarpProcess.StartAsync($"warp.flush.puts-per-second-max={budget}");
        using var producer = Producer(node);
        await ProduceAsync(producer);
        var figures = await PacedLoad.RunAsync(node, "lone", 1, recordsPerSecond: 5000, TimeSpan.FromSeconds(TestRun.IsLong ? 180 : 8));
        output.WriteLine(figures.ToString());
        Assert.InRange(figures.Puts, 1, figures.MostPuts(budget));
    }

    private static IProducer<Null, string> Producer(WarpProcess node) =>
        new ProducerBuilder<Null, string>(new ProducerConfig { BootstrapServers = node.Bootstrap, Acks = Acks.All, LingerMs = 0 }).Build();

    private static Task ProduceAsync(IProducer<Null, string> producer) =>
        producer.ProduceAsync("lone", new() { Value = "a record" }, TestContext.Current.CancellationToken);

    private static async Task<double[]> SendLoneRecordsAsync(IProducer<Null, string> producer, int count)
    {
        var latencies = new double[count];
        for (int i = 0; i < count; i++)
        {
            await Task.Delay(_pause, TestContext.Current.CancellationToken); // idleness is what is tested
            long sent = Stopwatch.GetTimestamp();
            await ProduceAsync(producer);
            latencies[i] = Stopwatch.GetElapsedTime(sent).TotalMilliseconds;
        }
        return latencies;
    }

    private static double Median(double[] values) => values.Order().ElementAt(values.Length / 2);
}
