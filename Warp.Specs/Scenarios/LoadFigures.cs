namespace Warp.Specs.Scenarios;

/// <summary>What a node did during a load.</summary>
/// <param name="Elapsed">From the first request to the last acknowledgement.</param>
/// <param name="Records">That were written.</param>
/// <param name="Before">The node's metrics before.</param>
/// <param name="After">The node's metrics after.</param>
public sealed record LoadFigures(
    TimeSpan Elapsed, long Records, IReadOnlyDictionary<string, double> Before, IReadOnlyDictionary<string, double> After)
{
    private const int SizeBytes = 8 << 20;

    /// <summary>Requests to the store that wrote an object.</summary>
    public double Puts => Risen("""warp_store_requests_total{operation="put"}""");

    public double BytesPut => Risen("""warp_store_bytes_total{operation="put"}""");

    public double Batches => Risen("warp_flush_batches_total");

    public double PutsPerSecond => Puts / Elapsed.TotalSeconds;

    /// <summary>
    /// The most PUTs that a budget allows in the time that was really taken: the budget, a second's worth saved up, the objects that
    /// their size made leave, and the mark of the lineage that is written once a minute.
    /// </summary>
    public double MostPuts(int budgetPerSecond) =>
        (budgetPerSecond * Elapsed.TotalSeconds) + budgetPerSecond + Math.Floor(BytesPut / SizeBytes) + Math.Ceiling(Elapsed.TotalMinutes);

    /// <summary>How much a series has risen.</summary>
    public double Risen(string series) => After.GetValueOrDefault(series) - Before.GetValueOrDefault(series);

    public override string ToString() =>
        $"{Records} records in {Batches} batches, {Elapsed.TotalSeconds:F1} s: {Puts} PUTs ({PutsPerSecond:F2}/s), "
        + $"{BytesPut / 1e6:F2} MB, "
        + string.Join(", ", After.Keys.Where(static series => series.StartsWith("warp_flush_flushes_total", StringComparison.Ordinal))
            .Select(series => $"{series["warp_flush_flushes_total".Length..]} {Risen(series)}"));
}
