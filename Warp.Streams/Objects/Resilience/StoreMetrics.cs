using System.Diagnostics.Metrics;

namespace Warp.Streams.Objects.Resilience;

/// <summary>The instruments of what is done about a store that fails or is slow; each counts by <c>operation</c> (put, get, …).</summary>
public sealed class StoreMetrics
{
    private readonly Counter<long> _hedges;
    private readonly Counter<long> _hedgeWins;
    private readonly Counter<long> _retries;

    /// <param name="meter">Gets the instruments; stays the caller's.</param>
    public StoreMetrics(Meter meter)
    {
        _hedges = meter.CreateCounter<long>("warp.store.hedges", "{request}", "Requests sent again because they were slow.");
        _hedgeWins = meter.CreateCounter<long>("warp.store.hedge.wins", "{request}", "Requests sent again that were answered first.");
        _retries = meter.CreateCounter<long>("warp.store.retries", "{request}", "Requests sent again after an error that may pass.");
    }

    internal void Hedged(string operation) => _hedges.Add(1, Tag(operation));

    internal void HedgeWon(string operation) => _hedgeWins.Add(1, Tag(operation));

    internal void Retried(string operation) => _retries.Add(1, Tag(operation));

    private static KeyValuePair<string, object?> Tag(string operation) => new("operation", operation);
}
