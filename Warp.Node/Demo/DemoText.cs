using Warp.Load.Measuring;

namespace Warp.Node.Demo;

/// <summary>The words of a demo that several views share.</summary>
internal static class DemoText
{
    public static string Latency(LatencyHistogram latency) => latency.Count == 0
        ? "-"
        : $"p50 {Duration(latency.PercentileMicros(0.5))} p99 {Duration(latency.PercentileMicros(0.99))} max {Duration(latency.MaxMicros)}";

    /// <summary>A duration, of microseconds, with three digits that count.</summary>
    public static string Duration(long micros) => (micros / 1000.0) switch
    {
        < 10 and var ms => $"{ms:f2} ms",
        < 100 and var ms => $"{ms:f1} ms",
        < 1000 and var ms => $"{ms:f0} ms",
        var ms => $"{ms / 1000:f2} s",
    };

    /// <summary>What a whole demo did, as lines.</summary>
    public static IEnumerable<string> Summary(DemoInterval whole)
    {
        DemoSample end = whole.To;
        yield return $"In {whole.Length.TotalSeconds:f1} s: {end.ProducedRecords:n0} records ({end.ProducedBytes / 1e6:f2} MB) "
            + $"produced and acknowledged, {end.ConsumedRecords:n0} consumed.";
        yield return $"Produce latency:    {Latency(end.ProduceLatency)}";
        yield return $"End-to-end latency: {Latency(end.EndToEndLatency)}";
        yield return $"Object store: {end.Puts:n0} PUTs ({whole.Rate(static sample => sample.Puts):f1}/s), {end.Gets:n0} GETs; "
            + $"{end.Objects:n0} objects with records.";
        yield return $"Chunk cache: {end.CacheHits:n0} hits, {end.CacheMisses:n0} misses.";
    }
}
