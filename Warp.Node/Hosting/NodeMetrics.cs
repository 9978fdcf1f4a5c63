using System.Diagnostics.Metrics;

namespace Warp.Node.Hosting;

/// <summary>
/// The meter of one node, to which everything in it reports, and what was reported. Also reports on the process: processor time, memory,
/// threads, uptime, version. Thread-safe.
/// </summary>
public sealed class NodeMetrics : IDisposable
{
    /// <summary>The meter's name.</summary>
    public const string MeterName = "Warp";

    private readonly MetricsCollector _collector;

    /// <param name="time">Tells the uptime, which counts from now.</param>
    /// <param name="version">Warp's version, for <c>warp_build_info</c>.</param>
    public NodeMetrics(TimeProvider time, string version)
    {
        Meter = new Meter(MeterName, version);
        _collector = new MetricsCollector(Meter);
        ProcessMetrics.Register(Meter, time, version);
    }

    /// <summary>Where the node's parts make their instruments; it ends with this object.</summary>
    public Meter Meter { get; }

    /// <inheritdoc cref="MetricsCollector.Collect"/>
    public IReadOnlyList<MetricFamily> Collect() => _collector.Collect();

    public void Dispose()
    {
        _collector.Dispose();
        Meter.Dispose();
    }
}
