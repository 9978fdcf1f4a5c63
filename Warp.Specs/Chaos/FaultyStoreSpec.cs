using Warp.Specs.Hosting;
using Warp.Specs.Scenarios;
using Xunit;

namespace Warp.Specs.Chaos;

/// <summary>A node whose store fails and stalls keeps every promise that it has given, and stays up.</summary>
public sealed class FaultyStoreSpec(ITestOutputHelper output)
{
    private const string Topic = "faulty";
    private const int Partitions = 3;
    private const int Producers = 4;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);

    [Fact]
    public async Task Nothing_is_lost_doubled_or_reordered_by_a_store_that_fails_one_request_in_ten_and_stalls_two_in_a_hundred()
    {
        int seed = TestRun.TakeSeed();
        await using var node = await WarpProcess.StartAsync($"warp.store.url=fault:seed={seed}&errors=0.1&stalls=0.02&stall-time=5s:file:objects");
        await Topics.CreateAsync(node, Topic, Partitions);
        var history = new History();
        var loads = Enumerable.Range(0, Producers)
            .Select(producer => new ProducerLoad(node.Bootstrap, Topic, Partitions, history, producer, recordsPerSecond: 500)).ToList();
        try
        {
            await Task.Delay(TestRun.IsLong ? TimeSpan.FromMinutes(5) : TimeSpan.FromSeconds(15), TestContext.Current.CancellationToken);
            await Task.WhenAll(loads.Select(static load => load.StopAsync(_patience)));
            Assert.All(loads, static load => Assert.Null(load.FatalError));
        }
        finally
        {
            foreach (var load in loads)
                await load.DisposeAsync();
        }
        var figures = await node.MetricsAsync(); // the node that was started is still there

        // A node that has cached nothing reads it all from the store.
        await node.KillAsync();
        await node.StartAgainAsync();
        var records = LogReader.ReadAll(node.Bootstrap, Topic, Partitions, TestContext.Current.CancellationToken);
        var defects = history.Check(records);

        output.WriteLine(
            $"{history.AcknowledgedCount} acknowledged, {Sum(figures, "warp_store_requests_total")} requests, "
            + $"{Sum(figures, "warp_store_retries_total")} sent again, {Sum(figures, "warp_store_hedges_total")} sent twice");
        Assert.True(
            defects.Count == 0, $"{defects.Count} defects:\n{string.Join('\n', defects.Take(20))}\nthe node's output:\n{node.Output}");
        Assert.Empty(history.Failed);
        Assert.Equal(history.AcknowledgedCount, records.Count);
        Assert.NotEqual(0, Sum(figures, "warp_store_retries_total"));
    }

    private static double Sum(IReadOnlyDictionary<string, double> metrics, string name) =>
        metrics.Where(sample => sample.Key.StartsWith(name, StringComparison.Ordinal)).Sum(static sample => sample.Value);
}
