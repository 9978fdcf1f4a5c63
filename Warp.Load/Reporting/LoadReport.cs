using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using Warp.Load.Costs;
using Warp.Load.Measuring;
using Warp.Protocol.Compression;

namespace Warp.Load.Reporting;

/// <summary>One load in words: what is about to be done, and what it has come to.</summary>
public sealed class LoadReport
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
    };

    private readonly StringBuilder _text = new();
    private readonly LoadPlan _plan;
    private readonly LoadResult _result;
    private readonly IReadOnlyDictionary<string, double> _figures;

    private LoadReport(LoadPlan plan, LoadResult result)
    {
        (_plan, _result) = (plan, result);
        _figures = result.Figures();
    }

    /// <summary>What a load is going to be, for people.</summary>
    public static string Introduce(LoadPlan plan)
    {
        var text = new StringBuilder();
        Line($"topic {plan.Topic} ({plan.Partitions:n0} partitions, if it has to be created)");
        if (plan.Producers > 0)
        {
            string together = plan.Producers > 1 ? "together " : "";
            Line($"{Count(plan.Producers, "producer")}, {together}{Rate(plan)}; up to {plan.InFlight:n0} requests of each unanswered");
            Line($"records of {plan.RecordBytes:n0} bytes in batches of {plan.BatchBytes:n0}, {Compression(plan.Codec)}; "
                + $"requests of up to {plan.BatchesPerRequest:n0} batches{(plan.Idempotent ? ", idempotent" : "")}");
        }
        if (plan.Consumers > 0)
            Line($"{Count(plan.Consumers, "consumer")} {Start(plan.From)}");
        Line(Time(plan));
        return text.ToString();

        void Line(string line) => text.AppendLine(line);
    }

    /// <summary>The result, for people.</summary>
    public static string Write(LoadPlan plan, LoadResult result)
    {
        var report = new LoadReport(plan, result);
        report.Throughput();
        report.Latency();
        if (result.Broker is not null)
            report.Broker();
        report.Line("");
        report.Generator();
        if (result.Broker is null)
        {
            report.Line("");
            report.Line("Not measured: the broker's processor time and memory, its requests to the object store, and their cost.");
            report.Line("A Warp node tells of these at its HTTP address (warp.http.listen): add --metrics http://host:port");
        }
        if (result.Problems.Count > 0)
            report.Line("");
        foreach (string problem in result.Problems)
            report.Line($"PROBLEM     {problem}");
        return report._text.ToString();
    }

    /// <summary>The same for programs; figures are named with their units, and one that cannot be told is left out.</summary>
    public static string WriteJson(LoadPlan plan, LoadResult result) => JsonSerializer.Serialize(
        new { plan, result.Partitions, result.WasStopped, figures = result.Figures(), result.Problems }, s_json) + "\n";

    private void Throughput()
    {
        Line("");
        Line($"{_result.Seconds:0.0#} s on {Count(_result.Partitions, "partition")}{(_result.WasStopped ? ", then it was stopped" : "")} "
            + "(MB are 10^6 and GB 10^9 bytes of record batches, as they are sent)");
        if (_result.Produced.Requests + _result.Fetched.Requests == 0)
        {
            Line("Nothing was produced or fetched.");
            return;
        }
        Line("");
        Line($"{"",-12}{"MB/s",12}{"records/s",14}{"requests/s",12}");
        Row("produced", _result.Produced);
        Row("fetched", _result.Fetched);

        void Row(string name, in Flow flow)
        {
            (double megabytes, double records, double requests) =
                (flow.Bytes / 1e6 / flow.Seconds, flow.Records / flow.Seconds, flow.Requests / flow.Seconds);
            if (flow.Requests > 0)
                Line($"{name,-12}{Number(megabytes),12}{Number(records),14}{Number(requests),12}");
        }
    }

    private void Latency()
    {
        (LatencySummary produce, LatencySummary endToEnd) = (_result.ProduceLatency, _result.EndToEndLatency);
        if (produce.Count + endToEnd.Count == 0)
            return;
        string begin = _plan is { RateMegabytes: null, RateRecords: null } ? "was made" : "was due by the clock";
        Line("");
        Line($"{"latency, ms",-12}{"median",12}{"90 %",10}{"99 %",10}{"99.9 %",10}{"longest",10}");
        Row("produce", produce, $"from when a request {begin} to its answer");
        Row("end to end", endToEnd, $"from when a record's request {begin} to its arrival at a consumer");

        void Row(string name, LatencySummary latency, string meaning)
        {
            if (latency.Count > 0)
            {
                Line($"{name,-12}{latency.P50Ms,12:n1}{latency.P90Ms,10:n1}{latency.P99Ms,10:n1}{latency.P999Ms,10:n1}{latency.MaxMs,10:n1}"
                    + $"   {meaning}");
            }
        }
    }

    private void Broker()
    {
        Line("");
        Line($"broker      {this["broker_cpu_cores"]:f2} processors busy, {this["broker_rss_mb"]:n0} MB resident"
            + $"{(_figures.TryGetValue("broker_peak_rss_mb", out double peak) ? $" ({peak:n0} MB at most)" : "")}, "
            + $"{this["broker_gc_pause_ms_per_s"]:f1} ms a second in {Count((int)this["broker_collections"], "garbage collection")}");
        if (_figures.TryGetValue("broker_cpu_s_per_gb", out double cpu))
        {
            Line($"            {cpu:f2} s of processor time and {this["broker_allocated_mb_per_gb"]:n0} MB allocated "
                + "a GB produced and fetched");
        }
        Line($"store       {this["store_puts_per_s"]:f1} PUTs a second{PerGigabyte("store_puts_per_gb", "produced")}, "
            + $"{this["store_gets"]:n0} GETs in all{PerGigabyte("store_gets_per_gb", "fetched")}");
        if (!_figures.ContainsKey("footer_percent"))
            return;
        Line($"            {this["footer_percent"]:f3} % more bytes put than those of the records");
        Line($"disks       {this["disk_written_percent"]:f1} % of the records' bytes were written to the node's disks: journal, and objects "
            + "if the store is a folder");
        Line("");
        Line("What the requests to the store cost a GB produced, at list prices, without storage:");
        foreach (StorePrices prices in StorePrices.All)
        {
            if (_figures.TryGetValue($"cost_usd_per_gb[{prices.Name}]", out double dollars))
                Line($"            {prices.Name,-22}${dollars:f5}");
        }
    }

    private void Generator()
    {
        string perGigabyte = _figures.TryGetValue("generator_cpu_s_per_gb", out double cpu) ? $", {cpu:f2} s of processor time a GB" : "";
        Line($"generator   {this["generator_cpu_cores"]:f2} processors busy{perGigabyte} (this program)");
    }

    private double this[string figure] => _figures.GetValueOrDefault(figure);

    private string PerGigabyte(string figure, string what) => _figures.TryGetValue(figure, out double value)
        ? $" ({value:n1} a GB {what})"
        : "";

    private static string Rate(LoadPlan plan) => plan switch
    {
        { RateMegabytes: { } megabytes } => $"{megabytes} MB/s by the clock",
        { RateRecords: { } records } => $"{records} records/s by the clock",
        { TotalMegabytes: { } megabytes } => $"{megabytes} MB as fast as the broker takes them",
        _ => "as much as the broker takes",
    };

    private static string Compression(CompressionType codec) =>
        codec == CompressionType.None ? "uncompressed" : $"compressed with {codec.ToString().ToLowerInvariant()}";

    private static string Start(ConsumeFrom from) => from switch
    {
        ConsumeFrom.Tail => "of what is produced meanwhile",
        ConsumeFrom.Start => "from the first record to the last, again and again",
        _ => "from the first record to the last, once",
    };

    private static string Time(LoadPlan plan) => plan.EndsByItself
        ? "until that is done"
        : $"{plan.Warmup.TotalSeconds} s to warm up, then {plan.Duration.TotalSeconds} s that count";

    private static string Number(double value) => value switch
    {
        >= 1000 => value.ToString("n0"),
        >= 10 => value.ToString("f1"),
        _ => value.ToString("f2"),
    };

    private static string Count(int count, string what) => $"{count:n0} {what}{(count == 1 ? "" : "s")}";

    /// <summary>The culture is the invariant one: these programs are built without others.</summary>
    private void Line(string line) => _text.AppendLine(line);
}
