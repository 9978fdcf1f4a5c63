namespace Warp.Load.Pacing;

/// <summary>
/// When each request of a steady rate is due, whatever became of those before it. Each moment is computed from the request's number, so
/// that rounding never adds up. Pure.
/// </summary>
/// <param name="requestsPerSecond">More than 0.</param>
/// <param name="startMicros">When the first one is due.</param>
public readonly struct OpenLoopSchedule(double requestsPerSecond, long startMicros)
{
    private readonly double _microsPerRequest = 1e6 / Positive(requestsPerSecond);
    private readonly long _startMicros = startMicros;

    /// <summary>When a request is due.</summary>
    /// <param name="number">From 0.</param>
    public long DueMicros(long number) => _startMicros + (long)(number * _microsPerRequest);

    /// <summary>How many requests are due before a moment.</summary>
    public long CountBefore(long micros)
    {
        if (micros <= _startMicros)
            return 0;
        long number = (long)((micros - _startMicros) / _microsPerRequest);
        // The division rounds; the schedule itself decides.
        while (number > 0 && DueMicros(number - 1) >= micros)
            number--;
        while (DueMicros(number) < micros)
            number++;
        return number;
    }

    private static double Positive(double rate)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(rate);
        return rate;
    }
}
