namespace Warp.Specs.Hosting;

/// <summary>
/// A clock that stands still until a test moves it. Timers run inside <see cref="Advance"/>, each at its own moment, earliest first.
/// Thread-safe.
/// </summary>
public sealed class ManualTime : TimeProvider
{
    private readonly Lock _gate = new();
    private readonly List<ManualTimer> _timers = [];
    private DateTimeOffset _wallOrigin;
    private long _ticks;

    /// <param name="start">The first moment; in the year 2026 when left out.</param>
    public ManualTime(DateTimeOffset? start = null) => _wallOrigin = start ?? new DateTimeOffset(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public override long TimestampFrequency => TimeSpan.TicksPerSecond;

    /// <summary>How many timers wait for their moment: what a test can wait for before it moves the clock.</summary>
    public int TimerCount
    {
        get
        {
            lock (_gate)
                return _timers.Count;
        }
    }

    /// <summary>Whether a timer is set for exactly so much later than now.</summary>
    public bool HasTimerIn(TimeSpan delay)
    {
        lock (_gate)
            return _timers.Exists(timer => timer.DueTicks == _ticks + delay.Ticks);
    }

    public override long GetTimestamp()
    {
        lock (_gate)
            return _ticks;
    }

    public override DateTimeOffset GetUtcNow()
    {
        lock (_gate)
            return _wallOrigin + TimeSpan.FromTicks(_ticks);
    }

    /// <summary>Sets the wall clock forward or back; the monotonic one and the timers do not notice.</summary>
    public void StepWallClock(TimeSpan by)
    {
        lock (_gate)
            _wallOrigin += by;
    }

    /// <summary>Moves both clocks on and runs the timers that come due.</summary>
    public void Advance(TimeSpan by)
    {
        long end = GetTimestamp() + by.Ticks;
        while (NextUntil(end) is { } timer)
            timer.Run();
        lock (_gate)
            _ticks = end;
    }

    /// <summary>Advances in steps until a task has ended, for what needs several timers one after the other.</summary>
    /// <exception cref="TimeoutException">It did not end within 30 s of real time.</exception>
    public async Task AdvanceUntilAsync(Task task, TimeSpan step)
    {
        await Wait.UntilAsync(
            () =>
            {
                if (!task.IsCompleted)
                    Advance(step);
                return task.IsCompleted;
            },
            TimeSpan.FromSeconds(30),
            "a task on manual time");
        await task;
    }

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period)
    {
        var timer = new ManualTimer(this, callback, state);
        timer.Change(dueTime, period);
        return timer;
    }

    private ManualTimer? NextUntil(long end)
    {
        lock (_gate)
        {
            ManualTimer? next = _timers.MinBy(static timer => timer.DueTicks);
            if (next is null || next.DueTicks > end)
                return null;
            _ticks = Math.Max(_ticks, next.DueTicks);
            if (next.PeriodTicks > 0)
                next.DueTicks += next.PeriodTicks;
            else
                _timers.Remove(next);
            return next;
        }
    }

    private sealed class ManualTimer(ManualTime time, TimerCallback callback, object? state) : ITimer
    {
        public long DueTicks { get; set; }

        /// <summary>0 for a timer that runs once.</summary>
        public long PeriodTicks { get; private set; }

        public void Run() => callback(state);

        public bool Change(TimeSpan dueTime, TimeSpan period)
        {
            lock (time._gate)
            {
                time._timers.Remove(this);
                PeriodTicks = period == Timeout.InfiniteTimeSpan ? 0 : period.Ticks;
                DueTicks = time._ticks + dueTime.Ticks;
                if (dueTime != Timeout.InfiniteTimeSpan)
                    time._timers.Add(this);
            }
            return true;
        }

        public void Dispose()
        {
            lock (time._gate)
                time._timers.Remove(this);
        }

        public ValueTask DisposeAsync()
        {
            Dispose();
            return ValueTask.CompletedTask;
        }
    }
}
