using System.Text.Json;
using Warp.Bench.Scenarios;
using Warp.Load;
using Xunit;

namespace Warp.Specs.Bench;

public sealed class ScenarioSpec
{
    [Fact]
    public void Every_scenario_that_comes_with_the_program_can_be_read()
    {
        IReadOnlyList<Scenario> scenarios = ScenarioFiles.Load([]);
        Assert.Contains(scenarios, static scenario => scenario.Name == "produce-12");
        Assert.Equal("soak", ScenarioFiles.Load(["long/soak"]).Single().Name);
    }

    [Fact]
    public void A_scenario_says_what_is_done()
    {
        Scenario scenario = Scenario.Parse("mine", """
            {
              // a comment
              "title": "Mine", "runs": 3,
              "setup": [ { "do": "start", "settings": [ "a=b" ] } ],
              "steps": [
                { "do": "load", "as": "it", "plan": { "consumers": 2, "from": "startOnce", "producers": 0, "fetchWait": "1.5s" } }
              ],
              "criteria": [ { "text": "fast", "measure": "it.fetch_mb_per_s", "atLeast": 5 } ]
            }
            """);
        Assert.Equal(("mine", 3), (scenario.Name, scenario.Runs));
        Assert.Equal(["a=b"], Assert.IsType<StartStep>(scenario.Setup.Single()).Settings);
        LoadPlan plan = Assert.IsType<LoadStep>(scenario.Steps.Single()).Plan;
        Assert.Equal((2, ConsumeFrom.StartOnce, TimeSpan.FromSeconds(1.5)), (plan.Consumers, plan.From, plan.FetchWait));
    }

    [Theory]
    [InlineData("""{ "title": "x", "steps": [], "step": [] }""", "step")]
    [InlineData("""{ "title": "x", "steps": [ { "do": "dance" } ] }""", "dance")]
    [InlineData("""{ "title": "x", "steps": [ { "do": "load", "as": "a", "plan": { "producer": 1 } } ] }""", "producer")]
    [InlineData("""{ "title": "x", "steps": [ { "do": "load", "as": "a", "plan": { "duration": "2 h" } } ] }""", "2 h")]
    [InlineData("""{ "title": "x", "steps": [ { "do": "load", "as": "a", "plan": { "recordBytes": 0 } } ] }""", "sizes")]
    [InlineData("""{ "title": "x", "steps": [ { "do": "disk", "as": "a" } ], "show": [ "b.mb_per_s" ] }""", "b.mb_per_s")]
    [InlineData("""{ "title": "x", "steps": [ { "do": "client", "as": "a", "against": "bare" } ] }""", "bare broker")]
    [InlineData("""{ "title": "x", "runs": 0, "steps": [] }""", "once")]
    public void A_mistake_is_named(string text, string named) =>
        Assert.Contains(named, Assert.Throws<JsonException>(() => Scenario.Parse("x", text)).Message, StringComparison.Ordinal);

    [Fact]
    public void A_criterion_divides_by_the_slowest_yardstick()
    {
        var criterion = new Criterion { Text = "t", Measure = "load.mb", Of = ["tcp.mb", "disk.mb"], AtLeast = 0.5 };
        var figures = new Dictionary<string, double> { ["load.mb"] = 150, ["tcp.mb"] = 3_000, ["disk.mb"] = 300 };
        Assert.Equal(0.5, criterion.ValueIn(figures));
        Assert.True(criterion.IsMetBy(0.5));
        Assert.False(criterion.IsMetBy(0.499));
        figures.Remove("tcp.mb");
        Assert.Null(criterion.ValueIn(figures));
    }

    [Fact]
    public void The_median_of_the_quotients_counts_and_not_the_quotient_of_medians()
    {
        Scenario scenario = Scenario.Parse("x", """
            {
              "title": "x", "steps": [ { "do": "disk", "as": "a" } ],
              "criteria": [ { "text": "t", "measure": "a.v", "of": [ "a.of" ], "atMost": 2 } ]
            }
            """);
        Dictionary<string, double> Run(double value, double of) => new() { ["a.v"] = value, ["a.of"] = of };
        var result = new ScenarioResult(scenario, [Run(10, 1), Run(2, 1), Run(3, 3)], [], TimeSpan.Zero);
        Verdict verdict = result.Verdicts().Single();
        Assert.Equal((2, true), (verdict.Median, verdict.IsMet));
        Assert.Equal([10, 2, 1], verdict.Values);
    }

    [Fact]
    public void A_criterion_whose_figure_was_not_measured_is_not_met()
    {
        Scenario scenario = Scenario.Parse("x", """
            { "title": "x", "steps": [ { "do": "disk", "as": "a" } ], "criteria": [ { "text": "t", "measure": "a.nothing", "atMost": 2 } ] }
            """);
        Verdict verdict = new ScenarioResult(scenario, [new Dictionary<string, double>()], [], TimeSpan.Zero).Verdicts().Single();
        Assert.Null(verdict.Median);
        Assert.False(verdict.IsMet);
    }

    [Fact]
    public void The_median_is_the_middle_value_or_the_mean_of_two()
    {
        Assert.Equal(3, Median.Of([9, 1, 3]));
        Assert.Equal(2.5, Median.Of([9, 1, 3, 2]));
        Assert.Throws<ArgumentException>(() => Median.Of([]));
    }
}
