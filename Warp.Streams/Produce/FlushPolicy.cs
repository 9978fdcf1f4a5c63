namespace Warp.Streams.Produce;

/// <summary>Why a flush left.</summary>
public enum FlushTrigger
{
    /// <summary>Not yet.</summary>
    None,

    /// <summary>The size was reached.</summary>
    Size,

    /// <summary>The interval is over.</summary>
    Interval,

    /// <summary>The budget of PUTs had one to spare.</summary>
    Budget,

    /// <summary>The node is stopping.</summary>
    Drain,
}

/// <summary>
/// Decides when what was gathered leaves. The interval exists to bound PUTs a second, so the ones that are not used are spent: a token
/// bucket, filled at the budget's rate up to one second's worth, lets a batch that finds a token leave at once. Under steady load the
/// tokens are gone and the interval rules; over any time T at most <c>budget × T + budget</c> flushes leave early, and none of them makes
/// the others more. Pure: times come from the caller, as spans since any fixed moment. Not thread-safe.
/// </summary>
public sealed class FlushPolicy(FlushSettings settings)
{
    /// <summary>
    /// One token, in the unit that the bucket is counted in: it gains the budget's number of them with every tick. Whole numbers, so that
    /// a token is there at the very moment that <see cref="NextLook"/> names.
    /// </summary>
    private const long Token = TimeSpan.TicksPerSecond;

    private readonly long _capacity = settings.PutsPerSecond * Token;
    private long _credit = settings.PutsPerSecond * Token;
    private TimeSpan _filledAt;

    /// <summary>Whether to flush now.</summary>
    /// <param name="now">The present moment.</param>
    /// <param name="gatheredBytes">How much waits.</param>
    /// <param name="firstAt">Since when the oldest of it has waited.</param>
    public FlushTrigger Decide(TimeSpan now, long gatheredBytes, TimeSpan firstAt)
    {
        if (gatheredBytes >= settings.SizeBytes)
            return FlushTrigger.Size;
        if (now - firstAt >= settings.Interval)
            return FlushTrigger.Interval;
        Fill(now);
        return _credit >= Token ? FlushTrigger.Budget : FlushTrigger.None;
    }

    /// <summary>When to ask again if nothing else happens: at the end of the interval, or when there is a token.</summary>
    public TimeSpan NextLook(TimeSpan now, TimeSpan firstAt)
    {
        Fill(now);
        TimeSpan atInterval = firstAt + settings.Interval;
        if (settings.PutsPerSecond == 0)
            return atInterval;
        long missing = Math.Max(0, Token - _credit);
        TimeSpan atToken = now + TimeSpan.FromTicks((missing + settings.PutsPerSecond - 1) / settings.PutsPerSecond);
        return atToken < atInterval ? atToken : atInterval;
    }

    /// <summary>Notes a flush. Every one takes a token, whatever its trigger; the bucket does not go into debt.</summary>
    public void Flushed(TimeSpan now)
    {
        Fill(now);
        _credit = Math.Max(0, _credit - Token);
    }

    private void Fill(TimeSpan now)
    {
        if (now <= _filledAt)
            return;
        // A second fills it, whatever was in it.
        long ticks = Math.Min((now - _filledAt).Ticks, TimeSpan.TicksPerSecond);
        _credit = Math.Min(_capacity, _credit + (ticks * settings.PutsPerSecond));
        _filledAt = now;
    }
}
