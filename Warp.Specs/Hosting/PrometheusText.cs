using System.Globalization;

namespace Warp.Specs.Hosting;

/// <summary>Reads the text that <c>/metrics</c> answers.</summary>
public static class PrometheusText
{
    /// <summary>All samples, by their series as written: the name, and the labels in braces if there are any.</summary>
    /// <exception cref="FormatException">A line is neither a comment nor a sample.</exception>
    public static Dictionary<string, double> Parse(string text)
    {
        var samples = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (string line in text.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            if (line[0] == '#')
                continue;
            // Labels may contain blanks; nothing after them does.
            int series = line.IndexOf(' ', Math.Max(0, line.LastIndexOf('}')));
            string[] valueAndTime = series < 0 ? [] : line[series..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (valueAndTime is not [var value, ..])
                throw new FormatException($"not a Prometheus sample: {line}");
            samples[line[..series]] = value switch
            {
                "+Inf" => double.PositiveInfinity,
                "-Inf" => double.NegativeInfinity,
                _ => double.Parse(value, CultureInfo.InvariantCulture),
            };
        }
        return samples;
    }

    /// <summary>The sum over all series of one name, whatever their labels; 0 when there is none.</summary>
    public static double Sum(this IReadOnlyDictionary<string, double> samples, string name) => samples
        .Where(sample => sample.Key == name || (sample.Key.StartsWith(name, StringComparison.Ordinal) && sample.Key[name.Length] == '{'))
        .Sum(sample => sample.Value);
}
