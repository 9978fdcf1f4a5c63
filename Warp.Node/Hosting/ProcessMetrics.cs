using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;

namespace Warp.Node.Hosting;

/// <summary>Instruments about the process that a node runs in. Their Prometheus names are the ones that dashboards know.</summary>
internal static class ProcessMetrics
{
    /// <summary>Linux has it.</summary>
    private const string IoOfThisProcess = "/proc/self/io";

    /// <summary>Makes the instruments; each is read when somebody collects.</summary>
    public static void Register(Meter meter, TimeProvider time, string version)
    {
        long started = time.GetTimestamp();
        meter.CreateObservableGauge(
            "warp.build.info",
            () => new Measurement<int>(1, new KeyValuePair<string, object?>("version", version)),
            null,
            "Always 1; the label is the version that runs.");
        meter.CreateObservableGauge(
            "warp.node.uptime", () => time.GetElapsedTime(started).TotalSeconds, "s", "How long the node has been running.");
        meter.CreateObservableCounter(
            "process.cpu", static () => Environment.CpuUsage.TotalTime.TotalSeconds, "s", "Processor time used, in user and system mode.");
        meter.CreateObservableGauge(
            "process.resident.memory", static () => Environment.WorkingSet, "By", "Memory of the process that is in RAM.");
        meter.CreateObservableGauge("process.threads", CountThreads, "{thread}", "Threads of the process.");
        meter.CreateObservableGauge(
            "dotnet.gc.heap", static () => GC.GetTotalMemory(false), "By", "Memory of managed objects, dead ones included.");
        meter.CreateObservableCounter(
            "dotnet.gc.allocated", static () => GC.GetTotalAllocatedBytes(), "By", "Memory allocated for managed objects since the start.");
        meter.CreateObservableCounter(
            "dotnet.gc.pause", static () => GC.GetTotalPauseDuration().TotalSeconds, "s", "Time for which collections stopped all threads.");
        meter.CreateObservableCounter(
            "dotnet.gc.collections", CountCollections, "{collection}", "Collections, by the oldest generation that they looked at.");
        if (File.Exists(IoOfThisProcess))
            meter.CreateObservableCounter("process.io.written", ReadBytesWritten, "By", "Bytes that the process has had written to disks.");
    }

    private static IEnumerable<Measurement<int>> CountCollections()
    {
        for (int generation = 0; generation <= GC.MaxGeneration; generation++)
        {
            // The runtime counts a collection for every generation that it looked at.
            int older = generation < GC.MaxGeneration ? GC.CollectionCount(generation + 1) : 0;
            yield return new(GC.CollectionCount(generation) - older, new KeyValuePair<string, object?>("generation", generation));
        }
    }

    private static long ReadBytesWritten()
    {
        const string Name = "write_bytes: ";
        string line = File.ReadLines(IoOfThisProcess).First(static line => line.StartsWith(Name, StringComparison.Ordinal));
        return long.Parse(line.AsSpan(Name.Length), CultureInfo.InvariantCulture);
    }

    private static int CountThreads()
    {
        using var process = Process.GetCurrentProcess();
        return process.Threads.Count;
    }
}
