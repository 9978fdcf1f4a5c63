using System.Globalization;
using System.Text;
using Warp.Bench.Scenarios;

namespace Warp.Bench.Reporting;

/// <summary>The results of scenarios for people.</summary>
internal static class ScenarioReport
{
    /// <summary>One scenario's figures.</summary>
    public static string Write(ScenarioResult result)
    {
        var text = new StringBuilder();
        Line($"{result.Scenario.Name}: {result.Scenario.Title} ({Count(result.Runs.Count)}, {result.Elapsed.TotalSeconds:f0} s)");
        foreach (string figure in result.Scenario.Show)
            Line($"    {figure,-44} {(result.MedianOf(figure) is { } value ? Number(value) : "not measured"),14}");
        foreach (Verdict verdict in result.Verdicts())
            Line($"  {Word(verdict)} {verdict.Criterion.Text}: {Measured(verdict)} (wanted: {Wanted(verdict.Criterion)})");
        foreach (string problem in result.Problems.Distinct())
            Line($"  PROBLEM {problem}");
        return text.ToString();

        void Line(FormattableString line) => text.AppendLine(line.ToString(CultureInfo.InvariantCulture));
    }

    /// <summary>All criteria in a table.</summary>
    public static string Table(IReadOnlyList<ScenarioResult> results)
    {
        var text = new StringBuilder();
        Row("", "scenario", "measured", "lowest", "highest", "wanted", "criterion");
        foreach (ScenarioResult result in results)
        {
            foreach (Verdict verdict in result.Verdicts())
            {
                string[] range = verdict.Values.Count == 0 ? ["-", "-"] : [Number(verdict.Values.Min()), Number(verdict.Values.Max())];
                string median = verdict.Median is { } value ? Number(value) : "-";
                Criterion criterion = verdict.Criterion;
                Row(Word(verdict), result.Scenario.Name, median, range[0], range[1], Wanted(criterion), criterion.Text);
            }
        }
        return text.ToString();

        void Row(string word, string scenario, string measured, string lowest, string highest, string wanted, string criterion) =>
            text.AppendLine($"{word,-5}{scenario,-24} {measured,9} {lowest,9} {highest,9} {wanted,14}  {criterion}");
    }

    private static string Word(Verdict verdict) => !verdict.Criterion.HasBound ? "-" : verdict.IsMet ? "PASS" : "FAIL";

    private static string Count(int runs) => runs == 1 ? "one run" : $"medians of {runs} runs";

    private static string Measured(Verdict verdict) => verdict.Median switch
    {
        null => "not measured",
        { } value when verdict.Values.Count == 1 => Number(value),
        { } value => $"{Number(value)} [{Number(verdict.Values.Min())} .. {Number(verdict.Values.Max())}]",
    };

    private static string Wanted(Criterion criterion) => criterion switch
    {
        { AtLeast: { } least, AtMost: { } most } => $"{Number(least)} .. {Number(most)}",
        { AtLeast: { } least } => $">= {Number(least)}",
        { AtMost: { } most } => $"<= {Number(most)}",
        _ => "-",
    };

    private static string Number(double value) => Math.Abs(value) switch
    {
        >= 1000 => value.ToString("n0", CultureInfo.InvariantCulture),
        >= 100 => value.ToString("f1", CultureInfo.InvariantCulture),
        >= 10 => value.ToString("f2", CultureInfo.InvariantCulture),
        _ => value.ToString("0.#####", CultureInfo.InvariantCulture),
    };
}
