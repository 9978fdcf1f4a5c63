using Warp.Node.Demo;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Demo;

public sealed class LatencyRecorderSpec
{
    private const double Precision = 0.01;

    private readonly LatencyRecorder _recorder = new();

    [Fact]
    public void Nothing_recorded_is_zero()
    {
        LatencySnapshot snapshot = _recorder.Snapshot();
        Assert.Equal((0, TimeSpan.Zero, TimeSpan.Zero), (snapshot.Count, snapshot.Max, snapshot.Percentile(0.99)));
    }

    [Fact]
    public void Short_durations_are_exact()
    {
        for (int us = 1; us <= 100; us++)
            _recorder.Record(TimeSpan.FromMicroseconds(us));
        LatencySnapshot snapshot = _recorder.Snapshot();
        Assert.Equal(TimeSpan.FromMicroseconds(1), snapshot.Percentile(0));
        Assert.Equal(TimeSpan.FromMicroseconds(50), snapshot.Percentile(0.5));
        Assert.Equal(TimeSpan.FromMicroseconds(99), snapshot.Percentile(0.99));
        Assert.Equal(TimeSpan.FromMicroseconds(100), snapshot.Percentile(1));
    }

    [Fact]
    public void A_share_between_two_durations_is_the_longer_one()
    {
        foreach (int us in (int[])[10, 20, 30])
            _recorder.Record(TimeSpan.FromMicroseconds(us));
        Assert.Equal(TimeSpan.FromMicroseconds(20), _recorder.Snapshot().Percentile(0.5));
        Assert.Equal(TimeSpan.FromMicroseconds(30), _recorder.Snapshot().Percentile(0.67));
    }

    [Fact]
    public void Percentiles_are_within_one_percent_of_the_exact_ones()
    {
        var random = new Random(TestRun.TakeSeed());
        // From a microsecond to 17 minutes, as many in each power of ten.
        double[] exact = [.. Enumerable.Range(0, 50_000).Select(_ => Math.Floor(Math.Pow(10, random.NextDouble() * 9)))];
        foreach (double us in exact)
            _recorder.Record(TimeSpan.FromMicroseconds(us));
        Array.Sort(exact);
        LatencySnapshot snapshot = _recorder.Snapshot();
        Assert.Equal(exact.Length, snapshot.Count);
        Assert.Equal(exact[^1], snapshot.Max.TotalMicroseconds);
        foreach (double share in (double[])[0.001, 0.1, 0.25, 0.5, 0.9, 0.99, 0.999, 1])
        {
            double wanted = exact[(int)Math.Ceiling(share * exact.Length) - 1];
            Assert.InRange(snapshot.Percentile(share).TotalMicroseconds, wanted * (1 - Precision), wanted * (1 + Precision));
        }
    }

    [Fact]
    public void Every_duration_is_known_to_within_one_percent()
    {
        for (long us = 1; us < 1L << 40; us += 1 + (us / 300))
        {
            var recorder = new LatencyRecorder();
            recorder.Record(TimeSpan.FromMicroseconds(us));
            recorder.Record(TimeSpan.FromMicroseconds(2 * us));
            Assert.InRange(recorder.Snapshot().Percentile(0.5).TotalMicroseconds, us * (1 - Precision), us * (1 + Precision));
        }
    }

    [Fact]
    public void Durations_that_cannot_be_are_counted_at_the_ends()
    {
        _recorder.Record(TimeSpan.FromSeconds(-1));
        _recorder.Record(TimeSpan.MaxValue);
        LatencySnapshot snapshot = _recorder.Snapshot();
        Assert.Equal(2, snapshot.Count);
        Assert.Equal(TimeSpan.Zero, snapshot.Percentile(0.5));
    }

    [Fact]
    public void A_difference_has_only_what_came_in_between()
    {
        _recorder.Record(TimeSpan.FromSeconds(9));
        LatencySnapshot before = _recorder.Snapshot();
        _recorder.Record(TimeSpan.FromMilliseconds(10));
        _recorder.Record(TimeSpan.FromMilliseconds(20));
        LatencySnapshot difference = _recorder.Snapshot().Since(before);
        Assert.Equal(2, difference.Count);
        Assert.InRange(difference.Percentile(0.5).TotalMilliseconds, 9.9, 10.1);
        Assert.InRange(difference.Max.TotalMilliseconds, 19.8, 20.2);
        Assert.Equal(0, before.Since(before).Count);
        Assert.Equal(TimeSpan.Zero, before.Since(before).Max);
    }
}
