using Warp.Load.Measuring;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Load.Measuring;

public sealed class LatencyHistogramSpec
{
    /// <summary>What the type promises.</summary>
    private const double Precision = 0.004;

    private static readonly double[] _shares = [0, 0.001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1];

    [Fact]
    public void Nothing_recorded_is_zero()
    {
        var histogram = new LatencyHistogram();
        Assert.Equal((0, 0, 0), (histogram.Count, histogram.MaxMicros, histogram.PercentileMicros(0.99)));
    }

    [Fact]
    public void Percentiles_are_within_the_promised_precision_of_the_exact_ones()
    {
        var random = new Random(TestRun.TakeSeed());
        // From a microsecond to 17 minutes, as many in each power of ten.
        long[] exact = [.. Enumerable.Range(0, 50_000).Select(_ => (long)Math.Pow(10, random.NextDouble() * 9))];
        var histogram = new LatencyHistogram();
        foreach (long micros in exact)
            histogram.Record(micros);
        Array.Sort(exact);
        Assert.Equal((exact.Length, exact[^1]), (histogram.Count, histogram.MaxMicros));
        foreach (double share in _shares)
        {
            double wanted = exact[Math.Max(0, (int)Math.Ceiling(share * exact.Length) - 1)];
            Assert.InRange(histogram.PercentileMicros(share), wanted * (1 - Precision), wanted * (1 + Precision));
        }
    }

    [Fact]
    public void Every_bucket_boundary_is_within_the_precision()
    {
        for (int bits = 0; bits < 40; bits++)
        {
            foreach (long micros in (long[])[(1L << bits) - 1, 1L << bits, (1L << bits) + 1])
            {
                var histogram = new LatencyHistogram();
                histogram.Record(micros);
                histogram.Record(long.MaxValue); // So that the percentile is not simply the greatest.
                Assert.InRange(histogram.PercentileMicros(0.5), micros * (1 - Precision), micros * (1 + Precision));
            }
        }
    }

    [Fact]
    public void The_greatest_latency_is_exact_and_no_percentile_exceeds_it()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(1_234_567);
        Assert.All(_shares, share => Assert.Equal(1_234_567, histogram.PercentileMicros(share)));
    }

    [Fact]
    public void A_latency_counted_many_times_weighs_as_much()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(10, times: 99);
        histogram.Record(200);
        Assert.Equal(100, histogram.Count);
        Assert.Equal([10, 10, 200], ((double[])[0.5, 0.99, 1]).Select(histogram.PercentileMicros));
    }

    [Fact]
    public void Merged_histograms_are_as_one_that_saw_all()
    {
        var random = new Random(TestRun.TakeSeed());
        LatencyHistogram[] parts = [new(), new(), new()];
        var all = new LatencyHistogram();
        var merged = new LatencyHistogram();
        for (int i = 0; i < 3_000; i++)
        {
            long micros = random.Next(1_000_000);
            parts[i % parts.Length].Record(micros);
            all.Record(micros);
        }
        foreach (LatencyHistogram part in parts)
            merged.Merge(part);
        Assert.Equal((all.Count, all.MaxMicros), (merged.Count, merged.MaxMicros));
        Assert.All(_shares, share => Assert.Equal(all.PercentileMicros(share), merged.PercentileMicros(share)));
    }

    [Fact]
    public void A_difference_has_only_what_came_in_between()
    {
        var before = new LatencyHistogram();
        before.Record(9_000_000);
        var now = new LatencyHistogram();
        now.Merge(before);
        now.Record(10_000);
        now.Record(20_000);
        LatencyHistogram difference = now.Since(before);
        Assert.Equal(2, difference.Count);
        Assert.InRange(difference.PercentileMicros(0.5), 10_000 * (1 - Precision), 10_000 * (1 + Precision));
        Assert.InRange(difference.MaxMicros, 20_000 * (1 - Precision), 20_000 * (1 + Precision));
        Assert.Equal((0, 0), (before.Since(before).Count, before.Since(before).MaxMicros));
    }

    [Fact]
    public void What_is_below_zero_counts_as_zero()
    {
        var histogram = new LatencyHistogram();
        histogram.Record(-5);
        Assert.Equal((1, 0), (histogram.Count, histogram.PercentileMicros(1)));
    }
}
