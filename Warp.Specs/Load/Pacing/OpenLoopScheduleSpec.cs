using Warp.Load.Pacing;
using Xunit;

namespace Warp.Specs.Load.Pacing;

public sealed class OpenLoopScheduleSpec
{
    [Fact]
    public void Requests_are_due_at_even_distances_from_the_start()
    {
        var schedule = new OpenLoopSchedule(requestsPerSecond: 4, startMicros: 1_000);
        Assert.Equal([1_000, 251_000, 501_000, 751_000, 1_001_000], Enumerable.Range(0, 5).Select(number => schedule.DueMicros(number)));
    }

    [Fact]
    public void A_rate_that_does_not_divide_a_second_does_not_drift()
    {
        var schedule = new OpenLoopSchedule(requestsPerSecond: 3, startMicros: 0);
        // A million seconds, whose requests are 333,333.3 µs apart.
        Assert.InRange(schedule.DueMicros(3_000_000), 1_000_000_000_000 - 1, 1_000_000_000_000);
    }

    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(254.77)]
    [InlineData(10_000)]
    [InlineData(77_777.7)]
    public void As_many_requests_are_due_before_a_moment_as_the_schedule_has(double rate)
    {
        var schedule = new OpenLoopSchedule(rate, startMicros: 123);
        for (long micros = 0; micros < 3_000_000; micros += 9_973)
        {
            long count = schedule.CountBefore(micros);
            Assert.True(count == 0 || schedule.DueMicros(count - 1) < micros);
            Assert.True(schedule.DueMicros(count) >= micros);
        }
    }

    [Fact]
    public void Ten_seconds_have_the_rates_number_of_requests() =>
        Assert.Equal(2_540, new OpenLoopSchedule(254, 5_000).CountBefore(5_000 + 10_000_000));

    [Theory]
    [InlineData(0)]
    [InlineData(-1)]
    public void A_rate_is_more_than_nothing(double rate) =>
        Assert.Throws<ArgumentOutOfRangeException>(() => new OpenLoopSchedule(rate, 0));
}
