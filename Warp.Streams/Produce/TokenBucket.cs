namespace Warp.Streams.Produce;

/// <summary>
/// Counts how many flushes may leave: filled at a steady rate up to one second's worth. So over any time T there are at most
/// <c>rate × T + rate</c> tokens. Pure: times come from the caller, as spans since any fixed moment. Not thread-safe.
/// </summary>
/// <param name="perSecond">How many tokens come in a second; 0 for never any.</param>
internal sealed class TokenBucket(int perSecond)
{
    /// <summary>
    /// One token, in the unit that the bucket is counted in: it gains the rate's number of them with every tick. Whole numbers, so that a
    /// token is there at the very moment that <see cref="NextAt"/> names.
    /// </summary>
    private const long Token = TimeSpan.TicksPerSecond;

    private readonly long _capacity = perSecond * Token;
    private long _credit = perSecond * Token;
    private TimeSpan _filledAt;

    /// <summary>Whether there is a token.</summary>
    public bool HasToken(TimeSpan now)
    {
        Fill(now);
        return _credit >= Token;
    }

    /// <summary>When there is a token, if none is taken before.</summary>
    public TimeSpan NextAt(TimeSpan now)
    {
        if (perSecond == 0)
            return TimeSpan.MaxValue;
        Fill(now);
        long missing = Math.Max(0, Token - _credit);
        return now + TimeSpan.FromTicks((missing + perSecond - 1) / perSecond);
    }

    /// <summary>Takes a token, if there is one: the bucket does not go into debt.</summary>
    public void Take(TimeSpan now)
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
        _credit = Math.Min(_capacity, _credit + (ticks * perSecond));
        _filledAt = now;
    }
}
