using Warp.Load.Broker;

namespace Warp.Load.Measuring;

/// <summary>The counters of broker and generator at one moment, or their difference between two.</summary>
internal sealed record Readings(long AtMicros, double Seconds, BrokerCounters? Broker, double GeneratorCpuSeconds)
{
    /// <summary>Reads them for the first time.</summary>
    public static async Task<Readings> FirstAsync(IBroker broker, RunClock clock)
    {
        BrokerCounters? counters = await broker.ReadCountersAsync();
        return new Readings(clock.NowMicros, 0, counters, Environment.CpuUsage.TotalTime.TotalSeconds);
    }

    /// <summary>Reads them again: what has been counted between.</summary>
    public async Task<Readings> AgainAsync(IBroker broker, RunClock clock)
    {
        Readings now = await FirstAsync(broker, clock);
        BrokerCounters? counted = now.Broker is null || Broker is null ? null : now.Broker.Since(Broker);
        return new Readings(
            now.AtMicros, (now.AtMicros - AtMicros) / 1e6, counted, now.GeneratorCpuSeconds - GeneratorCpuSeconds);
    }
}
