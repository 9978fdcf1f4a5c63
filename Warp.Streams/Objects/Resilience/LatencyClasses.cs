namespace Warp.Streams.Objects.Resilience;

/// <summary>A tracker for each kind of request: by what it does, and by how many bytes it moves.</summary>
internal sealed class LatencyClasses
{
    /// <summary>A footer, a chunk or a small flush, a full flush; and what is larger.</summary>
    private static readonly long[] s_limits = [64 << 10, 1 << 20, 8 << 20];

    private readonly LatencyTracker[] _puts = Create();
    private readonly LatencyTracker[] _gets = Create();

    public LatencyTracker Puts(long bytes) => _puts[ClassOf(bytes)];

    public LatencyTracker Gets(long bytes) => _gets[ClassOf(bytes)];

    private static int ClassOf(long bytes)
    {
        int found = Array.FindIndex(s_limits, limit => bytes <= limit);
        return found < 0 ? s_limits.Length : found;
    }

    private static LatencyTracker[] Create() => [.. Enumerable.Range(0, s_limits.Length + 1).Select(static _ => new LatencyTracker())];
}
