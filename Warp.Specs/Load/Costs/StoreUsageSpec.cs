using Warp.Load;
using Warp.Load.Broker;
using Warp.Load.Costs;
using Warp.Load.Measuring;
using Xunit;

namespace Warp.Specs.Load.Costs;

public sealed class StoreUsageSpec
{
    private static readonly StorePrices _prices =
        new("test", PutDollars: 0.01, GetDollars: 0.001, UploadDollarsPerGigabyte: 2, RetrievalDollarsPerGigabyte: 3);

    [Fact]
    public void Requests_and_bytes_cost_their_prices() =>
        Assert.Equal(0.5 + 0.2 + 4 + 1.5, new StoreUsage(Puts: 50, Gets: 200, PutBytes: 2e9, GetBytes: 0.5e9).CostDollars(_prices), 12);

    [Fact]
    public void Nothing_costs_nothing() => Assert.Equal(0, default(StoreUsage).CostDollars(_prices));

    [Fact]
    public void A_gigabyte_in_objects_of_8_MiB_costs_120_PUTs_of_S3()
    {
        StorePrices s3 = StorePrices.All.Single(static prices => prices.Name == "S3 Standard");
        Assert.Equal(0.000596, new StoreUsage(Puts: 1e9 / (8 << 20), Gets: 0, PutBytes: 1e9, GetBytes: 0).CostDollars(s3), 6);
    }

    [Fact]
    public void Figures_are_divided_by_the_gigabytes_that_they_belong_to()
    {
        IReadOnlyDictionary<string, double> figures = Result(producedBytes: 2_000_000_000, fetchedBytes: 6_000_000_000).Figures();
        Assert.Equal(
            (double[])[4, 0.5, 120, 10, 200, 0.1, 100.5, 0.5, 10_000, 1_000, 200],
            ((string[])
            [
                "broker_cpu_cores", "broker_cpu_s_per_gb", "store_puts_per_gb", "store_gets_per_gb", "broker_allocated_mb_per_gb",
                "footer_percent", "disk_written_percent", "metadata_percent", "metadata_bytes_per_record", "broker_rss_mb", "produce_mb_per_s",
            ]).Select(name => Math.Round(figures[name], 9)));
    }

    [Fact]
    public void A_figure_a_gigabyte_is_left_out_where_there_is_no_gigabyte()
    {
        IReadOnlyDictionary<string, double> figures = Result(producedBytes: 0, fetchedBytes: 1_000_000_000).Figures();
        Assert.DoesNotContain("store_puts_per_gb", figures.Keys);
        Assert.DoesNotContain("footer_percent", figures.Keys);
        Assert.All(figures.Values, static value => Assert.True(double.IsFinite(value)));
    }

    /// <summary>Ten seconds of a load.</summary>
    private static LoadResult Result(long producedBytes, long fetchedBytes) => new()
    {
        Seconds = 1,
        WasStopped = false,
        Partitions = 12,
        Produced = new Flow(Requests: producedBytes > 0 ? 100 : 0, Records: 1_000, producedBytes, Seconds: 10),
        Fetched = new Flow(Requests: 100, Records: 1_000, fetchedBytes, Seconds: 10),
        ProduceLatency = LatencySummary.Of(new LatencyHistogram()),
        EndToEndLatency = LatencySummary.Of(new LatencyHistogram()),
        Broker = new BrokerCounters { CpuSeconds = 4, Puts = 240, Gets = 60, AllocatedBytes = 1.6e9, ResidentBytes = 1e9 },
        AllProducedBytes = producedBytes,
        BytesBeyondRecords = 2_000_000,
        BytesWritten = 2_010_000_000,
        PeakResidentBytes = null,
        GeneratorCpuSeconds = 1,
        Problems = [],
    };
}
