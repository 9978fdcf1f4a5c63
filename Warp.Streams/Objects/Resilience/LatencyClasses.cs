namespace Warp.Streams.Objects.Resilience;

/// <summary>
/// How long requests take, by what they do and by how many bytes they move. Of a size of which too few were seen, what holds for all
/// sizes has to do: not quite right, but a slow first object makes clients wait like any other.
/// </summary>
internal sealed class LatencyClasses
{
    /// <summary>A footer, a chunk or a small flush, a full flush; and what is larger.</summary>
    private static readonly long[] s_limits = [64 << 10, 1 << 20, 8 << 20];

    private readonly LatencyClass[] _puts = Create();
    private readonly LatencyClass[] _gets = Create();

    public LatencyClass Puts(long bytes) => _puts[ClassOf(bytes)];

    public LatencyClass Gets(long bytes) => _gets[ClassOf(bytes)];

    private static int ClassOf(long bytes)
    {
        int found = Array.FindIndex(s_limits, limit => bytes <= limit);
        return found < 0 ? s_limits.Length : found;
    }

    private static LatencyClass[] Create()
    {
        var ofAll = new LatencyTracker();
        return [.. Enumerable.Range(0, s_limits.Length + 1).Select(_ => new LatencyClass(ofAll))];
    }
}

/// <summary>One kind of requests of about the same size. Thread-safe.</summary>
/// <param name="ofAllSizes">What is known of this kind, whatever the size.</param>
internal sealed class LatencyClass(LatencyTracker ofAllSizes)
{
    private readonly LatencyTracker _own = new();

    /// <summary>Beyond this a request is slow; null until enough have been seen.</summary>
    public TimeSpan? Percentile95 => _own.Percentile95 ?? ofAllSizes.Percentile95;

    /// <inheritdoc cref="LatencyTracker.Record"/>
    public void Record(TimeSpan duration)
    {
        _own.Record(duration);
        ofAllSizes.Record(duration);
    }
}
