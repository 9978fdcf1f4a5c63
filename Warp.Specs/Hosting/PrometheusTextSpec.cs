using Xunit;

namespace Warp.Specs.Hosting;

public sealed class PrometheusTextSpec
{
    private const string Text = """
        # HELP warp_puts_total Objects put.
        # TYPE warp_puts_total counter
        warp_puts_total 12
        warp_bytes{direction="in",path="a b} c"} 1.5e3 1700000000000
        warp_bytes{direction="out"} 2
        warp_bytes_held 7
        warp_latency_bucket{le="+Inf"} +Inf

        """;

    [Fact]
    public void Every_sample_is_found_by_its_series() => Assert.Equal(
        new Dictionary<string, double>
        {
            ["warp_puts_total"] = 12,
            ["""warp_bytes{direction="in",path="a b} c"}"""] = 1500,
            ["""warp_bytes{direction="out"}"""] = 2,
            ["warp_bytes_held"] = 7,
            ["""warp_latency_bucket{le="+Inf"}"""] = double.PositiveInfinity,
        },
        PrometheusText.Parse(Text));

    [Theory]
    [InlineData("warp_bytes", 1502)]
    [InlineData("warp_puts_total", 12)]
    [InlineData("warp", 0)]
    public void A_sum_takes_the_series_of_exactly_that_name(string name, double sum) =>
        Assert.Equal(sum, PrometheusText.Parse(Text).Sum(name));

    [Theory]
    [InlineData("warp_puts_total")]
    [InlineData("warp_puts_total many")]
    public void A_line_that_is_no_sample_is_an_error(string line) => Assert.Throws<FormatException>(() => PrometheusText.Parse(line));
}
