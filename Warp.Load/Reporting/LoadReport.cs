using System.Text;
using Warp.Load.Costs;
using Warp.Load.Measuring;

namespace Warp.Load.Reporting;

/// <summary>One load's result for people.</summary>
public sealed class LoadReport
{
    private readonly StringBuilder _text = new();
    private readonly IReadOnlyDictionary<string, double> _figures;

    private LoadReport(LoadResult result) => _figures = result.Figures();

    public static string Write(LoadPlan plan, LoadResult result)
    {
        var report = new LoadReport(result);
        report.Line($"{plan.Producers} producers, {plan.Consumers} consumers, {plan.Partitions} partitions, {Rate(plan)}");
        report.Line($"records of {plan.RecordBytes} B in batches of {plan.BatchBytes} B ({plan.Codec}), for {result.Seconds:f1} s");
        report.Flow("produced", result.Produced, "latency", result.ProduceLatency);
        report.Flow("fetched", result.Fetched, "end to end", result.EndToEndLatency);
        report.Line($"generator  {report["generator_cpu_cores"]:f2} cores");
        if (result.Broker is not null)
            report.Broker();
        foreach (string problem in result.Problems)
            report.Line($"PROBLEM    {problem}");
        return report._text.ToString();
    }

    private double this[string figure] => _figures.GetValueOrDefault(figure);

    private static string Rate(LoadPlan plan) => plan switch
    {
        { RateMegabytes: { } megabytes } => $"{megabytes} MB/s by the clock",
        { RateRecords: { } records } => $"{records} records/s by the clock",
        _ => "as fast as it goes",
    };

    private void Flow(string name, in Flow flow, string latencyName, LatencySummary latency)
    {
        if (flow.Requests == 0)
            return;
        (double megabytes, double records, double requests) =
            (flow.Bytes / 1e6 / flow.Seconds, flow.Records / flow.Seconds, flow.Requests / flow.Seconds);
        Line($"{name,-10} {megabytes,10:n1} MB/s {records,12:n0} records/s {requests,10:n1} requests/s");
        if (latency.Count == 0)
            return;
        Line($"  {latencyName,-10} p50 {latency.P50Ms:n1} ms, p90 {latency.P90Ms:n1}, p99 {latency.P99Ms:n1}, p99.9 {latency.P999Ms:n1}, "
            + $"max {latency.MaxMs:n1}");
    }

    private void Broker()
    {
        Line($"broker     {this["broker_cpu_cores"]:f2} cores, {this["broker_rss_mb"]:n0} MB resident, "
            + $"{this["broker_gc_pause_ms_per_s"]:f1} ms/s in {this["broker_collections"]:n0} collections");
        if (_figures.TryGetValue("broker_peak_rss_mb", out double peak))
            Line($"           {peak:n0} MB resident at most");
        if (_figures.TryGetValue("broker_cpu_s_per_gb", out double cpu))
        {
            Line($"  per GB   {cpu:f2} CPU s (generator {this["generator_cpu_s_per_gb"]:f2}), "
                + $"{this["broker_allocated_mb_per_gb"]:n1} MB allocated");
        }
        Line($"store      {this["store_puts_per_s"]:f1} PUT/s, {this["store_puts_per_gb"]:n1} PUT per GB produced; "
            + $"{this["store_gets"]:n0} GET, {this["store_gets_per_gb"]:n1} per GB fetched");
        if (!_figures.ContainsKey("footer_percent"))
            return;
        Line($"           {this["footer_percent"]:f3} % beyond records; {this["disk_written_percent"]:f1} % of that written to disks");
        foreach (StorePrices prices in StorePrices.All)
            Line($"           ${this[$"cost_usd_per_gb[{prices.Name}]"]:f5} per GB produced for requests at {prices.Name}'s list prices");
    }

    /// <summary>The culture is the invariant one: this program is built without others.</summary>
    private void Line(string line) => _text.AppendLine(line);
}
