using System.Diagnostics;

namespace Warp.Specs.Streams.Produce;

/// <summary>
/// A clock that runs some times faster than the real one, so that back-offs and time-outs do not make a test slow. Thread-safe.
/// </summary>
internal sealed class HastyTime(int factor) : TimeProvider
{
    private readonly DateTimeOffset _start = DateTimeOffset.FromUnixTimeMilliseconds(1_790_000_000_000);
    private readonly long _startedAt = Stopwatch.GetTimestamp();

    public override long GetTimestamp() => (Stopwatch.GetTimestamp() - _startedAt) * factor;

    public override DateTimeOffset GetUtcNow() => _start + (Stopwatch.GetElapsedTime(_startedAt) * factor);

    public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
        new HastyTimer(System.CreateTimer(callback, state, Real(dueTime), Real(period)), this);

    private TimeSpan Real(TimeSpan span) =>
        span == Timeout.InfiniteTimeSpan ? span : TimeSpan.FromMilliseconds(Math.Ceiling(span.TotalMilliseconds / factor));

    private sealed class HastyTimer(ITimer timer, HastyTime time) : ITimer
    {
        public bool Change(TimeSpan dueTime, TimeSpan period) => timer.Change(time.Real(dueTime), time.Real(period));

        public void Dispose() => timer.Dispose();

        public ValueTask DisposeAsync() => timer.DisposeAsync();
    }
}
