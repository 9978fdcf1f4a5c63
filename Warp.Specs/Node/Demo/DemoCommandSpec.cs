using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using Spectre.Console;
using Warp.Load.Measuring;
using Warp.Node.Cli;
using Warp.Node.Configuration;
using Warp.Node.Demo;
using Xunit;

namespace Warp.Specs.Node.Demo;

public sealed class DemoCommandSpec : IDisposable
{
    private readonly string _folder = Path.Combine(Path.GetTempPath(), $"warp-specs-{Guid.NewGuid():n}");
    private readonly StringWriter _output = new();

    public void Dispose()
    {
        _output.Dispose();
        if (Directory.Exists(_folder))
            Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task A_demo_produces_and_consumes_and_ends_by_itself()
    {
        Assert.Equal(0, await RunAsync(TimeSpan.FromSeconds(3), new PlainDemoView(_output), TestContext.Current.CancellationToken));
        string text = _output.ToString();
        Assert.Matches(@"^A Warp node listens on 127\.0\.0\.1:\d+; topic demo has 6 partitions\. It ends by itself after 3s\.", text);
        Assert.Matches(@"\n  kcat -b 127\.0\.0\.1:\d+ -L\r?\n", text);
        Assert.Matches(@"\n +\d+ s  in [\d,]+ records/s  [\d.]+ MB/s  out .* produce p50 .* end-to-end p50 .* PUT [\d.]+/s \(\d+\)", text);
        Match summary = Regex.Match(text, @"In [\d.]+ s: ([\d,]+) records .* produced and acknowledged, ([\d,]+) consumed\.");
        Assert.True(summary.Success, text);
        Assert.Equal(summary.Groups[1].Value, summary.Groups[2].Value);
        Assert.NotEqual("0", summary.Groups[1].Value);
        Assert.False(Directory.Exists(_folder));
    }

    [Fact]
    public async Task A_demo_that_is_stopped_ends_with_its_summary()
    {
        using var stopping = new CancellationTokenSource();
        var view = new StoppingView(stopping);
        Assert.Equal(0, await RunAsync(null, view, stopping.Token));
        Assert.Contains(" consumed.", _output.ToString());
        Assert.False(Directory.Exists(_folder));
    }

    [Fact]
    public void The_picture_for_terminals_has_rates_latencies_and_commands()
    {
        var latency = new LatencyRecorder();
        DemoSample before = Sample(1, 1_000, latency.Snapshot());
        for (int ms = 1; ms <= 100; ms++)
            latency.Record(TimeSpan.FromMilliseconds(ms));
        DemoSample now = Sample(2, 3_000, latency.Snapshot());
        var introduction = new DemoIntroduction(new HostPort("h", 1), new HostPort("h", 2), "demo", 6, null);

        IAnsiConsole console = AnsiConsole.Create(new AnsiConsoleSettings { Ansi = AnsiSupport.No, Out = new AnsiConsoleOutput(_output) });
        console.Profile.Width = 120;
        console.Write(LiveDemoView.Render(introduction, new DemoInterval(before, now)));

        string text = _output.ToString();
        Assert.Matches(@"│ in +│ 2,000 +│ 0\.40 +│ 3,000 +│", text);
        Assert.Matches(@"│ produce +│ (49\.\d|50\.\d) ms +│ (98|99)\.\d ms +│ (99\.\d|100) ms +│", text);
        Assert.Matches(@"│ PUT +│ 2\.0 +│ 3 +│", text);
        Assert.Contains("kcat -b h:1 -C -t demo -o end", text);
        Assert.Contains("Ctrl+C ends it.", text);
    }

    private static DemoSample Sample(int second, long records, LatencyHistogram latency) => new()
    {
        At = TimeSpan.FromSeconds(second),
        ProducedRecords = records,
        ProducedBytes = records * 200,
        ConsumedRecords = records,
        ConsumedBytes = records * 200,
        ProduceLatency = latency,
        EndToEndLatency = latency,
        Puts = records / 1_000,
        Gets = 0,
        Objects = records / 1_000,
        CacheHits = 0,
        CacheMisses = 0,
    };

    private Task<int> RunAsync(TimeSpan? duration, IDemoView view, CancellationToken cancellationToken)
    {
        NodeOptions options = NodeConfiguration.Load(new ConfigurationSources
        {
            Settings =
            [
                "warp.kafka.listen=127.0.0.1:0",
                "warp.http.listen=127.0.0.1:0",
                "warp.rpc.listen=127.0.0.1:0",
                $"warp.journal.url=sqlite:{_folder}/journal.db",
                $"warp.store.url=file:{_folder}/objects",
            ],
        }).Options;
        var arguments = new DemoArguments(new PlaygroundArguments(options, _folder, IsTemporary: true), duration);
        return DemoCommand.RunAsync(arguments, view, _output, NullLoggerFactory.Instance, TimeProvider.System, cancellationToken);
    }

    /// <summary>Does what an operator does who has seen the first second.</summary>
    private sealed class StoppingView(CancellationTokenSource stopping) : IDemoView
    {
        public Task RunAsync(DemoIntroduction introduction, Func<Action<DemoInterval>, Task> demo) => demo(_ => stopping.Cancel());
    }
}
