using Warp.Streams.Objects.Resilience;
using Xunit;

namespace Warp.Specs.Streams.Objects.Resilience;

public sealed class LatencyTrackerSpec
{
    [Fact]
    public void Few_requests_say_nothing()
    {
        var tracker = new LatencyTracker();
        for (int i = 0; i < 15; i++)
        {
            tracker.Record(TimeSpan.FromMilliseconds(5));
            Assert.Null(tracker.Percentile95);
        }
        tracker.Record(TimeSpan.FromMilliseconds(5));
        Assert.Equal(TimeSpan.FromMilliseconds(5), tracker.Percentile95);
    }

    [Fact]
    public void One_in_twenty_is_slower_whatever_the_order()
    {
        int[] order = [.. Enumerable.Range(1, 256)];
        new Random(3).Shuffle(order);
        var tracker = new LatencyTracker();
        foreach (int milliseconds in order)
            tracker.Record(TimeSpan.FromMilliseconds(milliseconds));
        Assert.InRange(tracker.Percentile95!.Value.TotalMilliseconds, 243, 245);
    }

    [Fact]
    public void It_follows_a_store_that_becomes_slower_and_quicker()
    {
        var tracker = new LatencyTracker();
        foreach (int milliseconds in new[] { 10, 300, 20 })
        {
            for (int i = 0; i < 256; i++)
                tracker.Record(TimeSpan.FromMilliseconds(milliseconds));
            Assert.Equal(TimeSpan.FromMilliseconds(milliseconds), tracker.Percentile95);
        }
    }
}
