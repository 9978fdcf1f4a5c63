namespace Warp.Node.Demo;

/// <summary>A line for each state, for pipes and logs.</summary>
public sealed class PlainDemoView(TextWriter output) : IDemoView
{
    public async Task RunAsync(DemoIntroduction introduction, Func<Action<DemoInterval>, Task> demo)
    {
        output.WriteLine(introduction.Sentence);
        output.WriteLine("Try it with your own client:");
        foreach (string command in introduction.Commands)
            output.WriteLine($"  {command}");
        await demo(interval => output.WriteLine(Line(interval)));
    }

    private static string Line(DemoInterval interval) => string.Join(
        "  ",
        $"{interval.To.At.TotalSeconds,4:f0} s",
        $"in {interval.Rate(static sample => sample.ProducedRecords):n0} records/s",
        $"{interval.MegaRate(static sample => sample.ProducedBytes):f2} MB/s",
        $"out {interval.Rate(static sample => sample.ConsumedRecords):n0} records/s",
        $"{interval.MegaRate(static sample => sample.ConsumedBytes):f2} MB/s",
        $"produce {DemoText.Latency(interval.Latency(static sample => sample.ProduceLatency))}",
        $"end-to-end {DemoText.Latency(interval.Latency(static sample => sample.EndToEndLatency))}",
        $"PUT {interval.Rate(static sample => sample.Puts):f1}/s ({interval.To.Puts:n0})",
        $"GET {interval.Rate(static sample => sample.Gets):f1}/s ({interval.To.Gets:n0})");
}
