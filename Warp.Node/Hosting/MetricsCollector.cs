using System.Diagnostics.Metrics;
using System.Numerics;

namespace Warp.Node.Hosting;

/// <summary>
/// Aggregates everything that the instruments of one meter record, from now on. Other meters, also those of the same name, are not
/// looked at, so that the nodes of one process do not mix. Thread-safe; recording takes no lock.
/// </summary>
public sealed class MetricsCollector : IDisposable
{
    private readonly Meter _meter;
    private readonly MeterListener _listener = new();
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, MetricAggregation> _aggregations = new(StringComparer.Ordinal);

    /// <param name="meter">The meter, with the instruments that it has and those that it gets; stays the caller's.</param>
    public MetricsCollector(Meter meter)
    {
        _meter = meter;
        _listener.InstrumentPublished = Accept;
        Listen<byte>();
        Listen<short>();
        Listen<int>();
        Listen<long>();
        Listen<float>();
        Listen<double>();
        Listen<decimal>();
        _listener.Start();
    }

    /// <summary>What has been recorded so far, sorted by name; instruments that have recorded nothing are left out.</summary>
    public IReadOnlyList<MetricFamily> Collect()
    {
        lock (_lock)
        {
            foreach (MetricAggregation aggregation in _aggregations.Values)
                aggregation.BeginObservation();
            try
            {
                _listener.RecordObservableInstruments();
            }
            catch (AggregateException)
            {
                // An instrument that cannot tell its value now is left out; the others have told theirs.
            }
            IEnumerable<MetricFamily> families = _aggregations.Values.Select(static aggregation => aggregation.Read());
            return [.. families.Where(static family => family.Series.Count > 0)];
        }
    }

    /// <summary>Stops recording.</summary>
    public void Dispose() => _listener.Dispose();

    private void Accept(Instrument instrument, MeterListener listener)
    {
        if (!ReferenceEquals(instrument.Meter, _meter))
            return;
        MetricAggregation? aggregation;
        lock (_lock)
        {
            if (!_aggregations.TryGetValue(instrument.Name, out aggregation))
                _aggregations.Add(instrument.Name, aggregation = new MetricAggregation(instrument));
        }
        listener.EnableMeasurementEvents(instrument, aggregation);
    }

    private void Listen<T>()
        where T : struct, INumber<T> =>
        _listener.SetMeasurementEventCallback<T>(
            static (_, value, tags, state) => ((MetricAggregation)state!).Record(double.CreateTruncating(value), tags));
}
