using System.Diagnostics.Metrics;
using Warp.Node.Hosting;
using Xunit;

namespace Warp.Specs.Node.Hosting;

public sealed class MetricsCollectorSpec : IDisposable
{
    private readonly Meter _meter = new("Warp");
    private readonly MetricsCollector _collector;

    public MetricsCollectorSpec() => _collector = new MetricsCollector(_meter);

    public void Dispose()
    {
        _collector.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void Nodes_of_one_process_do_not_mix()
    {
        using var one = new NodeMetrics(TimeProvider.System, "1");
        using var two = new NodeMetrics(TimeProvider.System, "1");
        one.Meter.CreateCounter<long>("requests").Add(3);
        two.Meter.CreateCounter<long>("requests").Add(5);
        two.Meter.CreateObservableGauge("only.two", () => 1);
        Assert.Equal(3, Sum(one.Collect(), "requests"));
        Assert.Equal(5, Sum(two.Collect(), "requests"));
        Assert.DoesNotContain(one.Collect(), family => family.Name == "only.two");
    }

    [Fact]
    public void Instruments_made_before_and_after_the_collector_count()
    {
        using var meter = new Meter("Warp");
        Counter<int> early = meter.CreateCounter<int>("early");
        using var collector = new MetricsCollector(meter);
        early.Add(1);
        meter.CreateCounter<double>("late").Add(0.5);
        Assert.Equal(1, Sum(collector.Collect(), "early"));
        Assert.Equal(0.5, Sum(collector.Collect(), "late"));
    }

    [Fact]
    public void The_order_of_tags_does_not_matter()
    {
        Counter<long> counter = _meter.CreateCounter<long>("c");
        counter.Add(1, new("a", 1), new KeyValuePair<string, object?>("b", "x"));
        counter.Add(2, new("b", "x"), new KeyValuePair<string, object?>("a", 1));
        counter.Add(4, new("b", "x"), new KeyValuePair<string, object?>("a", 2));
        MetricFamily family = Assert.Single(_collector.Collect());
        Assert.Equal([3, 4], family.Series.Select(series => series.Value));
        Assert.Equal([new("a", "1"), new KeyValuePair<string, string>("b", "x")], family.Series[0].Labels);
    }

    [Fact]
    public void A_sum_takes_the_series_with_all_the_labels_given()
    {
        Counter<long> counter = _meter.CreateCounter<long>("c");
        counter.Add(1, new("a", 1), new KeyValuePair<string, object?>("b", 1));
        counter.Add(2, new("a", 1), new KeyValuePair<string, object?>("b", 2));
        MetricFamily family = Assert.Single(_collector.Collect());
        Assert.Equal(3, family.Sum());
        Assert.Equal(3, family.Sum(KeyValuePair.Create("a", "1")));
        Assert.Equal(2, family.Sum(KeyValuePair.Create("b", "2"), KeyValuePair.Create("a", "1")));
        Assert.Equal(0, family.Sum(KeyValuePair.Create("b", "3")));
    }

    [Fact]
    public void What_is_observed_replaces_what_was_observed_before()
    {
        Measurement<long>[] observed = [Shard(1, 5), Shard(2, 6)];
        _meter.CreateObservableGauge("lag", () => observed);
        Assert.Equal(11, Sum(_collector.Collect(), "lag"));
        observed = [Shard(2, 7)];
        MetricSeries left = Assert.Single(Assert.Single(_collector.Collect()).Series);
        Assert.Equal(7, left.Value);

        static Measurement<long> Shard(int number, long lag) => new(lag, new KeyValuePair<string, object?>("shard", number));
    }

    [Fact]
    public void An_instrument_that_cannot_tell_its_value_does_not_hide_the_others()
    {
        _meter.CreateObservableGauge("broken", int () => throw new InvalidOperationException());
        _meter.CreateObservableGauge("whole", () => 1);
        Assert.Equal("whole", Assert.Single(_collector.Collect()).Name);
    }

    [Fact]
    public void A_gauge_keeps_its_last_value()
    {
        Gauge<int> gauge = _meter.CreateGauge<int>("g");
        gauge.Record(5);
        gauge.Record(2);
        Assert.Equal(2, Sum(_collector.Collect(), "g"));
    }

    [Fact]
    public async Task Nothing_is_lost_when_many_threads_record()
    {
        const int Threads = 4, Each = 20_000;
        Counter<long> counter = _meter.CreateCounter<long>("c");
        Histogram<double> histogram = _meter.CreateHistogram<double>("h", "s");
        await Task.WhenAll(Enumerable.Range(0, Threads).Select(thread => Task.Run(
            () =>
            {
                for (int i = 0; i < Each; i++)
                {
                    counter.Add(1, new KeyValuePair<string, object?>("even", i % 2 == 0));
                    histogram.Record(1);
                }
            },
            TestContext.Current.CancellationToken)));
        IReadOnlyList<MetricFamily> families = _collector.Collect();
        Assert.Equal(Threads * Each, Sum(families, "c"));
        MetricSeries series = Assert.Single(families.Single(family => family.Name == "h").Series);
        Assert.Equal(Threads * Each, series.Value);
        Assert.Equal(Threads * Each, series.Buckets.Single(bucket => bucket.UpperBound == 1).Count);
    }

    [Fact]
    public void Recording_for_known_tags_allocates_nothing()
    {
        Counter<long> counter = _meter.CreateCounter<long>("c");
        Record();
        long before = GC.GetAllocatedBytesForCurrentThread();
        for (int i = 0; i < 1_000; i++)
            Record();
        Assert.Equal(0, GC.GetAllocatedBytesForCurrentThread() - before);

        void Record() => counter.Add(1, new KeyValuePair<string, object?>("operation", "put"));
    }

    [Fact]
    public void A_node_reports_on_its_process()
    {
        using var node = new NodeMetrics(TimeProvider.System, "1.2.3");
        IReadOnlyList<MetricFamily> families = node.Collect();
        string[] positive = ["process.cpu", "process.resident.memory", "process.threads", "dotnet.gc.heap", "dotnet.gc.allocated"];
        Assert.All(positive, name => Assert.True(Sum(families, name) > 0, name));
        Assert.True(Sum(families, "warp.node.uptime") >= 0);
        MetricSeries build = families.Single(family => family.Name == "warp.build.info").Series.Single();
        Assert.Equal([KeyValuePair.Create("version", "1.2.3")], build.Labels);
    }

    private static double Sum(IReadOnlyList<MetricFamily> families, string name) => families.Single(family => family.Name == name).Sum();
}
