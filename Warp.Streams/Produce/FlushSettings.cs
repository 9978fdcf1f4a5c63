namespace Warp.Streams.Produce;

/// <summary>When a flush leaves, and how many may be under way.</summary>
/// <param name="Interval">The longest that a batch waits for others.</param>
/// <param name="SizeBytes">So many bytes leave at once.</param>
/// <param name="PutsPerSecond">The budget of flushes that need not wait out the interval.</param>
/// <param name="PutsInFlight">How many objects may be on their way to the store.</param>
public sealed record FlushSettings(TimeSpan Interval, int SizeBytes, int PutsPerSecond, int PutsInFlight)
{
    /// <summary>
    /// The budget of flushes that leave early because waiting would gather nothing. It holds those of <see cref="PutsPerSecond"/>, too, and is
    /// of no use where that is 0.
    /// </summary>
    public int PutsPerSecondMax { get; init; }

    /// <summary>Who has sent nothing for so long, since it was last answered, is taken to send nothing before the next answer.</summary>
    public TimeSpan Quiet { get; init; } = TimeSpan.FromMilliseconds(5);
}
