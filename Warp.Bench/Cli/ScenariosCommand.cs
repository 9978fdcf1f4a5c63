using System.CommandLine;
using System.Text.Json;
using Warp.Bench.Reporting;
using Warp.Bench.Scenarios;

namespace Warp.Bench.Cli;

/// <summary><c>scenarios</c>: runs scenario files one after the other and shows how their criteria are met.</summary>
internal static class ScenariosCommand
{
    private const int Failed = 1;

    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web) { WriteIndented = true };

    public static Command Make()
    {
        var names = new Option<string[]>("--scenario")
        {
            Description = "Only these: names of files in scenarios/, or paths.",
            AllowMultipleArgumentsPerToken = true,
        };
        var runs = new Option<int?>("--runs") { Description = "How often each is run, whatever its file says." };
        var folder = new Option<string?>("--folder") { Description = "Where temporary folders are made: on the disk to be measured." };
        var json = new Option<bool>("--json") { Description = "The result as JSON." };
        var strict = new Option<bool>("--strict") { Description = "Fails when a criterion is not met." };
        var list = new Option<bool>("--list") { Description = "Only lists the scenarios." };
        var command = new Command("scenarios", "Runs scenarios and holds them against their criteria.")
        {
            names, runs, folder, json, strict, list,
        };
        command.SetAction((parsed, cancellation) =>
        {
            IReadOnlyList<Scenario> scenarios = ScenarioFiles.Load(parsed.GetValue(names) ?? []);
            if (!parsed.GetValue(list))
            {
                (int? times, string? place) = (parsed.GetValue(runs), parsed.GetValue(folder));
                return RunAsync(scenarios, times, place, parsed.GetValue(json), parsed.GetValue(strict), cancellation);
            }
            foreach (Scenario scenario in scenarios)
                Console.WriteLine($"{scenario.Name,-24} {scenario.Title}");
            return Task.FromResult(0);
        });
        return command;
    }

    private static async Task<int> RunAsync(
        IReadOnlyList<Scenario> scenarios, int? runs, string? folder, bool json, bool strict, CancellationToken cancellationToken)
    {
        string place = folder ?? Path.GetTempPath();
        Machine machine = Machine.Describe(place);
        if (!json)
            Console.WriteLine(machine);
        var results = new List<ScenarioResult>();
        bool broken = false;
        foreach (Scenario scenario in scenarios)
        {
            await using var run = new ScenarioRun(scenario, place, TimeProvider.System, static line => Console.Error.WriteLine(line));
            try
            {
                results.Add(await run.RunAsync(runs ?? scenario.Runs, cancellationToken));
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                // The other scenarios can still tell something.
                broken = true;
                results.Add(new ScenarioResult(scenario, [], [$"{e.GetType().Name}: {e.Message}"], TimeSpan.Zero));
            }
            if (!json)
                Console.WriteLine(ScenarioReport.Write(results[^1]));
        }
        Console.Write(json ? ToJson(machine, results) : ScenarioReport.Table(results));
        bool missed = results.Any(static result => result.Verdicts().Any(static verdict => !verdict.IsMet));
        return broken || (strict && missed) ? Failed : 0;
    }

    private static string ToJson(Machine machine, IReadOnlyList<ScenarioResult> results)
    {
        var scenarios = results.Select(static result => new
        {
            result.Scenario.Name,
            result.Scenario.Title,
            result.Elapsed.TotalSeconds,
            result.Problems,
            Criteria = result.Verdicts().Select(static verdict => new
            {
                verdict.Criterion.Text,
                verdict.Criterion.Measure,
                verdict.Criterion.Of,
                verdict.Criterion.AtLeast,
                verdict.Criterion.AtMost,
                verdict.Median,
                verdict.Values,
                verdict.IsMet,
            }),
            result.Runs,
        });
        return JsonSerializer.Serialize(new { machine, scenarios }, s_json) + "\n";
    }
}
