namespace Warp.Load.Measuring;

/// <summary>
/// The part of a run that counts, in microseconds of its <see cref="RunClock"/>: from the end of the warm-up to the end. Latencies belong
/// to the moment at which their request was due, throughput to the moment of the answer. Thread-safe.
/// </summary>
/// <param name="fromMicros">The first moment that counts.</param>
/// <param name="toMicros">The first one that does not any more.</param>
public sealed class RunWindow(long fromMicros, long toMicros)
{
    private long _stopMicros = long.MaxValue;

    /// <summary>The first moment that counts.</summary>
    public long FromMicros => fromMicros;

    /// <summary>The first moment that does not count any more, and the end of the run.</summary>
    public long ToMicros => Math.Min(toMicros, Volatile.Read(ref _stopMicros));

    /// <summary>Whether the run was stopped before its time.</summary>
    public bool WasStopped => ToMicros < toMicros;

    public bool Contains(long micros) => micros >= FromMicros && micros < ToMicros;

    /// <summary>Ends the run at a moment, unless that is later than its end.</summary>
    public void Stop(long micros) => Volatile.Write(ref _stopMicros, micros);
}
