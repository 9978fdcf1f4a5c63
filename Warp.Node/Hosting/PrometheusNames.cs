namespace Warp.Node.Hosting;

/// <summary>Names as Prometheus wants them: letters, digits and underscores, with the unit at the end.</summary>
internal static class PrometheusNames
{
    private const string CounterSuffix = "_total";

    /// <summary>The name of a metric; a unit that the name already ends with is not repeated.</summary>
    public static string Metric(MetricFamily family)
    {
        string name = Label(family.Name);
        string unit = family.Unit switch { "s" => "_seconds", "By" => "_bytes", _ => "" };
        if (!name.EndsWith(unit, StringComparison.Ordinal))
            name += unit;
        return family.Kind == MetricKind.Counter && !name.EndsWith(CounterSuffix, StringComparison.Ordinal) ? name + CounterSuffix : name;
    }

    /// <summary>The name of a label.</summary>
    public static string Label(string name)
    {
        string clean = string.Create(name.Length, name, static (to, from) =>
        {
            for (int i = 0; i < to.Length; i++)
                to[i] = char.IsAsciiLetterOrDigit(from[i]) ? from[i] : '_';
        });
        return clean.Length > 0 && char.IsAsciiDigit(clean[0]) ? "_" + clean : clean;
    }
}
