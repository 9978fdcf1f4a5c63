using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace Warp.Specs.Hosting;

/// <summary>Adds up what is measured on one meter, by the name of the instrument and the value of its only tag. Thread-safe.</summary>
public sealed class MetricSums : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly ConcurrentDictionary<(string Name, string? Tag), double> _sums = new();

    public MetricSums(Meter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (ReferenceEquals(instrument.Meter, meter))
                listener.EnableMeasurementEvents(instrument);
        };
        _listener.SetMeasurementEventCallback<int>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<long>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.SetMeasurementEventCallback<double>((instrument, value, tags, _) => Add(instrument, value, tags));
        _listener.Start();
    }

    public double this[string name, string? tag = null] => _sums.GetValueOrDefault((name, tag));

    public void Dispose() => _listener.Dispose();

    private void Add(Instrument instrument, double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) =>
        _sums.AddOrUpdate(
            (instrument.Name, tags.Length == 0 ? null : tags[0].Value as string), value, (_, sum) => sum + value);
}
