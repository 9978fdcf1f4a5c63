using Warp.Specs.Hosting;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Resilience;
using Xunit;

namespace Warp.Specs.Streams.Objects.Resilience;

/// <summary>The circuit breaker: the state that it publishes, and what it lets through.</summary>
public sealed class StoreHealthSpec
{
    private readonly ManualTime _time = new();
    private readonly ScriptedObjectStore _inner = new();
    private readonly StoreHealth _health;
    private readonly BreakerObjectStore _store;

    public StoreHealthSpec()
    {
        _health = new StoreHealth(_time);
        _store = new BreakerObjectStore(_inner, _health, _time);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task One_failure_in_twenty_degrades_it_and_ten_seconds_later_it_is_forgotten()
    {
        await RequestAsync(good: 40, bad: 1);
        Assert.Equal(StoreState.Healthy, _health.State);
        await RequestAsync(good: 0, bad: 2);
        Assert.Equal(StoreState.Degraded, _health.State);

        _time.Advance(TimeSpan.FromSeconds(11));

        Assert.Equal(StoreState.Healthy, _health.State);
    }

    [Fact]
    public async Task One_failure_in_ten_does_not_make_it_unavailable()
    {
        for (int i = 0; i < 100; i++)
        {
            await RequestAsync(good: 9, bad: 1);
            Assert.NotEqual(StoreState.Unavailable, _health.State);
        }
    }

    [Fact]
    public async Task Slow_requests_degrade_it()
    {
        _inner.Script = async _ =>
        {
            await Task.Delay(TimeSpan.FromSeconds(3), _time);
            return PutFate.Store;
        };
        List<Task> puts = [.. Enumerable.Range(0, 20).Select(i => _store.PutAsync($"slow/{i}", [], Cancellation))];
        await _time.AdvanceUntilAsync(Task.WhenAll(puts), TimeSpan.FromSeconds(1));

        Assert.Equal(StoreState.Degraded, _health.State);
    }

    [Fact]
    public async Task Failures_of_requests_that_run_side_by_side_are_one_in_a_row()
    {
        var fails = new TaskCompletionSource();
        _inner.Script = async _ =>
        {
            await fails.Task;
            throw new ObjectStoreException("a store", null, "no", isTransient: true);
        };
        List<Task> puts = [.. Enumerable.Range(0, StoreHealth.FewestRequests - 1).Select(i => _store.PutAsync($"key/{i}", [], Cancellation))];
        _time.Advance(TimeSpan.FromMilliseconds(50));
        fails.SetResult();
        foreach (Task put in puts)
        {
            await Assert.ThrowsAsync<ObjectStoreException>(() => put);
            _time.Advance(TimeSpan.FromMilliseconds(1));
        }
        Assert.NotEqual(StoreState.Unavailable, _health.State);

        await Assert.ThrowsAsync<ObjectStoreException>(() => _store.PutAsync("one-more", [], Cancellation));

        Assert.Equal(StoreState.Unavailable, _health.State);
    }

    [Fact]
    public async Task Eight_failures_in_a_row_stop_the_requests_for_a_second()
    {
        await RequestAsync(good: 0, bad: 7);
        Assert.NotEqual(StoreState.Unavailable, _health.State);
        await RequestAsync(good: 0, bad: 1);
        Assert.Equal(StoreState.Unavailable, _health.State);
        int sent = _inner.Puts;

        var refused = await Assert.ThrowsAsync<StoreUnavailableException>(() => _store.PutAsync("key", [], Cancellation));

        Assert.True(refused.IsTransient);
        Assert.Equal(sent, _inner.Puts);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _store.HeadAsync("key", Cancellation));
        await Assert.ThrowsAsync<StoreUnavailableException>(async () => await _store.ListAsync("", null, Cancellation).CountAsync(Cancellation));
    }

    [Fact]
    public async Task Half_of_many_failing_stops_the_requests()
    {
        for (int i = 0; i < 9; i++)
            await RequestAsync(good: 1, bad: 1);
        Assert.NotEqual(StoreState.Unavailable, _health.State);
        await RequestAsync(good: 1, bad: 1);
        Assert.Equal(StoreState.Unavailable, _health.State);
    }

    [Fact]
    public async Task After_the_pause_one_trial_at_a_time_is_let_through_and_a_good_one_ends_it()
    {
        await RequestAsync(good: 0, bad: 8);
        _time.Advance(TimeSpan.FromSeconds(1));
        Assert.Equal(StoreState.Degraded, _health.State);
        _inner.HoldPuts();

        Task<PutOutcome> trial = _store.PutAsync("trial", [], Cancellation);
        await Assert.ThrowsAsync<StoreUnavailableException>(() => _store.PutAsync("other", [], Cancellation));
        (await _inner.NextPutAsync(Cancellation)).End(PutFate.Store);

        Assert.Equal(PutOutcome.Stored, await trial);
        Assert.Equal(StoreState.Healthy, _health.State);
    }

    [Fact]
    public async Task A_bad_trial_doubles_the_pause_up_to_ten_seconds()
    {
        await RequestAsync(good: 0, bad: 8);
        foreach (int pause in new[] { 1, 2, 4, 8, 10, 10 })
        {
            Assert.Equal(StoreState.Unavailable, _health.State);
            _time.Advance(TimeSpan.FromSeconds(pause) - TimeSpan.FromMilliseconds(1));
            Assert.Equal(StoreState.Unavailable, _health.State);
            _time.Advance(TimeSpan.FromMilliseconds(1));
            Assert.Equal(StoreState.Degraded, _health.State);
            await RequestAsync(good: 0, bad: 1);
        }
    }

    [Fact]
    public async Task A_trial_that_its_caller_gives_up_leaves_the_next_one_its_turn()
    {
        await RequestAsync(good: 0, bad: 8);
        _time.Advance(TimeSpan.FromSeconds(1));
        _inner.ReadGate = new TaskCompletionSource().Task;
        using var cancel = new CancellationTokenSource();
        Task<int> trial = _store.GetRangeAsync("key", 0, new byte[1], cancel.Token);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => trial);

        await RequestAsync(good: 1, bad: 0);

        Assert.Equal(StoreState.Healthy, _health.State);
    }

    [Fact]
    public async Task Missing_objects_are_no_failures()
    {
        for (int i = 0; i < 50; i++)
            await Assert.ThrowsAsync<ObjectNotFoundException>(() => _store.GetAsync("missing", Cancellation));

        Assert.Equal(StoreState.Healthy, _health.State);
    }

    private async Task RequestAsync(int good, int bad)
    {
        _inner.Script = static _ => Task.FromResult(PutFate.Store);
        for (int i = 0; i < good; i++)
            await _store.PutAsync($"good/{_inner.Puts}", [], Cancellation);
        _inner.Script = static _ => Task.FromResult(PutFate.FailForNow);
        for (int i = 0; i < bad; i++)
            await Assert.ThrowsAsync<ObjectStoreException>(() => _store.PutAsync("bad", [], Cancellation));
    }
}
