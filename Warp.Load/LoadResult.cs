using Warp.Load.Broker;
using Warp.Load.Costs;
using Warp.Load.Measuring;

namespace Warp.Load;

/// <summary>
/// What a load has come to. Rates are those of the time that counts; MB are 10^6 bytes of record batches as they are sent.
/// </summary>
public sealed record LoadResult
{
    /// <summary>The time that counts, in seconds.</summary>
    public required double Seconds { get; init; }

    /// <summary>Whether it was stopped before its time.</summary>
    public required bool WasStopped { get; init; }

    /// <summary>Partitions of the topic, which may have been there before and have others than planned.</summary>
    public required int Partitions { get; init; }

    public required Flow Produced { get; init; }

    public required Flow Fetched { get; init; }

    /// <summary>From when a request was due to its answer.</summary>
    public required LatencySummary ProduceLatency { get; init; }

    /// <summary>From when a record's request was due to its arrival at a consumer at the tail; up to 1 ms more than the truth.</summary>
    public required LatencySummary EndToEndLatency { get; init; }

    /// <summary>What the broker counted meanwhile, or null if it could not be asked.</summary>
    public required BrokerCounters? Broker { get; init; }

    /// <summary>What producers sent in the whole run, the warm-up too: bytes.</summary>
    public required long AllProducedBytes { get; init; }

    /// <summary>What the broker put into the store beyond that: headers and footers of objects.</summary>
    public required double? BytesBeyondRecords { get; init; }

    /// <summary>What it wrote to disks in all: objects, if the store is a folder, and the journal with what it writes twice.</summary>
    public required double? BytesWritten { get; init; }

    /// <summary>The most memory that the broker has had in RAM; null if that is not known.</summary>
    public required double? PeakResidentBytes { get; init; }

    /// <summary>Processor time of this program.</summary>
    public required double GeneratorCpuSeconds { get; init; }

    /// <summary>Everything that went wrong, for people; empty when nothing did.</summary>
    public required IReadOnlyList<string> Problems { get; init; }

    /// <summary>All bytes that producers sent and consumers got.</summary>
    public double MovedBytes => Produced.Bytes + Fetched.Bytes;

    /// <summary>What was asked of the store.</summary>
    public StoreUsage? Store => Broker is null ? null : new(Broker.Puts, Broker.Gets, Broker.PutBytes, Broker.GetBytes);

    /// <summary>
    /// The figures by name. Those a GB are a GB produced and fetched, together, but for PUTs, metadata and cost, which are a GB produced,
    /// and GETs, which are a GB fetched. A figure that cannot be told is left out.
    /// </summary>
    public IReadOnlyDictionary<string, double> Figures()
    {
        var figures = new Dictionary<string, double> { ["seconds"] = Seconds, ["problems"] = Problems.Count };
        Add(figures, "produce", Produced);
        Add(figures, "fetch", Fetched);
        Add(figures, "produce", ProduceLatency);
        Add(figures, "e2e", EndToEndLatency);
        double produced = Produced.Bytes / StoreUsage.Gigabyte, fetched = Fetched.Bytes / StoreUsage.Gigabyte, moved = produced + fetched;
        figures["generator_cpu_cores"] = GeneratorCpuSeconds / Seconds;
        AddPer(figures, "generator_cpu_s_per_gb", GeneratorCpuSeconds, moved);
        if (PeakResidentBytes is { } peak)
            figures["broker_peak_rss_mb"] = peak / 1e6;
        if (Broker is null)
            return figures;
        figures["broker_cpu_cores"] = Broker.CpuSeconds / Seconds;
        figures["broker_rss_mb"] = Broker.ResidentBytes / 1e6;
        figures["broker_gc_pause_ms_per_s"] = 1000 * Broker.GcPauseSeconds / Seconds;
        figures["broker_collections"] = Broker.Collections;
        figures["store_puts_per_s"] = Broker.Puts / Seconds;
        figures["store_gets"] = Broker.Gets;
        AddPer(figures, "broker_cpu_s_per_gb", Broker.CpuSeconds, moved);
        AddPer(figures, "broker_allocated_mb_per_gb", Broker.AllocatedBytes / 1e6, moved);
        AddPer(figures, "store_puts_per_gb", Broker.Puts, produced);
        AddPer(figures, "store_gets_per_gb", Broker.Gets, fetched);
        // In the whole run, because what is under way at the ends of the time that counts is more than all footers.
        AddPer(figures, "footer_percent", 100 * (BytesBeyondRecords ?? 0), AllProducedBytes);
        AddPer(figures, "disk_written_percent", 100 * (BytesWritten ?? 0), AllProducedBytes);
        double beyond = (BytesWritten ?? AllProducedBytes) - AllProducedBytes;
        AddPer(figures, "metadata_percent", 100 * beyond, AllProducedBytes);
        AddPer(figures, "metadata_bytes_per_record", beyond * Produced.Bytes / Math.Max(1, Produced.Records), AllProducedBytes);
        foreach (StorePrices prices in StorePrices.All)
            AddPer(figures, $"cost_usd_per_gb[{prices.Name}]", Store!.Value.CostDollars(prices), produced);
        return figures;
    }

    private static void Add(Dictionary<string, double> figures, string name, in Flow flow)
    {
        if (flow.Requests == 0)
            return;
        figures[name + "_mb_per_s"] = flow.Bytes / 1e6 / flow.Seconds;
        figures[name + "_records_per_s"] = flow.Records / flow.Seconds;
        figures[name + "_requests_per_s"] = flow.Requests / flow.Seconds;
        figures[name + "_bytes_per_request"] = (double)flow.Bytes / flow.Requests;
    }

    private static void Add(Dictionary<string, double> figures, string name, LatencySummary latency)
    {
        if (latency.Count == 0)
            return;
        figures[name + "_p50_ms"] = latency.P50Ms;
        figures[name + "_p90_ms"] = latency.P90Ms;
        figures[name + "_p99_ms"] = latency.P99Ms;
        figures[name + "_p999_ms"] = latency.P999Ms;
        figures[name + "_max_ms"] = latency.MaxMs;
    }

    private static void AddPer(Dictionary<string, double> figures, string name, double amount, double per)
    {
        if (per > 0)
            figures[name] = amount / per;
    }
}

/// <summary>What all connections of one direction have moved together.</summary>
public readonly record struct Flow(long Requests, long Records, long Bytes, double Seconds);
