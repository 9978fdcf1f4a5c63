namespace Warp.Node.Hosting;

/// <summary>How the values of a <see cref="MetricFamily"/> are to be read.</summary>
public enum MetricKind
{
    /// <summary>Only rises, from 0 at the node's start.</summary>
    Counter,

    /// <summary>Rises and falls.</summary>
    Gauge,

    /// <summary>Counts of measurements by size.</summary>
    Histogram,
}

/// <summary>What one instrument has measured, a series for each set of tags.</summary>
/// <param name="Name">The instrument's name, with dots.</param>
/// <param name="Description">What it means, for people; may be empty.</param>
/// <param name="Unit">In UCUM's notation (<c>s</c>, <c>By</c>, <c>{request}</c>); may be empty.</param>
/// <param name="Kind">How to read the values.</param>
/// <param name="Series">In the order of their labels.</param>
public sealed record MetricFamily(string Name, string Description, string Unit, MetricKind Kind, IReadOnlyList<MetricSeries> Series)
{
    /// <summary>The sum over all series that have the labels given; 0 when there is none. Of a histogram the measurements' sum.</summary>
    public double Sum(params ReadOnlySpan<KeyValuePair<string, string>> labels)
    {
        double sum = 0;
        foreach (MetricSeries series in Series)
        {
            if (Has(series, labels))
                sum += series.Value;
        }
        return sum;
    }

    private static bool Has(MetricSeries series, ReadOnlySpan<KeyValuePair<string, string>> labels)
    {
        foreach (KeyValuePair<string, string> label in labels)
        {
            if (!series.Labels.Contains(label))
                return false;
        }
        return true;
    }
}

/// <summary>The values of one set of tags.</summary>
/// <param name="Labels">The tags, sorted by name.</param>
/// <param name="Value">The value; of a histogram the sum of all measurements.</param>
/// <param name="Buckets">The buckets of a histogram, from the smallest bound to positive infinity; empty for other kinds.</param>
public sealed record MetricSeries(IReadOnlyList<KeyValuePair<string, string>> Labels, double Value, IReadOnlyList<MetricBucket> Buckets);

/// <summary>A bucket of a histogram.</summary>
/// <param name="UpperBound">The largest measurement that belongs here.</param>
/// <param name="Count">Measurements above the bound of the bucket before and up to this one's.</param>
public readonly record struct MetricBucket(double UpperBound, long Count);
