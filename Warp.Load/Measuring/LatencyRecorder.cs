namespace Warp.Load.Measuring;

/// <summary>A <see cref="LatencyHistogram"/> for those who record while others look. Thread-safe.</summary>
public sealed class LatencyRecorder
{
    private readonly Lock _gate = new();
    private readonly LatencyHistogram _histogram = new();

    /// <summary>Counts a latency.</summary>
    public void Record(TimeSpan latency)
    {
        lock (_gate)
            _histogram.Record(latency.Ticks / TimeSpan.TicksPerMicrosecond);
    }

    /// <summary>What has been counted so far; it does not change any more.</summary>
    public LatencyHistogram Snapshot()
    {
        var copy = new LatencyHistogram();
        lock (_gate)
            copy.Merge(_histogram);
        return copy;
    }
}
