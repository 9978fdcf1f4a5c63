using Warp.Specs.Streams.Format;
using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Streams.Produce;

public sealed class FlushPolicySpec
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);

    [Fact]
    public void A_lone_record_at_an_idle_node_leaves_at_once()
    {
        FlushPolicy policy = Policy(putsPerSecond: 4);
        Assert.Equal(FlushTrigger.Budget, policy.Decide(At(0), 1, At(0)));

        for (int second = 10; second < 100; second += 10)
        {
            Assert.Equal(FlushTrigger.Budget, policy.Decide(At(second), 1, At(second)));
            policy.Flushed(At(second));
        }
    }

    [Fact]
    public void A_full_object_leaves_whatever_the_budget()
    {
        FlushPolicy policy = Policy(putsPerSecond: 0, sizeBytes: 100);
        Assert.Equal(FlushTrigger.None, policy.Decide(At(0), 99, At(0)));
        Assert.Equal(FlushTrigger.Size, policy.Decide(At(0), 100, At(0)));
        Assert.Equal(FlushTrigger.Size, policy.Decide(At(0), 101, At(0)));
    }

    [Fact]
    public void The_interval_counts_from_the_first_record()
    {
        FlushPolicy policy = Policy(putsPerSecond: 0);
        TimeSpan first = At(7);
        Assert.Equal(FlushTrigger.None, policy.Decide(first, 1, first));
        Assert.Equal(FlushTrigger.None, policy.Decide(first + s_interval - TimeSpan.FromTicks(1), 1, first));
        Assert.Equal(FlushTrigger.Interval, policy.Decide(first + s_interval, 1, first));
        Assert.Equal(first + s_interval, policy.NextLook(first, first));
    }

    [Fact]
    public void With_an_interval_of_0_everything_leaves_at_once()
    {
        FlushPolicy policy = Policy(putsPerSecond: 0, interval: TimeSpan.Zero);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(FlushTrigger.Interval, policy.Decide(At(0), 1, At(0)));
            policy.Flushed(At(0));
        }
    }

    [Fact]
    public void The_bucket_holds_one_second_of_puts_and_fills_at_their_rate()
    {
        FlushPolicy policy = Policy(putsPerSecond: 4);
        for (int i = 0; i < 4; i++)
            SpendToken(policy, At(100));
        Assert.Equal(FlushTrigger.None, policy.Decide(At(100), 1, At(100)));

        TimeSpan next = At(100) + TimeSpan.FromMilliseconds(250);
        Assert.Equal(FlushTrigger.None, policy.Decide(next - TimeSpan.FromTicks(1), 1, next));
        Assert.Equal(FlushTrigger.Budget, policy.Decide(next, 1, next));
        SpendToken(policy, next);
        Assert.Equal(FlushTrigger.None, policy.Decide(next, 1, next));
    }

    [Fact]
    public void Flushes_by_size_and_interval_take_tokens_too_but_no_debt_is_made()
    {
        FlushPolicy policy = Policy(putsPerSecond: 2);
        for (int i = 0; i < 1000; i++)
            policy.Flushed(At(5));
        Assert.Equal(FlushTrigger.None, policy.Decide(At(5), 1, At(5)));
        Assert.Equal(FlushTrigger.Budget, policy.Decide(At(5.5), 1, At(5.5)));
    }

    [Fact]
    public void A_clock_that_is_read_late_does_not_take_tokens_back()
    {
        FlushPolicy policy = Policy(putsPerSecond: 1);
        SpendToken(policy, At(10));
        Assert.Equal(FlushTrigger.Budget, policy.Decide(At(11), 1, At(11)));
        Assert.Equal(FlushTrigger.Budget, policy.Decide(At(10.5), 1, At(10.5)));
    }

    [Fact]
    public void Of_any_window_at_most_the_budget_for_its_length_and_one_second_more_leaves_early()
    {
        Random random = TestSeed.Random();
        for (int round = 0; round < 50; round++)
        {
            int budget = random.Next(0, 20);
            var run = new Run(new FlushSettings(TimeSpan.FromMilliseconds(random.Next(1, 2000)), 1 << 20, budget, 4));
            run.ArriveAtRandom(random, TimeSpan.FromSeconds(30));
            List<TimeSpan> early = run.TimesOf(FlushTrigger.Budget);
            Assert.True(budget == 0 ? early.Count == 0 : early.Count > 0);
            for (int from = 0; from < early.Count; from++)
            {
                for (int to = from; to < early.Count; to++)
                    Assert.True(to - from + 1 <= (budget * (early[to] - early[from]).TotalSeconds) + budget + 1e-6);
            }
        }
    }

    [Theory]
    [InlineData(250, 4)]
    [InlineData(1000, 4)]
    [InlineData(5000, 1)]
    [InlineData(300, 7)]
    public void Under_steady_load_flushes_come_at_the_rate_of_the_budget(int intervalMs, int budget)
    {
        var run = new Run(new FlushSettings(TimeSpan.FromMilliseconds(intervalMs), 1 << 30, budget, 4));
        run.ArriveEvery(TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(60));
        Assert.InRange(run.Flushes.Count, 60 * budget * 9 / 10, (60 * budget) + budget + 1);
    }

    [Fact]
    public void Under_steady_load_an_interval_shorter_than_the_budgets_rules()
    {
        var run = new Run(new FlushSettings(TimeSpan.FromMilliseconds(100), 1 << 30, 4, 4));
        run.ArriveEvery(TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(60));
        Assert.InRange(run.TimesOf(FlushTrigger.Interval).Count, 590, 600);
        Assert.InRange(run.TimesOf(FlushTrigger.Budget).Count, 4, 8);
    }

    [Fact]
    public void No_batch_waits_longer_than_the_interval()
    {
        Random random = TestSeed.Random();
        for (int round = 0; round < 50; round++)
        {
            TimeSpan interval = TimeSpan.FromMilliseconds(random.Next(0, 500));
            var run = new Run(new FlushSettings(interval, 1 << 20, random.Next(0, 6), 4));
            run.ArriveAtRandom(random, TimeSpan.FromSeconds(20));
            Assert.True(run.LongestWait <= interval, $"{run.LongestWait} > {interval}");
        }
    }

    [Fact]
    public void At_the_next_look_something_is_due_and_not_a_tick_earlier()
    {
        Random random = TestSeed.Random();
        for (int round = 0; round < 20_000; round++)
        {
            FlushPolicy policy = Policy(putsPerSecond: random.Next(0, 40), interval: TimeSpan.FromTicks(random.Next(1, 10_000_000)));
            TimeSpan now = TimeSpan.FromTicks(random.NextInt64(1L << 50));
            for (int i = random.Next(60); i > 0; i--)
                policy.Flushed(now += TimeSpan.FromTicks(random.Next(1_000_000)));
            TimeSpan first = now - TimeSpan.FromTicks(random.Next(1_000_000));
            if (policy.Decide(now, 1, first) != FlushTrigger.None)
                continue;

            TimeSpan look = policy.NextLook(now, first);

            Assert.True(look > now, "Looking again at once would be a busy loop.");
            Assert.Equal(FlushTrigger.None, policy.Decide(look - TimeSpan.FromTicks(1), 1, first));
            Assert.NotEqual(FlushTrigger.None, policy.Decide(look, 1, first));
        }
    }

    private static FlushPolicy Policy(int putsPerSecond, int sizeBytes = 1 << 20, TimeSpan? interval = null) =>
        new(new FlushSettings(interval ?? s_interval, sizeBytes, putsPerSecond, PutsInFlight: 4));

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);

    private static void SpendToken(FlushPolicy policy, TimeSpan now)
    {
        Assert.Equal(FlushTrigger.Budget, policy.Decide(now, 1, now));
        policy.Flushed(now);
    }

    /// <summary>What a pipeline does with a policy: it asks when something arrives, and when it was told to look again.</summary>
    private sealed class Run(FlushSettings settings)
    {
        private readonly FlushPolicy _policy = new(settings);
        private TimeSpan? _firstAt;
        private TimeSpan _look;
        private long _bytes;

        public List<(TimeSpan At, FlushTrigger Trigger)> Flushes { get; } = [];

        public TimeSpan LongestWait { get; private set; }

        public List<TimeSpan> TimesOf(FlushTrigger trigger) =>
            [.. Flushes.Where(flush => flush.Trigger == trigger).Select(static flush => flush.At)];

        public void ArriveEvery(TimeSpan gap, TimeSpan duration)
        {
            for (TimeSpan now = TimeSpan.Zero; now < duration; now += gap)
                Arrive(now, 1);
        }

        /// <summary>Bursts, pauses, and now and then a lot of bytes.</summary>
        public void ArriveAtRandom(Random random, TimeSpan duration)
        {
            int scale = 1;
            for (TimeSpan now = TimeSpan.Zero; now < duration; now += TimeSpan.FromTicks(random.Next(1, 100_000 * scale)))
            {
                if (random.Next(50) == 0)
                    scale = random.Next(1, 100);
                Arrive(now, random.Next(100) == 0 ? settings.SizeBytes : 100);
            }
        }

        private void Arrive(TimeSpan now, long bytes)
        {
            while (_firstAt is not null && _look <= now)
                Ask(_look);
            _firstAt ??= now;
            _bytes += bytes;
            Ask(now);
        }

        private void Ask(TimeSpan now)
        {
            FlushTrigger trigger = _policy.Decide(now, _bytes, _firstAt!.Value);
            if (trigger == FlushTrigger.None)
            {
                _look = _policy.NextLook(now, _firstAt.Value);
                Assert.True(_look > now, "Looking again at once would be a busy loop.");
                return;
            }
            Flushes.Add((now, trigger));
            LongestWait = now - _firstAt.Value > LongestWait ? now - _firstAt.Value : LongestWait;
            _policy.Flushed(now);
            _firstAt = null;
            _bytes = 0;
        }
    }
}
