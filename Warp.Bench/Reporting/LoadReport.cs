using System.Globalization;
using System.Text;
using Warp.Bench.Costs;
using Warp.Bench.Load;
using Warp.Bench.Measuring;

namespace Warp.Bench.Reporting;

/// <summary>One load's result for people.</summary>
internal static class LoadReport
{
    public static string Write(LoadPlan plan, LoadResult result)
    {
        var text = new StringBuilder();
        string rate = plan.RateMegabytes is { } mb ? $"{mb} MB/s by the clock" : plan.RateRecords is { } records ? $"{records} records/s by the clock" : "as fast as it goes";
        Line($"{plan.Producers} producers, {plan.Consumers} consumers, {plan.Partitions} partitions, records of {plan.RecordBytes} B in batches of {plan.BatchBytes} B ({plan.Codec}), {rate}");
        Line($"measured for {result.Seconds:f1} s");
        Flow("produced", result.Produced);
        Latency("  latency", result.ProduceLatency);
        Flow("fetched", result.Fetched);
        Latency("  end to end", result.EndToEndLatency);
        Broker(result);
        foreach (string problem in result.Problems)
            Line($"PROBLEM    {problem}");
        return text.ToString();

        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));

        void Flow(string name, in Flow flow)
        {
            if (flow.Requests > 0)
                Line($"{name,-10} {flow.Bytes / 1e6 / flow.Seconds,10:n1} MB/s {flow.Records / flow.Seconds,12:n0} records/s {flow.Requests / flow.Seconds,10:n1} requests/s");
        }

        void Latency(string name, LatencySummary latency)
        {
            if (latency.Count > 0)
                Line($"{name,-12} p50 {latency.P50Ms:n1} ms, p90 {latency.P90Ms:n1}, p99 {latency.P99Ms:n1}, p99.9 {latency.P999Ms:n1}, max {latency.MaxMs:n1}");
        }

        void Broker(LoadResult of)
        {
            IReadOnlyDictionary<string, double> figures = of.Figures();
            Line($"generator  {figures["generator_cpu_cores"]:f2} cores");
            if (of.Broker is null)
                return;
            Line($"broker     {figures["broker_cpu_cores"]:f2} cores, {figures["broker_rss_mb"]:n0} MB resident (at most {figures.GetValueOrDefault("broker_peak_rss_mb"):n0}), {figures["broker_gc_pause_ms_per_s"]:f1} ms/s in collections ({figures["broker_collections"]:n0})");
            if (figures.TryGetValue("broker_cpu_s_per_gb", out double cpu))
                Line($"  per GB   {cpu:f2} CPU s (generator {figures["generator_cpu_s_per_gb"]:f2}), {figures["broker_allocated_mb_per_gb"]:n1} MB allocated");
            Line($"store      {figures["store_puts_per_s"]:f1} PUT/s, {figures.GetValueOrDefault("store_puts_per_gb"):n1} PUT per GB produced; {figures["store_gets"]:n0} GET, {figures.GetValueOrDefault("store_gets_per_gb"):n1} per GB fetched");
            if (!figures.ContainsKey("footer_percent"))
                return;
            Line($"  beyond records  {figures["footer_percent"]:f3} % in the store; {figures["disk_written_percent"]:f1} % of the records' bytes written to disks in all");
            foreach (StorePrices prices in StorePrices.All)
                Line($"  requests at {prices.Name}'s list prices: ${figures[$"cost_usd_per_gb[{prices.Name}]"]:f5} per GB produced");
        }
    }
}
