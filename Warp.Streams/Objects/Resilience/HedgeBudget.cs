namespace Warp.Streams.Objects.Resilience;

/// <summary>
/// Keeps second requests to a share of the first ones: each first request adds that share of a token, each second one takes a whole. So a
/// store that becomes slow as a whole gets at most that much more to do. Thread-safe.
/// </summary>
/// <param name="share">Of second requests to first ones, such as 0.05.</param>
public sealed class HedgeBudget(double share)
{
    /// <summary>What a quiet time saves up is worth this many second requests.</summary>
    private const double MaxTokens = 10;

    /// <summary>It begins as if it had seen so many first requests: the first minutes of a node are not to be its slowest.</summary>
    private const int Advance = 100;

    private readonly Lock _lock = new();
    private double _tokens = Math.Min(MaxTokens, share * Advance);

    /// <summary>Counts a first request.</summary>
    public void Earn()
    {
        lock (_lock)
            _tokens = Math.Min(MaxTokens, _tokens + share);
    }

    /// <summary>Whether a second request may be sent now; then it is paid for.</summary>
    /// <param name="reserve">How many tokens have to be left: what is not urgent leaves some to what is.</param>
    public bool TrySpend(int reserve = 0)
    {
        lock (_lock)
        {
            // Twenty times a twentieth is not quite one.
            if (_tokens < reserve + 1 - 1e-9)
                return false;
            _tokens--;
            return true;
        }
    }
}
