using Warp.Specs.Hosting;
using Warp.Specs.Streams.Objects.Quorum;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Resilience;
using Xunit;

namespace Warp.Specs.Streams.Objects.Resilience;

public sealed class DeadlineObjectStoreSpec
{
    private readonly ManualTime _time = new();
    private readonly StalledObjectStore _inner = new();
    private readonly DeadlineObjectStore _store;

    public DeadlineObjectStoreSpec() => _store = new DeadlineObjectStore(_inner, TimeSpan.FromSeconds(5), _time);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData(0, 5)]
    [InlineData(8 << 20, 7)]
    public async Task An_attempt_that_takes_too_long_for_its_bytes_is_an_error_that_may_pass(int bytes, int seconds)
    {
        Task<PutOutcome> put = _store.PutAsync("key", [new byte[bytes]], Cancellation);
        _time.Advance(TimeSpan.FromSeconds(seconds) - TimeSpan.FromMilliseconds(1));
        Assert.False(put.IsCompleted);
        _time.Advance(TimeSpan.FromMilliseconds(1));

        var error = await Assert.ThrowsAsync<ObjectStoreException>(() => put);

        Assert.True(error.IsTransient);
        Assert.Contains($"within {seconds} s", error.Message);
        Assert.Contains("key", error.Message);
        // Nobody works on the caller's bytes any more.
        Assert.Equal(0, _inner.Waiting);
    }

    [Fact]
    public async Task What_is_in_time_is_not_disturbed()
    {
        Task<PutOutcome> put = _store.PutAsync("key", [new byte[1]], Cancellation);
        _time.Advance(TimeSpan.FromSeconds(4));
        _inner.Release();

        Assert.Equal(PutOutcome.Stored, await put);
        Assert.Equal(0, _time.TimerCount);
    }

    [Fact]
    public async Task The_callers_cancellation_stays_one()
    {
        using var cancel = new CancellationTokenSource();
        Task<int> read = _store.GetRangeAsync("key", 0, new byte[1], cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => read);
    }
}
