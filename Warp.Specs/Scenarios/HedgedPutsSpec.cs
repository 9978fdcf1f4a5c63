using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Scenarios;

/// <summary>What second requests gain where the store stalls now and then.</summary>
[Collection(nameof(NodeProcesses))]
public sealed class HedgedPutsSpec(ITestOutputHelper output)
{
    private const string Topic = "hedged";

    /// <summary>
    /// Two of a hundred requests take 5 s, and none fails. Two nodes side by side; for five minutes, with the defaults, in the long run. The
    /// sample is of seconds, so it flushes more often, to have some hundreds of PUTs in them.
    /// </summary>
    [Fact]
    public async Task Hedging_halves_the_99th_percentile_of_produce_latency_at_least_where_the_store_stalls()
    {
        string store = $"warp.store.url=fault:seed={TestRun.TakeSeed()}&stalls=0.02&stall-time=5s:file:objects";
        string[] pace = TestRun.IsLong ? [] : ["warp.flush.interval=25ms"];
        await using var hedged = await WarpProcess.StartAsync([store, .. pace]);
        await using var plain = await WarpProcess.StartAsync([store, "warp.store.hedging=false", .. pace]);
        await Topics.CreateAsync(hedged, Topic, 1);
        await Topics.CreateAsync(plain, Topic, 1);

        // What is slow shows only when enough requests have been seen.
        await LatencyLoad.RunAsync([hedged, plain], Topic, TimeSpan.FromSeconds(TestRun.IsLong ? 30 : 4));
        var before = await hedged.MetricsAsync();
        var latencies = await LatencyLoad.RunAsync([hedged, plain], Topic, TestRun.IsLong ? TimeSpan.FromMinutes(5) : TimeSpan.FromSeconds(12));
        var figures = new LoadFigures(TimeSpan.FromSeconds(1), latencies[0].Length, before, await hedged.MetricsAsync());

        var with = LatencyLoad.Percentile(latencies[0], 99);
        var without = LatencyLoad.Percentile(latencies[1], 99);
        output.WriteLine($"with hedging {Describe(latencies[0])}; without {Describe(latencies[1])}");
        output.WriteLine(
            $"{figures.Puts} PUTs, {figures.Risen("""warp_store_hedges_total{operation="put"}""")} of them second ones, "
            + $"{figures.Risen("""warp_store_hedge_wins_total{operation="put"}""")} of these answered first");
        Assert.InRange(with.TotalMilliseconds, 0, without.TotalMilliseconds / 2);
    }

    private static string Describe(TimeSpan[] rising) => string.Join(", ", new[] { 50, 90, 99, 100 }.Select(
        percent => $"p{percent} {LatencyLoad.Percentile(rising, percent).TotalMilliseconds:F0} ms"));
}
