using System.Globalization;

namespace Warp.Load.Broker;

/// <summary>The samples of a Prometheus text, added up over their labels.</summary>
public sealed class PrometheusSamples
{
    private readonly Dictionary<string, double> _values = new(StringComparer.Ordinal);

    private PrometheusSamples()
    {
    }

    /// <summary>Reads a text; what is no sample is passed over.</summary>
    public static PrometheusSamples Parse(string text)
    {
        var samples = new PrometheusSamples();
        foreach (string line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            // Labels may contain blanks; nothing behind them does.
            int end = line.IndexOf(' ', Math.Max(0, line.LastIndexOf('}')));
            if (line[0] == '#' || end < 0 || !double.TryParse(line[end..], CultureInfo.InvariantCulture, out double value))
                continue;
            string series = line[..end];
            int labels = series.IndexOf('{');
            samples.Add(series, value);
            if (labels >= 0)
                samples.Add(series[..labels], value);
        }
        return samples;
    }

    /// <summary>The value of a series as it is written, or of all series of a name together; 0 when there is none.</summary>
    public double this[string series] => _values.GetValueOrDefault(series);

    /// <summary>Whether there is a series of that name.</summary>
    public bool Has(string name) => _values.ContainsKey(name);

    private void Add(string series, double value) => _values[series] = _values.GetValueOrDefault(series) + value;
}
