using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Warp.Node.Hosting;

/// <summary>Aggregates what the instruments of one name record. Thread-safe.</summary>
internal sealed class MetricAggregation
{
    /// <summary>From half a millisecond, a put to a local disk, to half a minute, where clients give up.</summary>
    private static readonly double[] s_seconds =
        [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, double.PositiveInfinity];

    /// <summary>From 1 KiB to 1 GiB in steps of 4.</summary>
    private static readonly double[] s_bytes =
        [1 << 10, 1 << 12, 1 << 14, 1 << 16, 1 << 18, 1 << 20, 1 << 22, 1 << 24, 1 << 26, 1 << 28, 1 << 30, double.PositiveInfinity];

    private static readonly double[] s_counts =
        [1, 2, 5, 10, 20, 50, 100, 200, 500, 1_000, 2_000, 5_000, 10_000, 100_000, double.PositiveInfinity];

    private readonly string _name;
    private readonly string _description;
    private readonly string _unit;
    private readonly MetricKind _kind;
    private readonly bool _isObservable;
    private readonly Func<KeyValuePair<string, string>[], MetricCell> _newCell;
    private readonly ConcurrentDictionary<KeyValuePair<string, object?>[], MetricCell> _byTags = new(MetricTags.Comparer);
    private readonly ConcurrentDictionary<KeyValuePair<string, object?>[], MetricCell>.AlternateLookup<
        ReadOnlySpan<KeyValuePair<string, object?>>> _lookup;

    private readonly Lock _adding = new();

    public MetricAggregation(Instrument instrument)
    {
        _name = instrument.Name;
        _description = instrument.Description ?? "";
        _unit = instrument.Unit ?? "";
        _isObservable = instrument.IsObservable;
        _lookup = _byTags.GetAlternateLookup<ReadOnlySpan<KeyValuePair<string, object?>>>();

        Type type = instrument.GetType().GetGenericTypeDefinition();
        _kind = type == typeof(Counter<>) || type == typeof(ObservableCounter<>) ? MetricKind.Counter
            : type == typeof(Histogram<>) ? MetricKind.Histogram
            : MetricKind.Gauge;
        double[] bounds = _unit switch { "s" => s_seconds, "By" => s_bytes, _ => s_counts };
        _newCell = _kind == MetricKind.Histogram ? labels => new HistogramCell(labels, bounds)
            : type == typeof(Gauge<>) ? static labels => new LastValueCell(labels)
            : static labels => new SumCell(labels);
    }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (!_lookup.TryGetValue(tags, out MetricCell? cell))
            cell = Add(tags);
        cell.Record(value);
    }

    /// <summary>Forgets what observable instruments reported before, because they report everything anew.</summary>
    public void BeginObservation()
    {
        if (_isObservable)
            _byTags.Clear();
    }

    public MetricFamily Read()
    {
        // Tags in another order are another key of the same cell.
        List<MetricSeries> series = [.. _byTags.Values.Distinct().Select(static cell => cell.Read())];
        series.Sort(static (left, right) => CompareLabels(left.Labels, right.Labels));
        return new MetricFamily(_name, _description, _unit, _kind, series);
    }

    private MetricCell Add(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        KeyValuePair<string, string>[] labels = MetricTags.ToLabels(tags);
        lock (_adding)
        {
            MetricCell? same = _byTags.Values.FirstOrDefault(cell => cell.Labels.AsSpan().SequenceEqual(labels));
            return _byTags.GetOrAdd(tags.ToArray(), same ?? _newCell(labels));
        }
    }

    private static int CompareLabels(IReadOnlyList<KeyValuePair<string, string>> left, IReadOnlyList<KeyValuePair<string, string>> right)
    {
        for (int i = 0; i < Math.Min(left.Count, right.Count); i++)
        {
            int order = string.CompareOrdinal(left[i].Key, right[i].Key);
            if (order == 0)
                order = string.CompareOrdinal(left[i].Value, right[i].Value);
            if (order != 0)
                return order;
        }
        return left.Count.CompareTo(right.Count);
    }
}
