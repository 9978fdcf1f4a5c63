namespace Warp.Bench.Scenarios;

/// <summary>What the runs of a scenario have come to. Pure.</summary>
/// <param name="Scenario">The scenario.</param>
/// <param name="Runs">The figures of each run.</param>
/// <param name="Problems">What went wrong, for people.</param>
/// <param name="Elapsed">How long all took.</param>
public sealed record ScenarioResult(
    Scenario Scenario, IReadOnlyList<IReadOnlyDictionary<string, double>> Runs, IReadOnlyList<string> Problems, TimeSpan Elapsed)
{
    /// <summary>The median of a figure over the runs that have it; null when none has.</summary>
    public double? MedianOf(string figure)
    {
        double[] values = [.. Runs.Where(run => run.ContainsKey(figure)).Select(run => run[figure])];
        return values.Length == 0 ? null : Median.Of(values);
    }

    /// <summary>How the criteria were met. A quotient is made in each run, of figures that were measured side by side.</summary>
    public IReadOnlyList<Verdict> Verdicts() =>
    [
        .. Scenario.Criteria.Select(criterion =>
        {
            double[] values = [.. Runs.Select(criterion.ValueIn).OfType<double>()];
            double? median = values.Length == 0 ? null : Median.Of(values);
            return new Verdict(criterion, median, values, median is { } value && criterion.IsMetBy(value));
        }),
    ];
}

/// <summary>How one criterion was met.</summary>
/// <param name="Criterion">The criterion.</param>
/// <param name="Median">Null when the figures were not measured.</param>
/// <param name="Values">Of each run.</param>
/// <param name="IsMet">Whether the median is good enough.</param>
public sealed record Verdict(Criterion Criterion, double? Median, IReadOnlyList<double> Values, bool IsMet);
