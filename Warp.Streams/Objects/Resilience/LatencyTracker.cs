namespace Warp.Streams.Objects.Resilience;

/// <summary>The 95th percentile of the latest durations of one kind of request. Thread-safe.</summary>
public sealed class LatencyTracker
{
    /// <summary>How many durations count: enough for twelve beyond the percentile, few enough to follow a store that becomes
    /// slower.</summary>
    private const int Window = 256;

    /// <summary>With fewer, the percentile says nothing. Of so few it is the slowest.</summary>
    private const int Fewest = 16;

    /// <summary>Sorting the window for each request would cost more than it tells.</summary>
    private const int Refresh = 16;

    private readonly Lock _lock = new();
    private readonly long[] _ticks = new long[Window];
    private readonly long[] _sorted = new long[Window];
    private long _count;
    private TimeSpan? _percentile;

    /// <summary>Beyond this a request is slow; null until enough have been seen.</summary>
    public TimeSpan? Percentile95
    {
        get
        {
            lock (_lock)
                return _percentile;
        }
    }

    /// <summary>Takes a duration in. One that was given up counts with how long it had taken by then.</summary>
    public void Record(TimeSpan duration)
    {
        lock (_lock)
        {
            _ticks[_count++ % Window] = duration.Ticks;
            if (_count < Fewest || _count % Refresh != 0)
                return;
            int length = (int)Math.Min(_count, Window);
            Span<long> sorted = _sorted.AsSpan(0, length);
            _ticks.AsSpan(0, length).CopyTo(sorted);
            sorted.Sort();
            _percentile = TimeSpan.FromTicks(sorted[length * 95 / 100]);
        }
    }
}
