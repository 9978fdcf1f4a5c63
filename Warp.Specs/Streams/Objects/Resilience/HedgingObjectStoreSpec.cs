using System.Diagnostics.Metrics;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Resilience;
using Xunit;

namespace Warp.Specs.Streams.Objects.Resilience;

public sealed class HedgingObjectStoreSpec : IDisposable
{
    private const int SamplesNeeded = 16;

    private static readonly TimeSpan s_usual = TimeSpan.FromMilliseconds(10);

    private readonly ManualTime _time = new();
    private readonly Meter _meter = new("Warp.Store");
    private readonly MetricSums _sums;
    private readonly ScriptedObjectStore _inner = new();
    private readonly HedgingObjectStore _store;

    public HedgingObjectStoreSpec()
    {
        _sums = new MetricSums(_meter);
        _store = new HedgingObjectStore(_inner, new HedgeBudget(0.5), new StoreMetrics(_meter), _time);
    }

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public void Dispose()
    {
        _sums.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public async Task A_slow_put_is_sent_again_and_the_first_answer_counts()
    {
        await LearnAsync(_store);
        _inner.HoldPuts();

        Task<PutOutcome> put = _store.PutAsync("key", [new byte[5]], Cancellation);
        HeldPut first = await _inner.NextPutAsync(Cancellation);
        _time.Advance(TimeSpan.FromMilliseconds(9));
        Assert.False(_inner.AnyHeld);
        _time.Advance(TimeSpan.FromMilliseconds(1));
        HeldPut second = await _inner.NextPutAsync(Cancellation);
        second.End(PutFate.Store);
        await Wait.UntilAsync(() => _sums["warp.store.hedge.wins", "put"] == 1, TimeSpan.FromSeconds(30), "the second put's win");
        // The loser still has the bytes: the put ends when it has ended.
        Assert.False(put.IsCompleted);
        first.End(PutFate.Store);

        Assert.Equal(PutOutcome.Stored, await put);
        Assert.Equal((1, 1), (_sums["warp.store.hedges", "put"], _sums["warp.store.hedge.wins", "put"]));
    }

    [Fact]
    public async Task A_put_whose_second_request_is_slow_as_well_is_sent_once_more_and_no_further()
    {
        await LearnAsync(_store);
        _inner.HoldPuts();

        Task<PutOutcome> put = _store.PutAsync("key", [new byte[5]], Cancellation);
        HeldPut first = await _inner.NextPutAsync(Cancellation);
        _time.Advance(TimeSpan.FromMilliseconds(10));
        HeldPut second = await _inner.NextPutAsync(Cancellation);
        await _time.AdvanceUntilAsync(Wait.UntilAsync(() => _inner.AnyHeld, TimeSpan.FromSeconds(30), "a third put"), TimeSpan.FromMilliseconds(10));
        HeldPut third = await _inner.NextPutAsync(Cancellation);
        _time.Advance(TimeSpan.FromHours(1));
        third.End(PutFate.Store);
        second.End(PutFate.FailForNow);
        first.End(PutFate.FailForNow);

        Assert.Equal(PutOutcome.Stored, await put);
        Assert.Equal((2, 1), (_sums["warp.store.hedges", "put"], _sums["warp.store.hedge.wins", "put"]));
    }

    [Fact]
    public async Task What_is_merely_slow_leaves_the_last_of_the_budget_to_what_is_not_answered_at_all()
    {
        var store = new HedgingObjectStore(_inner, new HedgeBudget(0.015), new StoreMetrics(_meter), _time);
        await LearnAsync(store);
        // A hundred in advance and the 17 puts have earned 1.7 tokens, of which one is a reserve.
        _inner.HoldPuts();
        Task<PutOutcome> put = store.PutAsync("key", [new byte[5]], Cancellation);
        HeldPut first = await _inner.NextPutAsync(Cancellation);
        _time.Advance(TimeSpan.FromMilliseconds(29));
        Assert.Equal(0, _sums["warp.store.hedges", "put"]);
        await _time.AdvanceUntilAsync(Wait.UntilAsync(() => _inner.AnyHeld, TimeSpan.FromSeconds(30), "a second put"), TimeSpan.FromMilliseconds(1));
        HeldPut second = await _inner.NextPutAsync(Cancellation);
        second.End(PutFate.Store);
        first.End(PutFate.FailForNow);

        Assert.Equal(PutOutcome.Stored, await put);
    }

    [Fact]
    public async Task A_second_put_that_finds_an_object_is_answered_at_once_and_reads_nothing()
    {
        await LearnAsync(_store);
        _inner.HoldPuts();
        Task<PutOutcome> put = _store.PutAsync("key", [new byte[5]], Cancellation);
        HeldPut first = await _inner.NextPutAsync(Cancellation);
        _time.Advance(TimeSpan.FromMilliseconds(10));
        HeldPut second = await _inner.NextPutAsync(Cancellation);
        int reads = _inner.Gets;

        // The first has had its effect, but its answer does not come.
        await _inner.AddAsync("key", [new byte[5]]);
        second.End(PutFate.Store);
        first.End(PutFate.FailForNow);

        Assert.Equal(PutOutcome.AlreadyExists, await put);
        Assert.Equal(reads, _inner.Gets);
    }

    [Fact]
    public async Task An_error_of_one_waits_for_the_other_and_fails_only_if_that_fails_too()
    {
        await LearnAsync(_store);
        _inner.HoldPuts();
        foreach (PutFate fateOfFirst in new[] { PutFate.Store, PutFate.FailForGood })
        {
            Task<PutOutcome> put = _store.PutAsync($"key/{fateOfFirst}", [new byte[5]], Cancellation);
            HeldPut first = await _inner.NextPutAsync(Cancellation);
            _time.Advance(TimeSpan.FromMilliseconds(10));
            HeldPut second = await _inner.NextPutAsync(Cancellation);
            second.End(PutFate.FailForNow);
            first.End(fateOfFirst);
            if (fateOfFirst == PutFate.Store)
                Assert.Equal(PutOutcome.Stored, await put);
            else
                Assert.False((await Assert.ThrowsAsync<ObjectStoreException>(() => put)).IsTransient);
        }
    }

    [Fact]
    public async Task Not_more_than_the_budget_are_sent_again_however_slow_all_are()
    {
        var store = new HedgingObjectStore(_inner, new HedgeBudget(0.05), new StoreMetrics(_meter), _time);
        await LearnAsync(store);
        int before = _inner.Puts;
        // From now on each put takes twenty times as long.
        _inner.Script = async _ =>
        {
            await Task.Delay(TimeSpan.FromMilliseconds(200), _time);
            return PutFate.Store;
        };
        Task[] puts = [.. Enumerable.Range(0, 100).Select(i => store.PutAsync($"slow/{i}", [new byte[5]], Cancellation))];
        await _time.AdvanceUntilAsync(Task.WhenAll(puts), TimeSpan.FromMilliseconds(10));

        // A hundred in advance and the 116 puts have earned 10.8, of which 10 can be saved; what the slow ones earn is there by then.
        Assert.Equal(10, _sums["warp.store.hedges", "put"]);
        Assert.Equal(110, _inner.Puts - before);
    }

    [Fact]
    public async Task A_slow_read_is_sent_again_into_a_buffer_of_its_own()
    {
        await _inner.AddAsync("key", ["0123456789"u8.ToArray()]);
        var bytes = new byte[4];
        for (int i = 0; i < SamplesNeeded; i++)
        {
            var gate = new TaskCompletionSource();
            _inner.ReadGate = gate.Task;
            Task<int> usual = _store.GetRangeAsync("key", 2, bytes, Cancellation);
            _time.Advance(s_usual);
            gate.SetResult();
            await usual;
        }
        Array.Clear(bytes);
        var never = new TaskCompletionSource();
        _inner.ReadGate = never.Task;

        Task<int> read = _store.GetRangeAsync("key", 2, bytes, Cancellation);
        // The second request is let through, the first one waits until it is cancelled.
        _inner.ReadGate = Task.CompletedTask;
        _time.Advance(s_usual);

        Assert.Equal(4, await read);
        Assert.Equal("2345"u8.ToArray(), bytes);
        Assert.Equal((1, 1), (_sums["warp.store.hedges", "get"], _sums["warp.store.hedge.wins", "get"]));
    }

    [Fact]
    public async Task An_answer_that_comes_at_any_moment_is_taken()
    {
        _inner.Script = static async _ =>
        {
            await Task.Yield();
            return PutFate.Store;
        };
        await Parallel.ForAsync(0, 100_000, Cancellation, async (i, stop) =>
        {
            PutOutcome outcome = await _store.PutAsync($"any/{i}", [new byte[5]], stop).WaitAsync(TimeSpan.FromSeconds(30), stop);
            Assert.Equal(PutOutcome.Stored, outcome);
        });
    }

    [Fact]
    public async Task A_missing_object_is_an_answer()
    {
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => _store.GetAsync("missing", Cancellation));
        await Assert.ThrowsAsync<ObjectNotFoundException>(() => _store.GetRangeAsync("missing", 0, new byte[1], Cancellation));
    }

    [Fact]
    public async Task Of_a_size_that_was_not_seen_yet_those_of_other_sizes_tell_what_is_slow()
    {
        await LearnAsync(_store);
        _inner.HoldPuts();
        Task<PutOutcome> put = _store.PutAsync("large", [new byte[2 << 20]], Cancellation);
        HeldPut first = await _inner.NextPutAsync(Cancellation);
        _time.Advance(TimeSpan.FromMilliseconds(10));
        HeldPut second = await _inner.NextPutAsync(Cancellation);
        second.End(PutFate.Store);
        first.End(PutFate.FailForNow);

        Assert.Equal(PutOutcome.Stored, await put);
    }

    /// <summary>Shows a store that a put takes 10 ms.</summary>
    private async Task LearnAsync(HedgingObjectStore store)
    {
        _inner.HoldPuts();
        for (int i = 0; i < SamplesNeeded; i++)
        {
            Task<PutOutcome> put = store.PutAsync($"before/{i}", [new byte[5]], Cancellation);
            HeldPut held = await _inner.NextPutAsync(Cancellation);
            _time.Advance(s_usual);
            held.End(PutFate.Store);
            await put;
        }
        _inner.Script = null;
    }
}
