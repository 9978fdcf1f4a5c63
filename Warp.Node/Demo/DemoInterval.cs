using Warp.Load.Measuring;

namespace Warp.Node.Demo;

/// <summary>What happened in a demo from one moment to a later one.</summary>
public sealed record DemoInterval(DemoSample From, DemoSample To)
{
    public TimeSpan Length => To.At - From.At;

    /// <summary>What was counted between the two moments, a second.</summary>
    public double Rate(Func<DemoSample, long> count) => Length > TimeSpan.Zero ? (count(To) - count(From)) / Length.TotalSeconds : 0;

    /// <summary>What was counted between the two moments, in millions a second.</summary>
    public double MegaRate(Func<DemoSample, long> count) => Rate(count) / 1e6;

    /// <summary>The latencies that were recorded between the two moments.</summary>
    public LatencyHistogram Latency(Func<DemoSample, LatencyHistogram> latency) => latency(To).Since(latency(From));
}
