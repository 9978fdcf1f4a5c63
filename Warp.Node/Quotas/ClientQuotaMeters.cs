using System.Collections.Concurrent;
using Warp.Actors.Catalog;

namespace Warp.Node.Quotas;

/// <summary>
/// Measures what clients use of their quotas on this node. Only what has a quota is measured, and what is idle is forgotten, so that client
/// ids, which anybody can make up, cost no memory for long. Thread-safe.
/// </summary>
/// <param name="quotas">The quotas as they are at the moment.</param>
/// <param name="time">The clock of the measurements.</param>
public sealed class ClientQuotaMeters(Func<ClientQuotas> quotas, TimeProvider time)
{
    private readonly ConcurrentDictionary<(string Key, string? User, string? ClientId), RateMeter> _meters = new();
    private readonly long _started = time.GetTimestamp();
    private long _sweptMs;

    /// <summary>How many meters there are.</summary>
    public int Count => _meters.Count;

    private long NowMs => (long)time.GetElapsedTime(_started).TotalMilliseconds;

    /// <summary>Notes what a client used.</summary>
    /// <param name="key">One of <see cref="QuotaKey"/>.</param>
    /// <param name="user">The client's user.</param>
    /// <param name="clientId">The client's id.</param>
    /// <param name="amount">What it used; 0 only asks.</param>
    /// <returns>How long the client must pause to keep to its quota, in ms; 0 when it does, or has none.</returns>
    public int Record(string key, string user, string clientId, double amount)
    {
        if (quotas().Find(key, user, clientId) is not { } quota)
            return 0;
        long nowMs = NowMs;
        SweepIfDue(nowMs);
        RateMeter meter = _meters.GetOrAdd((key, quota.User, quota.ClientId), static _ => new RateMeter());
        lock (meter)
        {
            meter.Record(amount, nowMs);
            return (int)Math.Min(Math.Round(meter.WaitMs(quota.Limit, nowMs)), int.MaxValue);
        }
    }

    /// <summary>
    /// The most that a client can use at once without a pause for certain, after it has used nothing for a while; no bound without a quota.
    /// </summary>
    public double MostAtOnce(string key, string user, string clientId) =>
        quotas().Find(key, user, clientId) is { } quota
            ? quota.Limit * (RateMeter.Windows - 1) * RateMeter.WindowMs / 1000
            : double.PositiveInfinity;

    /// <summary>
    /// Forgets idle meters, once in the time in which a meter becomes idle. A request that comes just then may go uncounted.
    /// </summary>
    private void SweepIfDue(long nowMs)
    {
        long swept = Volatile.Read(ref _sweptMs);
        if (nowMs - swept < RateMeter.Windows * RateMeter.WindowMs || Interlocked.CompareExchange(ref _sweptMs, nowMs, swept) != swept)
            return;
        foreach (KeyValuePair<(string, string?, string?), RateMeter> entry in _meters)
        {
            lock (entry.Value)
            {
                if (entry.Value.IsIdle(nowMs))
                    _meters.TryRemove(entry);
            }
        }
    }
}
