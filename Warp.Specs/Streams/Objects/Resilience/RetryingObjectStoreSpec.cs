using System.Diagnostics.Metrics;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Resilience;
using Xunit;

namespace Warp.Specs.Streams.Objects.Resilience;

public sealed class RetryingObjectStoreSpec : IDisposable
{
    private readonly ManualTime _time = new();
    private readonly Meter _meter = new("Warp.Store");
    private readonly MetricSums _sums;
    private readonly ScriptedObjectStore _inner = new();
    private readonly RetryingObjectStore _store;

    public RetryingObjectStoreSpec()
    {
        _sums = new MetricSums(_meter);
        _store = new RetryingObjectStore(_inner, 4, new StoreMetrics(_meter), _time, new Random(7));
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _sums.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public async Task What_may_pass_is_tried_again_after_waits_that_grow()
    {
        int attempts = 0;
        _inner.Script = _ => Task.FromResult(++attempts < 5 ? PutFate.FailForNow : PutFate.Store);

        Task<PutOutcome> put = _store.PutAsync("key", [new byte[5]], Cancellation);
        Assert.Equal(1, attempts);
        await _time.AdvanceUntilAsync(put, TimeSpan.FromMilliseconds(10));

        Assert.Equal(PutOutcome.Stored, await put);
        Assert.Equal(4, _sums["warp.store.retries", "put"]);
        // At most 100 + 200 + 400 + 800 ms, and not none.
        Assert.InRange(_time.GetElapsedTime(0).TotalMilliseconds, 20, 1540);
    }

    [Fact]
    public async Task It_gives_up_after_so_many_and_hands_the_last_error_on()
    {
        _inner.Script = static _ => Task.FromResult(PutFate.FailForNow);

        Task<PutOutcome> put = _store.PutAsync("key", [new byte[5]], Cancellation);

        await Assert.ThrowsAsync<ObjectStoreException>(() => _time.AdvanceUntilAsync(put, TimeSpan.FromMilliseconds(50)));
        Assert.Equal(5, _inner.Puts);
    }

    [Fact]
    public async Task What_will_not_pass_is_not_tried_again()
    {
        _inner.Script = static _ => Task.FromResult(PutFate.FailForGood);

        await Assert.ThrowsAsync<ObjectStoreException>(() => _store.PutAsync("key", [new byte[5]], Cancellation));
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => _store.GetAsync("missing", Cancellation));

        Assert.Equal(1, _inner.Puts);
    }

    [Fact]
    public async Task The_refusal_of_the_breaker_is_handed_on_at_once()
    {
        _inner.ReadFailure = static key => new StoreUnavailableException("scripted:", key);

        await Assert.ThrowsAsync<StoreUnavailableException>(() => _store.GetRangeAsync("key", 0, new byte[1], Cancellation));
    }

    [Fact]
    public async Task A_put_that_finds_what_its_failed_attempt_has_stored_counts_as_stored()
    {
        int attempts = 0;
        _inner.Script = _ => Task.FromResult(++attempts == 1 ? PutFate.StoreButFail : PutFate.Store);

        Task<PutOutcome> put = _store.PutAsync("key", ["mine"u8.ToArray()], Cancellation);
        await _time.AdvanceUntilAsync(put, TimeSpan.FromMilliseconds(50));

        Assert.Equal(PutOutcome.Stored, await put);
    }

    [Theory]
    [InlineData("your")]
    [InlineData("yours")]
    public async Task A_put_that_finds_another_writers_object_does_not(string theirs)
    {
        int attempts = 0;
        _inner.Script = _ => Task.FromResult(++attempts == 1 ? PutFate.FailForNow : PutFate.Store);
        Task<PutOutcome> put = _store.PutAsync("key", ["mine"u8.ToArray()], Cancellation);
        await _inner.AddAsync("key", [System.Text.Encoding.UTF8.GetBytes(theirs)]);
        await _time.AdvanceUntilAsync(put, TimeSpan.FromMilliseconds(50));

        Assert.Equal(PutOutcome.AlreadyExists, await put);
    }

    [Fact]
    public async Task Without_a_failed_attempt_what_is_there_is_another_writers_even_if_it_is_the_same()
    {
        await _inner.AddAsync("key", ["same"u8.ToArray()]);

        Assert.Equal(PutOutcome.AlreadyExists, await _store.PutAsync("key", ["same"u8.ToArray()], Cancellation));
    }

    [Fact]
    public async Task A_cancelled_caller_does_not_wait_for_the_next_attempt()
    {
        _inner.Script = static _ => Task.FromResult(PutFate.FailForNow);
        using var cancel = new CancellationTokenSource();

        Task<PutOutcome> put = _store.PutAsync("key", [new byte[5]], cancel.Token);
        await cancel.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => put);
    }
}
