using System.Diagnostics.Metrics;
using Warp.Streams.Objects.Quorum;

namespace Warp.Streams.Objects.Resilience;

/// <summary>
/// Opens a store with everything around it. From the outside in: retries, hedges, the circuit breaker, metrics (of single attempts),
/// deadlines, the store.
/// </summary>
/// <remarks>
/// A quorum's stores have each a breaker, metrics and deadlines of their own, and are asked once an attempt: a dead one must fail soon, and
/// a slow read goes to the next one instead of to the same again. Folders and memory are not hedged, since a second request to a disk makes
/// the first no quicker.
/// </remarks>
/// <param name="settings">How much is done.</param>
/// <param name="meter">Gets the instruments; stays the caller's.</param>
/// <param name="time">The time.</param>
/// <param name="random">Seeds what draws pauses; used by one call at a time.</param>
public sealed class ResilientStores(ResilienceSettings settings, Meter meter, TimeProvider time, Random random)
{
    private readonly StoreMetrics _metrics = new(meter);
    private readonly List<QuorumObjectStore> _quorums = [];

    /// <summary>Those of the opened stores that are quorums, for repairs. They are disposed with what they were opened for.</summary>
    public IReadOnlyList<QuorumObjectStore> Quorums => _quorums;

    /// <summary>Opens the store of a URL.</summary>
    /// <param name="url">Where it is.</param>
    /// <param name="health">Watches it from now on.</param>
    /// <exception cref="ObjectStoreException">It cannot be opened.</exception>
    public IObjectStore Open(StoreUrl url, StoreHealth health)
    {
        if (url is StoreUrl.Quorum quorum)
        {
            var members = new List<IObjectStore>();
            foreach (StoreUrl member in quorum.Stores)
                members.Add(new BreakerObjectStore(Attempt(ObjectStores.Open(member, time)), new StoreHealth(time), time));
            var whole = new QuorumObjectStore(
                members, QuorumObjectStore.DefaultGrace, new HedgeBudget(settings.HedgeBudget), time, new Random(random.Next()));
            _quorums.Add(whole);
            return Retrying(new BreakerObjectStore(whole, health, time));
        }
        var breaker = new BreakerObjectStore(Attempt(ObjectStores.Open(url, time)), health, time);
        bool isHedged = settings.Hedging && url is not (StoreUrl.Folder or StoreUrl.Memory);
        return Retrying(isHedged ? new HedgingObjectStore(breaker, new HedgeBudget(settings.HedgeBudget), _metrics, time) : breaker);
    }

    private MeteredObjectStore Attempt(IObjectStore store) =>
        new(new DeadlineObjectStore(store, settings.AttemptTimeout, time), meter, time);

    private RetryingObjectStore Retrying(IObjectStore store) => new(store, settings.Retries, _metrics, time, new Random(random.Next()));
}
