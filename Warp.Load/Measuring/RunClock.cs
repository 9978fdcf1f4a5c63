namespace Warp.Load.Measuring;

/// <summary>
/// The time of a run: microseconds since it was made, by the monotonic clock, and what they are as a time of day. One clock serves all
/// connections, so that a record's age is the difference of two readings of the same clock. Thread-safe.
/// </summary>
public sealed class RunClock(TimeProvider time)
{
    private readonly long _startTimestamp = time.GetTimestamp();
    private readonly long _startUnixMicros = (time.GetUtcNow() - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>Microseconds since the clock was made.</summary>
    public long NowMicros => time.GetElapsedTime(_startTimestamp).Ticks / TimeSpan.TicksPerMicrosecond;

    /// <summary>A moment as Kafka writes it: whole milliseconds since 1970, rounded down.</summary>
    public long UnixMs(long micros) => (_startUnixMicros + micros) / 1000;

    /// <summary>The moment of a timestamp that <see cref="UnixMs"/> made: up to 1 ms earlier than the truth, never later.</summary>
    public long MicrosOf(long unixMs) => (unixMs * 1000) - _startUnixMicros;
}
