using System.Net;
using Warp.Load;
using Warp.Load.Broker;
using Warp.Node.Configuration;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Load;

public sealed class LoadRunSpec
{
    private static readonly CancellationToken _noCancellation = CancellationToken.None;

    [Fact]
    public async Task What_is_produced_by_the_clock_is_fetched_and_accounted_for()
    {
        await using WarpProcess node = await WarpProcess.StartAsync("warp.flush.interval=10ms");
        var plan = new LoadPlan
        {
            Producers = 2,
            Consumers = 2,
            Partitions = 4,
            BatchBytes = 4_096,
            BatchesPerRequest = 2,
            Idempotent = true,
            RateRecords = 1_600,
            Warmup = TimeSpan.Zero,
            Duration = TimeSpan.FromSeconds(1),
        };
        LoadResult result = await RunAsync(plan, node);
        Assert.Empty(result.Problems);
        // 8 records a request: 200 of them are due in the second.
        Assert.Equal(200, result.ProduceLatency.Count);
        Assert.Equal(2 * 1_600, result.EndToEndLatency.Count);
        Assert.True(result.AllProducedBytes > 1_600 * plan.RecordBytes);
        Assert.InRange(result.BytesBeyondRecords!.Value, 1, 0.2 * result.AllProducedBytes);
    }

    [Fact]
    public async Task A_broker_that_is_slower_than_the_clock_shows_in_the_latency()
    {
        // One request at a time, each waits for its flush of 100 ms: ten a second, where twenty are due.
        await using WarpProcess node = await WarpProcess.StartAsync("warp.flush.interval=100ms", "warp.flush.puts-per-second=0");
        var plan = new LoadPlan
        {
            Partitions = 1,
            BatchBytes = 1_024,
            InFlight = 1,
            RateRecords = 20,
            Warmup = TimeSpan.Zero,
            Duration = TimeSpan.FromSeconds(2),
        };
        LoadResult result = await RunAsync(plan, node);
        Assert.Empty(result.Problems);
        Assert.Equal(40, result.ProduceLatency.Count);
        // The last one was due after 1.95 s and had its turn after 4.
        Assert.True(result.ProduceLatency.MaxMs > 1_900, $"max {result.ProduceLatency.MaxMs} ms");
        Assert.InRange(result.ProduceLatency.P50Ms, 900, 10_000);
    }

    [Fact]
    public async Task A_topic_that_is_filled_is_read_once_to_its_end()
    {
        await using WarpProcess node = await WarpProcess.StartAsync();
        LoadResult filled = await RunAsync(new LoadPlan { TotalMegabytes = 5, BatchBytes = 16_384 }, node);
        LoadResult read = await RunAsync(new LoadPlan { Producers = 0, Consumers = 1, From = ConsumeFrom.StartOnce }, node);
        Assert.Empty(filled.Problems.Concat(read.Problems));
        Assert.True(filled.Produced.Bytes >= 5_000_000);
        Assert.Equal((filled.Produced.Records, filled.Produced.Bytes), (read.Fetched.Records, read.Fetched.Bytes));
    }

    [Fact]
    public async Task A_load_that_is_stopped_ends_soon_and_tells_what_it_has_measured()
    {
        await using WarpProcess node = await WarpProcess.StartAsync("warp.flush.interval=10ms");
        Assert.True(HostPort.TryParse(node.Bootstrap, out HostPort? address));
        using var running = new RunningBroker(address.EndPoint, node.Http);
        using var stopping = new CancellationTokenSource();
        var plan = new LoadPlan
        {
            Consumers = 1,
            BatchBytes = 1_024,
            BatchesPerRequest = 1,
            RateRecords = 200,
            Warmup = TimeSpan.Zero,
            Duration = TimeSpan.FromHours(1),
        };
        var broker = new StoppingBroker(running, stopping);
        LoadResult result = await LoadRun.RunAsync(plan, broker, TimeProvider.System, stopping.Token);
        await broker.Stopping;
        Assert.Empty(result.Problems);
        Assert.True(result.WasStopped);
        Assert.InRange(result.Seconds, 0.001, 60);
        Assert.True(result.Produced.Records > 0 && result.Fetched.Records > 0);
        Assert.Equal(result.ProduceLatency.Count, result.EndToEndLatency.Count);
    }

    private static async Task<LoadResult> RunAsync(LoadPlan plan, WarpProcess node)
    {
        Assert.True(HostPort.TryParse(node.Bootstrap, out var address));
        using var broker = new RunningBroker(address.EndPoint, node.Http);
        return await LoadRun.RunAsync(plan, broker, TimeProvider.System, _noCancellation);
    }

    /// <summary>A broker whose operator has seen enough when it has answered a while since the time began that counts.</summary>
    private sealed class StoppingBroker(RunningBroker broker, CancellationTokenSource stopping) : IBroker
    {
        private const int Enough = 50;

        private int _readings;

        /// <summary>Ends once it has stopped the load.</summary>
        public Task Stopping { get; private set; } = Task.CompletedTask;

        public DnsEndPoint Bootstrap => broker.Bootstrap;

        public long? PeakResidentBytes => null;

        public async Task<BrokerCounters?> ReadCountersAsync()
        {
            BrokerCounters counters = (await broker.ReadCountersAsync())!;
            // The first one is before the load, the second one when it begins to count.
            if (++_readings == 2)
                Stopping = StopAfterAsync(counters.Requests + Enough);
            return counters;
        }

        private async Task StopAfterAsync(double requests)
        {
            while ((await broker.ReadCountersAsync())!.Requests < requests)
            {
                // Asks again at once.
            }
            await stopping.CancelAsync();
        }
    }
}
