using System.Diagnostics;

namespace Warp.Bench.Yardsticks;

/// <summary>What a yardstick has come to.</summary>
/// <param name="Megabytes">MB a second.</param>
/// <param name="CpuSecondsPerGigabyte">Processor time of the process, both sides of it: no broker can do with less.</param>
public readonly record struct YardstickResult(double Megabytes, double CpuSecondsPerGigabyte)
{
    /// <summary>Measures work that moves bytes; nothing else may run in this process.</summary>
    /// <param name="work">Returns how many bytes it has moved.</param>
    public static YardstickResult Of(Func<double> work)
    {
        double cpu = Environment.CpuUsage.TotalTime.TotalSeconds;
        long started = Stopwatch.GetTimestamp();
        double bytes = work();
        double seconds = Stopwatch.GetElapsedTime(started).TotalSeconds;
        return new YardstickResult(bytes / 1e6 / seconds, (Environment.CpuUsage.TotalTime.TotalSeconds - cpu) / (bytes / 1e9));
    }
}
