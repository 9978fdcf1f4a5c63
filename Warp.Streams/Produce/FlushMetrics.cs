using System.Diagnostics.Metrics;

namespace Warp.Streams.Produce;

/// <summary>What the flush pipeline tells of itself.</summary>
internal static class FlushMetrics
{
    private static readonly Meter s_meter = new("Warp.Flush");

    private static readonly Counter<long> s_flushes = s_meter.CreateCounter<long>("warp.flush.flushes", null, "Flushes dispatched, by what made them leave.");

    private static readonly Counter<long> s_batches = s_meter.CreateCounter<long>("warp.flush.batches", null, "Record batches in them.");

    public static void Dispatched(Flush flush)
    {
        s_flushes.Add(1, new KeyValuePair<string, object?>("trigger", flush.Trigger.ToString().ToLowerInvariant()));
        s_batches.Add(flush.Batches.Count);
    }
}
