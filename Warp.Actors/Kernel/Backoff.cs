namespace Warp.Actors.Kernel;

/// <summary>Exponential back-off with full jitter in its upper half: each pause doubles up to a limit. Not thread-safe.</summary>
public sealed class Backoff(TimeSpan first, TimeSpan limit, Random random)
{
    private int _failures;

    /// <summary>The next pause: between half of and the whole of <c>first × 2^failures</c>, at most the limit.</summary>
    public TimeSpan Next()
    {
        double ceiling = Math.Min(limit.TotalMilliseconds, first.TotalMilliseconds * Math.Pow(2, Math.Min(_failures++, 30)));
        return TimeSpan.FromMilliseconds(ceiling * (0.5 + random.NextDouble() / 2));
    }

    /// <summary>Starts over: something succeeded.</summary>
    public void Reset() => _failures = 0;
}
