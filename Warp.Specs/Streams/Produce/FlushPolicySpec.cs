using Warp.Specs.Streams.Format;
using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Streams.Produce;

public sealed class FlushPolicySpec
{
    private static readonly TimeSpan s_interval = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan s_quiet = TimeSpan.FromMilliseconds(5);

    /// <summary>Somebody can send more at any time.</summary>
    private static readonly TimeSpan s_never = TimeSpan.MaxValue;

    [Fact]
    public void What_leaves_for_silence_is_a_sixteenth_of_the_size_at_least()
    {
        var policy = new FlushPolicy(new FlushSettings(s_interval, 8 << 20, 4, 4) { PutsPerSecondMax = 32 });
        Assert.False(policy.IsWorthAPut((512 << 10) - 1));
        Assert.True(policy.IsWorthAPut(512 << 10));
    }

    [Fact]
    public void A_lone_record_at_an_idle_node_leaves_at_once()
    {
        FlushPolicy policy = Policy(putsPerSecond: 4);
        Assert.Equal(FlushTrigger.Budget, policy.Decide(At(0), 1, At(0), s_never));

        for (int second = 10; second < 100; second += 10)
        {
            Assert.Equal(FlushTrigger.Budget, policy.Decide(At(second), 1, At(second), s_never));
            policy.Flushed(At(second), FlushTrigger.Budget);
        }
    }

    [Fact]
    public void A_full_object_leaves_whatever_the_budget()
    {
        FlushPolicy policy = Policy(putsPerSecond: 0, sizeBytes: 100);
        Assert.Equal(FlushTrigger.None, policy.Decide(At(0), 99, At(0), s_never));
        Assert.Equal(FlushTrigger.Size, policy.Decide(At(0), 100, At(0), s_never));
        Assert.Equal(FlushTrigger.Size, policy.Decide(At(0), 101, At(0), s_never));
    }

    [Fact]
    public void The_interval_counts_from_the_first_record()
    {
        FlushPolicy policy = Policy(putsPerSecond: 0);
        TimeSpan first = At(7);
        Assert.Equal(FlushTrigger.None, policy.Decide(first, 1, first, s_never));
        Assert.Equal(FlushTrigger.None, policy.Decide(first + s_interval - TimeSpan.FromTicks(1), 1, first, s_never));
        Assert.Equal(FlushTrigger.Interval, policy.Decide(first + s_interval, 1, first, s_never));
        Assert.Equal(first + s_interval, policy.NextLook(first, first, s_never));
    }

    [Fact]
    public void With_an_interval_of_0_everything_leaves_at_once()
    {
        FlushPolicy policy = Policy(putsPerSecond: 0, interval: TimeSpan.Zero);
        for (int i = 0; i < 100; i++)
        {
            Assert.Equal(FlushTrigger.Interval, policy.Decide(At(0), 1, At(0), s_never));
            policy.Flushed(At(0), FlushTrigger.Interval);
        }
    }

    [Fact]
    public void The_bucket_holds_one_second_of_puts_and_fills_at_their_rate()
    {
        FlushPolicy policy = Policy(putsPerSecond: 4);
        for (int i = 0; i < 4; i++)
            SpendToken(policy, At(100));
        Assert.Equal(FlushTrigger.None, policy.Decide(At(100), 1, At(100), s_never));

        TimeSpan next = At(100) + TimeSpan.FromMilliseconds(250);
        Assert.Equal(FlushTrigger.None, policy.Decide(next - TimeSpan.FromTicks(1), 1, next, s_never));
        Assert.Equal(FlushTrigger.Budget, policy.Decide(next, 1, next, s_never));
        SpendToken(policy, next);
        Assert.Equal(FlushTrigger.None, policy.Decide(next, 1, next, s_never));
    }

    [Fact]
    public void Flushes_by_size_and_interval_take_tokens_too_but_no_debt_is_made()
    {
        FlushPolicy policy = Policy(putsPerSecond: 2);
        for (int i = 0; i < 1000; i++)
            policy.Flushed(At(5), FlushTrigger.Size);
        Assert.Equal(FlushTrigger.None, policy.Decide(At(5), 1, At(5), s_never));
        Assert.Equal(FlushTrigger.Budget, policy.Decide(At(5.5), 1, At(5.5), s_never));
    }

    [Fact]
    public void A_clock_that_is_read_late_does_not_take_tokens_back()
    {
        FlushPolicy policy = Policy(putsPerSecond: 1);
        SpendToken(policy, At(10));
        Assert.Equal(FlushTrigger.Budget, policy.Decide(At(11), 1, At(11), s_never));
        Assert.Equal(FlushTrigger.Budget, policy.Decide(At(10.5), 1, At(10.5), s_never));
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
    public void What_nobody_will_add_to_leaves_early_within_the_larger_budget()
    {
        FlushPolicy policy = Policy(putsPerSecond: 1, putsPerSecondMax: 3);
        SpendToken(policy, At(10));
        TimeSpan quiet = At(10) + TimeSpan.FromMilliseconds(5);
        Assert.Equal(FlushTrigger.None, policy.Decide(At(10), 1, At(10), quiet));
        Assert.Equal(quiet, policy.NextLook(At(10), At(10), quiet));
        for (int i = 0; i < 2; i++)
        {
            Assert.Equal(FlushTrigger.Quiet, policy.Decide(quiet, 1, At(10), quiet));
            policy.Flushed(quiet, FlushTrigger.Quiet);
        }
        Assert.Equal(FlushTrigger.None, policy.Decide(quiet, 1, At(10), quiet));
        Assert.Equal(FlushTrigger.Interval, policy.Decide(quiet + s_interval, 1, quiet, s_never));
    }

    [Fact]
    public void Where_objects_fill_up_silence_must_be_longer_after_each_time_that_it_deceived()
    {
        FlushPolicy policy = Policy(putsPerSecond: 4, putsPerSecondMax: 32);
        for (int patience = 2; patience <= 64; patience *= 2)
        {
            TimeSpan now = TimeSpan.FromSeconds(10) + (TimeSpan.FromSeconds(1) * Math.Log2(patience));
            policy.Flushed(now, FlushTrigger.Quiet);
            policy.MoreCame(now);
            policy.MoreCame(now);
            Assert.Equal(s_quiet, policy.QuietFor(now));
            policy.Flushed(now, FlushTrigger.Size);
            Assert.Equal(patience * s_quiet, policy.QuietFor(now));
        }
        policy.Flushed(At(17), FlushTrigger.Quiet);
        policy.MoreCame(At(17));
        policy.Flushed(At(17), FlushTrigger.Size);
        Assert.True(policy.QuietFor(At(17)) > s_interval);
    }

    [Fact]
    public void A_silence_that_did_not_deceive_and_time_make_it_short_again()
    {
        FlushPolicy policy = Policy(putsPerSecond: 4, putsPerSecondMax: 32);
        for (int i = 0; i < 2; i++)
        {
            policy.Flushed(At(10), FlushTrigger.Quiet);
            policy.MoreCame(At(10));
        }
        policy.Flushed(At(13.9), FlushTrigger.Size);
        Assert.Equal(4 * s_quiet, policy.QuietFor(At(13.9)));
        policy.Flushed(At(14), FlushTrigger.Size);
        Assert.Equal(2 * s_quiet, policy.QuietFor(At(14)));
        policy.Flushed(At(14.1), FlushTrigger.Quiet);
        policy.Flushed(At(14.2), FlushTrigger.Size);
        Assert.Equal(s_quiet, policy.QuietFor(At(14.2)));
    }

    [Fact]
    public void While_more_is_expected_the_larger_budget_is_not_touched()
    {
        FlushPolicy policy = Policy(putsPerSecond: 1, putsPerSecondMax: 100);
        SpendToken(policy, At(10));
        Assert.Equal(FlushTrigger.None, policy.Decide(At(10.2), 1, At(10), s_never));
        Assert.Equal(At(10) + s_interval, policy.NextLook(At(10.2), At(10), s_never));
    }

    [Theory]
    [InlineData(0, 100)]
    [InlineData(4, 4)]
    [InlineData(4, 0)]
    public void Without_a_budget_or_a_larger_one_silence_changes_nothing(int budget, int largerBudget)
    {
        var with = new Run(new FlushSettings(s_interval, 1 << 30, budget, 4) { PutsPerSecondMax = largerBudget }) { IsQuiet = true };
        var without = new Run(new FlushSettings(s_interval, 1 << 30, budget, 4));
        foreach (Run run in (Run[])[with, without])
            run.ArriveEvery(TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(10));
        Assert.Equal(without.Flushes, with.Flushes);
    }

    [Fact]
    public void Clients_that_always_wait_for_their_answer_make_no_more_flushes_than_the_larger_budget()
    {
        var run = new Run(new FlushSettings(s_interval, 1 << 30, 4, 4) { PutsPerSecondMax = 32 }) { IsQuiet = true };
        run.ArriveEvery(TimeSpan.FromMilliseconds(1), TimeSpan.FromSeconds(60));
        Assert.InRange(run.Flushes.Count, 60 * 32 * 9 / 10, (60 * 32) + 33);
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
            int budget = random.Next(0, 40);
            FlushPolicy policy = Policy(budget, interval: TimeSpan.FromTicks(random.Next(1, 10_000_000)), putsPerSecondMax: random.Next(0, 80));
            TimeSpan now = TimeSpan.FromTicks(random.NextInt64(1L << 50));
            for (int i = random.Next(60); i > 0; i--)
                policy.Flushed(now += TimeSpan.FromTicks(random.Next(1_000_000)), FlushTrigger.Interval);
            TimeSpan first = now - TimeSpan.FromTicks(random.Next(1_000_000));
            TimeSpan quiet = random.Next(2) == 0 ? s_never : now + TimeSpan.FromTicks(random.Next(-100_000, 100_000));
            if (policy.Decide(now, 1, first, quiet) != FlushTrigger.None)
                continue;

            TimeSpan look = policy.NextLook(now, first, quiet);

            Assert.True(look > now, "Looking again at once would be a busy loop.");
            Assert.Equal(FlushTrigger.None, policy.Decide(look - TimeSpan.FromTicks(1), 1, first, quiet));
            Assert.NotEqual(FlushTrigger.None, policy.Decide(look, 1, first, quiet));
        }
    }

    private static FlushPolicy Policy(
        int putsPerSecond, int sizeBytes = 1 << 20, TimeSpan? interval = null, int putsPerSecondMax = 0) => new(
        new FlushSettings(interval ?? s_interval, sizeBytes, putsPerSecond, PutsInFlight: 4) { PutsPerSecondMax = putsPerSecondMax });

    private static TimeSpan At(double seconds) => TimeSpan.FromSeconds(seconds);

    private static void SpendToken(FlushPolicy policy, TimeSpan now)
    {
        Assert.Equal(FlushTrigger.Budget, policy.Decide(now, 1, now, s_never));
        policy.Flushed(now, FlushTrigger.Budget);
    }

    /// <summary>What a pipeline does with a policy: it asks when something arrives, and when it was told to look again.</summary>
    private sealed class Run(FlushSettings settings)
    {
        private readonly FlushPolicy _policy = new(settings);
        private TimeSpan? _firstAt;
        private TimeSpan _look;
        private long _bytes;

        /// <summary>Whether all who have sent something wait for its answer.</summary>
        public bool IsQuiet { get; init; }

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
            FlushTrigger trigger = _policy.Decide(now, _bytes, _firstAt!.Value, IsQuiet ? now : s_never);
            if (trigger == FlushTrigger.None)
            {
                _look = _policy.NextLook(now, _firstAt.Value, IsQuiet ? now : s_never);
                Assert.True(_look > now, "Looking again at once would be a busy loop.");
                return;
            }
            Flushes.Add((now, trigger));
            LongestWait = now - _firstAt.Value > LongestWait ? now - _firstAt.Value : LongestWait;
            _policy.Flushed(now, trigger);
            _firstAt = null;
            _bytes = 0;
        }
    }
}
