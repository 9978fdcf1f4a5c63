using System.Diagnostics.Metrics;
using Warp.Node.Hosting;
using Xunit;

namespace Warp.Specs.Node.Hosting;

public sealed class PrometheusWriterSpec : IDisposable
{
    private readonly Meter _meter = new("Warp");
    private readonly MetricsCollector _collector;

    public PrometheusWriterSpec() => _collector = new MetricsCollector(_meter);

    public void Dispose()
    {
        _collector.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void Every_kind_of_instrument_is_written_in_the_text_format()
    {
        Counter<long> flushes = _meter.CreateCounter<long>("warp.flush.flushes", null, "Flushes, by what made them leave.");
        flushes.Add(2, Tag("trigger", "size"));
        flushes.Add(1, Tag("trigger", "interval"));
        _meter.CreateUpDownCounter<int>("warp.connections", "{connection}", "Open connections.").Add(3);
        _meter.CreateObservableGauge("warp.cache.bytes", () => 4096L, "By", "Memory of the chunks.");
        _meter.CreateObservableCounter("process.cpu", () => 1.5, "s");
        Histogram<double> duration = _meter.CreateHistogram<double>("warp.store.duration", "s", "How long requests take.");
        duration.Record(0.003, Tag("operation", "put"));
        duration.Record(0.25, Tag("operation", "put"));
        duration.Record(31, Tag("operation", "put"));

        Assert.Equal(
            """
            # TYPE process_cpu_seconds_total counter
            process_cpu_seconds_total 1.5
            # HELP warp_cache_bytes Memory of the chunks.
            # TYPE warp_cache_bytes gauge
            warp_cache_bytes 4096
            # HELP warp_connections Open connections.
            # TYPE warp_connections gauge
            warp_connections 3
            # HELP warp_flush_flushes_total Flushes, by what made them leave.
            # TYPE warp_flush_flushes_total counter
            warp_flush_flushes_total{trigger="interval"} 1
            warp_flush_flushes_total{trigger="size"} 2
            # HELP warp_store_duration_seconds How long requests take.
            # TYPE warp_store_duration_seconds histogram
            warp_store_duration_seconds_bucket{operation="put",le="0.0005"} 0
            warp_store_duration_seconds_bucket{operation="put",le="0.001"} 0
            warp_store_duration_seconds_bucket{operation="put",le="0.0025"} 0
            warp_store_duration_seconds_bucket{operation="put",le="0.005"} 1
            warp_store_duration_seconds_bucket{operation="put",le="0.01"} 1
            warp_store_duration_seconds_bucket{operation="put",le="0.025"} 1
            warp_store_duration_seconds_bucket{operation="put",le="0.05"} 1
            warp_store_duration_seconds_bucket{operation="put",le="0.1"} 1
            warp_store_duration_seconds_bucket{operation="put",le="0.25"} 2
            warp_store_duration_seconds_bucket{operation="put",le="0.5"} 2
            warp_store_duration_seconds_bucket{operation="put",le="1"} 2
            warp_store_duration_seconds_bucket{operation="put",le="2.5"} 2
            warp_store_duration_seconds_bucket{operation="put",le="5"} 2
            warp_store_duration_seconds_bucket{operation="put",le="10"} 2
            warp_store_duration_seconds_bucket{operation="put",le="30"} 2
            warp_store_duration_seconds_bucket{operation="put",le="+Inf"} 3
            warp_store_duration_seconds_sum{operation="put"} 31.253
            warp_store_duration_seconds_count{operation="put"} 3

            """.ReplaceLineEndings("\n"),
            Text());
    }

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("a \"b\"", """a \"b\" """)]
    [InlineData("""back\slash""", """back\\slash""")]
    [InlineData("two\nlines", """two\nlines""")]
    [InlineData("}, é", "}, é")]
    public void Label_values_are_escaped(string value, string written)
    {
        _meter.CreateCounter<long>("c").Add(1, Tag("l", value));
        Assert.Equal("# TYPE c_total counter\nc_total{l=\"" + written.Trim() + "\"} 1\n", Text());
    }

    [Fact]
    public void Descriptions_are_escaped()
    {
        _meter.CreateCounter<long>("c", null, "one \\ \"two\"\nthree").Add(1);
        Assert.StartsWith("# HELP c_total one \\\\ \"two\"\\nthree\n", Text());
    }

    [Fact]
    public void Names_and_units_follow_the_conventions()
    {
        _meter.CreateCounter<long>("a-b.c").Add(1, Tag("0.x", "y"));
        _meter.CreateCounter<long>("read.bytes", "By").Add(1);
        _meter.CreateCounter<long>("sum_total", "s").Add(1);
        _meter.CreateGauge<double>("uptime", "s").Record(1);
        string text = Text();
        Assert.Contains("\na_b_c_total{_0_x=\"y\"} 1\n", text);
        Assert.Contains("\nread_bytes_total 1\n", text);
        Assert.Contains("\nuptime_seconds 1\n", text);
    }

    [Theory]
    [InlineData(double.PositiveInfinity, "+Inf")]
    [InlineData(double.NegativeInfinity, "-Inf")]
    [InlineData(double.NaN, "NaN")]
    [InlineData(1234567.125, "1234567.125")]
    [InlineData(-0.5, "-0.5")]
    public void Numbers_are_written_as_Prometheus_reads_them(double value, string written)
    {
        _meter.CreateGauge<double>("g").Record(value);
        Assert.Equal($"# TYPE g gauge\ng {written}\n", Text());
    }

    [Fact]
    public void Bytes_and_counts_have_buckets_of_their_own()
    {
        _meter.CreateHistogram<long>("size", "By").Record(1025);
        _meter.CreateHistogram<int>("batches").Record(2);
        string text = Text();
        Assert.Contains("\nsize_bytes_bucket{le=\"1024\"} 0\nsize_bytes_bucket{le=\"4096\"} 1\n", text);
        Assert.Contains("\nbatches_bucket{le=\"1\"} 0\nbatches_bucket{le=\"2\"} 1\n", text);
    }

    private string Text() => PrometheusWriter.Write(_collector.Collect());

    private static KeyValuePair<string, object?> Tag(string name, object? value) => new(name, value);
}
