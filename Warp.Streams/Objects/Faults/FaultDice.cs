namespace Warp.Streams.Objects.Faults;

/// <summary>Draws what happens to each request of a plan: the same from the same seed, as long as requests come in the same order.
/// Thread-safe.</summary>
/// <param name="plan">What happens how often.</param>
public sealed class FaultDice(FaultPlan plan)
{
    /// <summary>How many standard deviations lie between the median and the 99th percentile of a normal distribution.</summary>
    private const double Percentile99 = 2.326;

    private readonly Lock _lock = new();
    private readonly Random _random = new(plan.Seed);

    /// <summary>What happens to the next request.</summary>
    /// <param name="isRead">Reads are quicker, and have no effect that could be half done.</param>
    public RequestFate Next(bool isRead)
    {
        lock (_lock)
        {
            TimeSpan wait = plan.IsDistant ? Latency(isRead) : TimeSpan.Zero;
            if (_random.NextDouble() < plan.Stalls)
                wait += plan.StallTime;
            double fate = _random.NextDouble();
            bool hasEffect = _random.Next(2) == 0;
            FateKind kind = fate < plan.Errors ? (hasEffect ? FateKind.FailAfterEffect : FateKind.Fail)
                : fate < plan.Errors + plan.Timeouts ? (hasEffect ? FateKind.SilentAfterEffect : FateKind.Silent)
                : FateKind.Succeed;
            return new RequestFate(wait, kind);
        }
    }

    /// <summary>Log-normal, as the latencies of object stores are.</summary>
    private TimeSpan Latency(bool isRead)
    {
        (double median, double percentile99) = isRead ? (20, 200) : (40, 250);
        double normal = Math.Sqrt(-2 * Math.Log(1 - _random.NextDouble())) * Math.Cos(2 * Math.PI * _random.NextDouble());
        return TimeSpan.FromMilliseconds(median * Math.Exp(normal * Math.Log(percentile99 / median) / Percentile99));
    }
}

/// <summary>What happens to one request.</summary>
/// <param name="Wait">How long it takes in all, or longer if the store takes longer.</param>
/// <param name="Kind">How it ends.</param>
public readonly record struct RequestFate(TimeSpan Wait, FateKind Kind);

/// <summary>How a request ends.</summary>
public enum FateKind
{
    Succeed,

    /// <summary>It has no effect, and is reported as failed.</summary>
    Fail,

    /// <summary>It has its effect, and is reported as failed.</summary>
    FailAfterEffect,

    /// <summary>It has no effect and no answer.</summary>
    Silent,

    /// <summary>It has its effect and no answer.</summary>
    SilentAfterEffect,
}
