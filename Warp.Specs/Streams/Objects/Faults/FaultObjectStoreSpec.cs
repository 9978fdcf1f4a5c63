using Warp.Specs.Hosting;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Faults;
using Xunit;

namespace Warp.Specs.Streams.Objects.Faults;

public sealed class FaultObjectStoreSpec
{
    private readonly ManualTime _time = new();
    private readonly MemoryObjectStore _inner;

    public FaultObjectStoreSpec() => _inner = new MemoryObjectStore(_time);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task Errors_come_as_often_as_planned_and_half_of_them_after_the_effect()
    {
        var store = new FaultObjectStore(_inner, new FaultPlan { Seed = 5, Errors = 0.1 }, _time);
        int failed = 0, stored = 0;
        for (int i = 0; i < 2000; i++)
        {
            try
            {
                await store.PutAsync($"{i}", [new byte[3]], Cancellation);
            }
            catch (ObjectStoreException e)
            {
                Assert.True(e.IsTransient);
                failed++;
                if (await _inner.HeadAsync($"{i}", Cancellation) is { } length)
                {
                    // Torn puts are never visible: what is there is whole.
                    Assert.Equal(3, length);
                    stored++;
                }
            }
        }
        Assert.InRange(failed, 150, 250);
        Assert.InRange(stored, 60, 140);
    }

    [Fact]
    public async Task The_same_seed_has_the_same_faults()
    {
        Assert.Equal(await FailuresAsync(3), await FailuresAsync(3));
        Assert.NotEqual(await FailuresAsync(3), await FailuresAsync(4));

        async Task<List<int>> FailuresAsync(int seed)
        {
            var store = new FaultObjectStore(_inner, new FaultPlan { Seed = seed, Errors = 0.2 }, _time);
            var failures = new List<int>();
            for (int i = 0; i < 100; i++)
            {
                try
                {
                    await store.HeadAsync("key", Cancellation);
                }
                catch (ObjectStoreException)
                {
                    failures.Add(i);
                }
            }
            return failures;
        }
    }

    [Fact]
    public async Task What_the_store_itself_takes_is_part_of_the_time_that_a_request_takes()
    {
        await _inner.PutAsync("key", [], Cancellation);
        var plan = new FaultPlan { Stalls = 1, StallTime = TimeSpan.FromSeconds(5) };
        var store = new FaultObjectStore(new SlowStore(_inner, TimeSpan.FromSeconds(2), _time), plan, _time);
        await _time.AdvanceUntilAsync(store.GetAsync("key", Cancellation), TimeSpan.FromSeconds(0.1));
        Assert.InRange(_time.GetElapsedTime(0).TotalSeconds, 5, 6);
    }

    [Fact]
    public async Task Stalled_requests_go_on_after_their_time_and_silent_ones_never_do()
    {
        await _inner.PutAsync("key", [], Cancellation);
        var stalling = new FaultObjectStore(_inner, new FaultPlan { Stalls = 1, StallTime = TimeSpan.FromSeconds(5) }, _time);
        Task<byte[]> stalled = stalling.GetAsync("key", Cancellation);
        _time.Advance(TimeSpan.FromSeconds(4.9));
        Assert.False(stalled.IsCompleted);
        await _time.AdvanceUntilAsync(stalled, TimeSpan.FromSeconds(0.1));
        Assert.InRange(_time.GetElapsedTime(0).TotalSeconds, 5, 6);

        var silent = new FaultObjectStore(_inner, new FaultPlan { Timeouts = 1 }, _time);
        using var cancel = new CancellationTokenSource();
        Task<byte[]> never = silent.GetAsync("key", cancel.Token);
        _time.Advance(TimeSpan.FromHours(1));
        Assert.False(never.IsCompleted);
        await cancel.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => never);
    }

    [Theory]
    [InlineData(true, 20, 200)]
    [InlineData(false, 40, 250)]
    public void A_distant_store_has_the_latencies_of_S3(bool isRead, double median, double percentile99)
    {
        var dice = new FaultDice(new FaultPlan { Seed = TestRun.TakeSeed(), IsDistant = true });

        double[] waits = [.. Enumerable.Range(0, 20_000).Select(_ => dice.Next(isRead).Wait.TotalMilliseconds).Order()];

        Assert.InRange(waits[10_000], median * 0.9, median * 1.1);
        Assert.InRange(waits[19_800], percentile99 * 0.75, percentile99 * 1.3);
    }

    [Fact]
    public async Task A_new_object_is_readable_at_once_but_listed_later()
    {
        var store = new FaultObjectStore(_inner, new FaultPlan { ListDelay = TimeSpan.FromSeconds(2) }, _time);
        await store.PutAsync("key", [new byte[1]], Cancellation);

        Assert.Equal(1, await store.HeadAsync("key", Cancellation));
        Assert.Empty(await store.ListAsync("", null, Cancellation).ToListAsync(Cancellation));
        _time.Advance(TimeSpan.FromSeconds(2));
        Assert.Single(await store.ListAsync("", null, Cancellation).ToListAsync(Cancellation));
    }

    [Fact]
    public void A_plan_is_written_as_it_is_read()
    {
        const string Text = "seed=7&errors=0.1&stalls=0.02&stall-time=3000ms&timeouts=0.01&latency=s3&list-delay=500ms";
        FaultPlan plan = FaultPlan.Parse(Text);
        Assert.Equal(
            new FaultPlan
            {
                Seed = 7,
                Errors = 0.1,
                Stalls = 0.02,
                StallTime = TimeSpan.FromSeconds(3),
                Timeouts = 0.01,
                IsDistant = true,
                ListDelay = TimeSpan.FromMilliseconds(500),
            },
            plan);
        Assert.Equal(Text, plan.ToString());
        Assert.Throws<ArgumentException>(() => FaultPlan.Parse("errors=10%"));
    }

    private sealed class SlowStore(IObjectStore inner, TimeSpan delay, TimeProvider time) : DelegatingObjectStore(inner)
    {
        public override async Task<byte[]> GetAsync(string key, CancellationToken cancellationToken)
        {
            await Task.Delay(delay, time, cancellationToken);
            return await Inner.GetAsync(key, cancellationToken);
        }
    }
}
