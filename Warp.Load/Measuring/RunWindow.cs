namespace Warp.Load.Measuring;

/// <summary>
/// The part of a run that counts, in microseconds of its <see cref="RunClock"/>: from the end of the warm-up to the end. Latencies belong
/// to the moment at which their request was due, throughput to the moment of the answer.
/// </summary>
/// <param name="FromMicros">The first moment that counts.</param>
/// <param name="ToMicros">The first one that does not any more.</param>
public readonly record struct RunWindow(long FromMicros, long ToMicros)
{
    public bool Contains(long micros) => micros >= FromMicros && micros < ToMicros;
}
