namespace Warp.Node.Quotas;

/// <summary>
/// Measures a rate as Kafka does for quotas (KIP-13): over ten whole windows of one second (<c>quota.window.num</c> 11) and what has passed
/// of the current one. Not thread-safe; the time is given.
/// </summary>
public sealed class RateMeter
{
    /// <summary>Kafka's <c>quota.window.num</c>.</summary>
    public const int Windows = 11;

    /// <summary>Kafka's <c>quota.window.size.seconds</c>.</summary>
    public const long WindowMs = 1000;

    private readonly double[] _amounts = new double[Windows];
    private long _current;

    /// <summary>Whether nothing is left of what was recorded.</summary>
    public bool IsIdle(long nowMs)
    {
        MoveTo(nowMs);
        return Array.TrueForAll(_amounts, static amount => amount == 0);
    }

    /// <summary>Adds an amount to the current window.</summary>
    /// <param name="amount">0 or more.</param>
    /// <param name="nowMs">The time in ms, 0 or more; one that lies before an earlier call's counts as that one's window.</param>
    public void Record(double amount, long nowMs)
    {
        MoveTo(nowMs);
        _amounts[_current % Windows] += amount;
    }

    /// <summary>
    /// How long to wait until the rate has come down to a limit, in ms; 0 when it is not above it. Were nothing to be recorded in a time X
    /// after the measured span W, then the rate O would be O·W/(W+X); that is the limit L after X = (O−L)/L·W.
    /// Who waits so keeps to the limit, but for what it may use at once; who uses more at once than ten windows allow gets up to a third
    /// more, since it waits longer than anything is remembered.
    /// </summary>
    /// <param name="limit">The highest rate that is allowed, per second, above 0.</param>
    /// <param name="nowMs">The time in ms.</param>
    public double WaitMs(double limit, long nowMs)
    {
        MoveTo(nowMs);
        double spanMs = ((Windows - 1) * WindowMs) + Math.Max(nowMs - (_current * WindowMs), 0);
        double rate = _amounts.Sum() / spanMs * 1000;
        return rate > limit ? (rate - limit) / limit * spanMs : 0;
    }

    /// <summary>Makes the window of a time the current one; those that are too old are dropped.</summary>
    private void MoveTo(long nowMs)
    {
        long window = nowMs / WindowMs;
        for (long next = Math.Max(_current + 1, window - Windows + 1); next <= window; next++)
            _amounts[next % Windows] = 0;
        _current = Math.Max(_current, window);
    }
}
