namespace Warp.Specs.Scenarios;

/// <summary>Requests that a node has answered, from its metrics.</summary>
public static class Requests
{
    /// <summary>How many of all APIs.</summary>
    public static double OfAll(IReadOnlyDictionary<string, double> metrics) => Sum(metrics, "api=");

    /// <summary>How many of one API, whatever the answer.</summary>
    public static double Of(IReadOnlyDictionary<string, double> metrics, string api) =>
        Sum(metrics, $"api=\"{api}\"");

    private static double Sum(IReadOnlyDictionary<string, double> metrics, string label) => metrics
        .Where(series => series.Key.StartsWith("warp_kafka_requests_total{", StringComparison.Ordinal)
            && series.Key.Contains(label, StringComparison.Ordinal))
        .Sum(static series => series.Value);
}
