using Spectre.Console;
using Spectre.Console.Rendering;
using Warp.Load.Measuring;

namespace Warp.Node.Demo;

/// <summary>A picture that is drawn over again in place, for terminals.</summary>
public sealed class LiveDemoView(IAnsiConsole console) : IDemoView
{
    public Task RunAsync(DemoIntroduction introduction, Func<Action<DemoInterval>, Task> demo) =>
        console.Live(new Text(introduction.Sentence)).StartAsync(live => demo(interval =>
        {
            live.UpdateTarget(Render(introduction, interval));
            live.Refresh();
        }));

    /// <summary>The picture of one state.</summary>
    public static IRenderable Render(DemoIntroduction introduction, DemoInterval interval)
    {
        var rates = new Table().Border(TableBorder.Rounded).AddColumn("").AddColumns("records/s", "MB/s", "records");
        rates.AddRow(Row("in", interval, static sample => sample.ProducedRecords, static sample => sample.ProducedBytes));
        rates.AddRow(Row("out", interval, static sample => sample.ConsumedRecords, static sample => sample.ConsumedBytes));

        var latencies = new Table().Border(TableBorder.Rounded).AddColumn("latency").AddColumns("p50", "p99", "max");
        latencies.AddRow(Row("produce", interval.Latency(static sample => sample.ProduceLatency)));
        latencies.AddRow(Row("end to end", interval.Latency(static sample => sample.EndToEndLatency)));

        var store = new Table().Border(TableBorder.Rounded).AddColumn("object store").AddColumns("a second", "so far");
        store.AddRow(Row("PUT", interval, static sample => sample.Puts));
        store.AddRow(Row("GET", interval, static sample => sample.Gets));
        store.AddRow(Row("objects with records", interval, static sample => sample.Objects));
        store.AddRow(Row("cache hits", interval, static sample => sample.CacheHits));
        store.AddRow(Row("cache misses", interval, static sample => sample.CacheMisses));

        return new Panel(new Rows(
            new Text(introduction.Sentence),
            new Columns(rates, latencies) { Expand = false },
            store,
            new Text("Try it with your own client:"),
            new Text(string.Join(Environment.NewLine, introduction.Commands.Select(static command => "  " + command)))))
        {
            Header = new PanelHeader($" Warp demo, {interval.To.At.TotalSeconds:f0} s "),
            Border = BoxBorder.Rounded,
        };
    }

    private static string[] Row(string name, DemoInterval interval, Func<DemoSample, long> records, Func<DemoSample, long> bytes) =>
        [name, $"{interval.Rate(records):n0}", $"{interval.MegaRate(bytes):f2}", $"{records(interval.To):n0}"];

    private static string[] Row(string name, LatencyHistogram latency) => latency.Count == 0
        ? [name, "-", "-", "-"]
        : [name, .. ((double[])[0.5, 0.99, 1]).Select(share => DemoText.Duration(latency.PercentileMicros(share)))];

    private static string[] Row(string name, DemoInterval interval, Func<DemoSample, long> count) =>
        [name, $"{interval.Rate(count):f1}", $"{count(interval.To):n0}"];
}
