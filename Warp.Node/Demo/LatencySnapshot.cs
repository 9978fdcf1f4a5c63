namespace Warp.Node.Demo;

/// <summary>What a <see cref="LatencyRecorder"/> had counted at one moment, or between two moments. Immutable.</summary>
public sealed class LatencySnapshot
{
    private readonly long[] _counts;
    private readonly long _max;

    internal LatencySnapshot(long[] counts, long maxMicroseconds)
    {
        _counts = counts;
        _max = maxMicroseconds;
        Count = counts.Sum();
    }

    /// <summary>Durations counted.</summary>
    public long Count { get; }

    /// <summary>The longest duration, to the microsecond; of a difference, to within 1 %. Zero when nothing was counted.</summary>
    public TimeSpan Max => TimeSpan.FromMicroseconds(_max);

    /// <summary>The duration that a share of all durations did not exceed, to within 1 %. Zero when nothing was counted.</summary>
    /// <param name="share">From 0 to 1: 0.99 is the 99th percentile.</param>
    public TimeSpan Percentile(double share)
    {
        long wanted = Math.Clamp((long)Math.Ceiling(share * Count), 1, Math.Max(1, Count));
        long seen = 0;
        for (int bucket = 0; bucket < _counts.Length; bucket++)
        {
            seen += _counts[bucket];
            if (seen >= wanted)
                return TimeSpan.FromMicroseconds(Math.Min(_max, LatencyRecorder.MiddleOf(bucket)));
        }
        return TimeSpan.Zero;
    }

    /// <summary>What was counted after an earlier snapshot of the same recorder.</summary>
    public LatencySnapshot Since(LatencySnapshot earlier)
    {
        var counts = new long[_counts.Length];
        long max = 0;
        for (int bucket = 0; bucket < counts.Length; bucket++)
        {
            counts[bucket] = _counts[bucket] - earlier._counts[bucket];
            if (counts[bucket] > 0)
                max = LatencyRecorder.MiddleOf(bucket);
        }
        return new LatencySnapshot(counts, Math.Min(max, _max));
    }
}
