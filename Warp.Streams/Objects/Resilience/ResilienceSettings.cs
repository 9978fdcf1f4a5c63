namespace Warp.Streams.Objects.Resilience;

/// <summary>How much is done about a store that fails or is slow.</summary>
public sealed record ResilienceSettings
{
    /// <summary>How long an attempt may take, on top of what its bytes take at <see cref="SlowestBytesPerSecond"/>.</summary>
    public TimeSpan AttemptTimeout { get; init; } = TimeSpan.FromSeconds(5);

    /// <summary>How often a request is tried again after an error that may pass.</summary>
    public int Retries { get; init; } = 4;

    /// <summary>Whether a slow request is sent again, twice at most.</summary>
    public bool Hedging { get; init; } = true;

    /// <summary>How many of those there may be, as a share of the first ones.</summary>
    public double HedgeBudget { get; init; } = 0.05;

    /// <summary>The slowest transfer that is worth waiting for.</summary>
    public const long SlowestBytesPerSecond = 4 << 20;

    /// <summary>The longest wait before the first retry; it doubles with each. The wait itself is drawn from zero to that (full
    /// jitter).</summary>
    public static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(100);

    /// <summary>No wait is longer.</summary>
    public static readonly TimeSpan LongestBackoff = TimeSpan.FromSeconds(5);
}
