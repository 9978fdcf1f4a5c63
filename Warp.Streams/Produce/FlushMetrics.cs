using System.Diagnostics.Metrics;

namespace Warp.Streams.Produce;

/// <summary>What the flush pipeline tells of itself.</summary>
internal sealed class FlushMetrics(Meter meter)
{
    private readonly Counter<long> _flushes =
        meter.CreateCounter<long>("warp.flush.flushes", null, "Flushes dispatched, by what made them leave.");

    private readonly Counter<long> _batches = meter.CreateCounter<long>("warp.flush.batches", null, "Record batches in them.");

    public void Dispatched(Flush flush)
    {
        _flushes.Add(1, new KeyValuePair<string, object?>("trigger", flush.Trigger.ToString().ToLowerInvariant()));
        _batches.Add(flush.Batches.Length);
    }
}
