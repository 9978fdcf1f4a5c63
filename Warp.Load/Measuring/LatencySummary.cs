namespace Warp.Load.Measuring;

/// <summary>The percentiles of a <see cref="LatencyHistogram"/> that reports show; milliseconds.</summary>
public sealed record LatencySummary(long Count, double P50Ms, double P90Ms, double P99Ms, double P999Ms, double MaxMs)
{
    /// <summary>Reads them off.</summary>
    public static LatencySummary Of(LatencyHistogram histogram) => new(
        histogram.Count,
        Ms(histogram.PercentileMicros(0.5)),
        Ms(histogram.PercentileMicros(0.9)),
        Ms(histogram.PercentileMicros(0.99)),
        Ms(histogram.PercentileMicros(0.999)),
        Ms(histogram.MaxMicros));

    private static double Ms(long micros) => micros / 1000.0;
}
