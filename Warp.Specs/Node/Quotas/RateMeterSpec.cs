using Warp.Node.Quotas;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Quotas;

public sealed class RateMeterSpec
{
    [Fact]
    public void Ten_windows_of_the_limit_may_be_used_at_once()
    {
        var meter = new RateMeter();
        meter.Record(1000, 0);
        Assert.Equal(0, meter.WaitMs(100, 0));
        meter.Record(1, 0);
        Assert.True(meter.WaitMs(100, 0) > 0);
    }

    [Theory]
    // 2,000 in a span of 10 s at 100 a second: to be spread over 20 s.
    [InlineData(2000, 0, 100, 10_000)]
    // Half of the eleventh window counts to the span: 2,000 take 20 s, 10.5 of them are over.
    [InlineData(2000, 500, 100, 9_500)]
    [InlineData(5000, 999, 100, 39_001)]
    [InlineData(1e6, 0, 1, 999_990_000)]
    public void The_wait_spreads_what_was_used_over_the_time_that_the_limit_asks_for(double amount, long nowMs, double limit, double waitMs)
    {
        var meter = new RateMeter();
        meter.Record(amount, nowMs);
        Assert.Equal(waitMs, meter.WaitMs(limit, nowMs), 1e-3);
    }

    [Fact]
    public void What_is_older_than_eleven_windows_does_not_count()
    {
        var meter = new RateMeter();
        meter.Record(5000, 300);
        Assert.True(meter.WaitMs(100, 10_999) > 0);
        Assert.False(meter.IsIdle(10_999));
        Assert.Equal(0, meter.WaitMs(100, 11_000));
        Assert.True(meter.IsIdle(11_000));
    }

    [Fact]
    public void Time_that_goes_back_a_little_counts_for_the_current_window()
    {
        var meter = new RateMeter();
        meter.Record(600, 5_000);
        meter.Record(600, 4_999);
        Assert.Equal(2_000, meter.WaitMs(100, 4_999), 1e-3);
    }

    [Fact]
    public void Who_waits_as_told_keeps_to_the_limit()
    {
        var random = new Random(TestRun.TakeSeed());
        for (int run = 0; run < 200; run++)
        {
            double limit = random.Next(1, 100_000);
            double largest = limit * random.NextDouble();
            var meter = new RateMeter();
            long nowMs = random.Next(100_000);
            long began = nowMs;
            double used = 0;
            while (nowMs - began < 600_000)
            {
                double amount = random.NextDouble() * largest;
                meter.Record(amount, nowMs);
                used += amount;
                nowMs += (long)Math.Round(meter.WaitMs(limit, nowMs)) + random.Next(50);
            }
            // At first nothing holds it back from using what ten windows allow, and each use may be the one too many. The measured span
            // is shorter than what eleven windows hold by up to a window, now and then.
            double allowed = (limit * ((nowMs - began) / 1000.0 + 10) * 1.05) + largest;
            Assert.True(used <= allowed, $"{used} used, {allowed} allowed, limit {limit}");
        }
    }
}
