using System.Globalization;
using System.Text;

namespace Warp.Node.Hosting;

/// <summary>
/// Writes metrics in Prometheus' text format, version 0.0.4. <c>warp.store.duration</c> in <c>s</c> becomes
/// <c>warp_store_duration_seconds</c>, the counter <c>warp.flush.flushes</c> becomes <c>warp_flush_flushes_total</c>. Stateless and
/// thread-safe.
/// </summary>
public static class PrometheusWriter
{
    /// <summary>The media type of the text.</summary>
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>All families as text, each line ended with a line feed.</summary>
    public static string Write(IEnumerable<MetricFamily> families)
    {
        var text = new StringBuilder();
        foreach (MetricFamily family in families)
            WriteFamily(text, family);
        return text.ToString();
    }

    private static void WriteFamily(StringBuilder text, MetricFamily family)
    {
        string name = PrometheusNames.Metric(family);
        if (family.Description.Length > 0)
            text.Append("# HELP ").Append(name).Append(' ').Append(Escape(family.Description)).Append('\n');
        text.Append("# TYPE ").Append(name).Append(' ').Append(TypeOf(family.Kind)).Append('\n');
        foreach (MetricSeries series in family.Series)
        {
            if (family.Kind == MetricKind.Histogram)
                WriteHistogram(text, name, series);
            else
                WriteSample(text, name, series.Labels, null, series.Value);
        }
    }

    private static void WriteHistogram(StringBuilder text, string name, MetricSeries series)
    {
        long count = 0;
        foreach (MetricBucket bucket in series.Buckets)
        {
            count += bucket.Count;
            WriteSample(text, name + "_bucket", series.Labels, Number(bucket.UpperBound), count);
        }
        WriteSample(text, name + "_sum", series.Labels, null, series.Value);
        WriteSample(text, name + "_count", series.Labels, null, count);
    }

    private static void WriteSample(
        StringBuilder text, string name, IReadOnlyList<KeyValuePair<string, string>> labels, string? upperBound, double value)
    {
        text.Append(name);
        char separator = '{';
        foreach ((string label, string content) in labels)
            WriteLabel(PrometheusNames.Label(label), content);
        if (upperBound is not null)
            WriteLabel("le", upperBound);
        if (separator == ',')
            text.Append('}');
        text.Append(' ').Append(Number(value)).Append('\n');

        void WriteLabel(string label, string content)
        {
            text.Append(separator).Append(label).Append("=\"").Append(Escape(content).Replace("\"", "\\\"")).Append('"');
            separator = ',';
        }
    }

    private static string TypeOf(MetricKind kind) => kind switch
    {
        MetricKind.Counter => "counter",
        MetricKind.Histogram => "histogram",
        _ => "gauge",
    };

    private static string Number(double value) => value switch
    {
        double.PositiveInfinity => "+Inf",
        double.NegativeInfinity => "-Inf",
        _ => value.ToString(CultureInfo.InvariantCulture),
    };

    private static string Escape(string content) => content.Replace("\\", "\\\\").Replace("\n", "\\n");
}
