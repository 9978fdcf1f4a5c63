using Warp.Specs.Hosting;
using Warp.Streams.Compaction;
using Xunit;

namespace Warp.Specs.Streams.Compaction;

public sealed class ByteRateSpec
{
    private readonly ManualTime _time = new();

    [Fact]
    public void What_a_second_brings_may_be_taken_at_once_and_after_that_the_rate_rules()
    {
        var rate = new ByteRate(1000, _time);
        Assert.True(Take(rate, 400).IsCompleted);
        Assert.True(Take(rate, 600).IsCompleted);

        Task third = Take(rate, 500);
        Task fourth = Take(rate, 250);
        _time.Advance(TimeSpan.FromMilliseconds(499));
        Assert.False(third.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(third.IsCompletedSuccessfully);
        _time.Advance(TimeSpan.FromMilliseconds(249));
        Assert.False(fourth.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(fourth.IsCompletedSuccessfully);
    }

    [Fact]
    public void A_piece_larger_than_the_bucket_waits_as_long_as_it_should_and_idleness_saves_no_more_than_a_second()
    {
        var rate = new ByteRate(1000, _time);
        _time.Advance(TimeSpan.FromHours(1));

        Task large = Take(rate, 4000);

        _time.Advance(TimeSpan.FromMilliseconds(2999));
        Assert.False(large.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        Assert.True(large.IsCompletedSuccessfully);
    }

    [Fact]
    public async Task A_wait_can_be_given_up()
    {
        var rate = new ByteRate(1, _time);
        using var giveUp = new CancellationTokenSource();
        Task wait = rate.TakeAsync(10, giveUp.Token);

        await giveUp.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => wait);
    }

    private static Task Take(ByteRate rate, long bytes) => rate.TakeAsync(bytes, CancellationToken.None);
}
