using System.Text.Json;
using System.Text.Json.Serialization;

namespace Warp.Bench.Scenarios;

/// <summary>A file of <c>scenarios/</c>: what is done, how often, and what it is held against.</summary>
public sealed record Scenario
{
    private static readonly JsonSerializerOptions s_json = new(JsonSerializerDefaults.Web)
    {
        AllowOutOfOrderMetadataProperties = true,
        AllowTrailingCommas = true,
        Converters = { new DurationConverter(), new JsonStringEnumConverter(JsonNamingPolicy.CamelCase) },
        NumberHandling = JsonNumberHandling.Strict,
        ReadCommentHandling = JsonCommentHandling.Skip,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
    };

    /// <summary>What it is called on the command line; the file's name.</summary>
    [JsonIgnore]
    public string Name { get; init; } = "";

    /// <summary>What it is about, in a line.</summary>
    public required string Title { get; init; }

    /// <summary>How often <see cref="Steps"/> are run; figures are the medians.</summary>
    public int Runs { get; init; } = 1;

    /// <summary>Steps before the first run.</summary>
    public IReadOnlyList<Step> Setup { get; init; } = [];

    /// <summary>The steps of one run, the scenario's and its yardsticks', one after the other.</summary>
    public required IReadOnlyList<Step> Steps { get; init; }

    /// <summary>What the figures are held against.</summary>
    public IReadOnlyList<Criterion> Criteria { get; init; } = [];

    /// <summary>Figures that the report shows, besides those of criteria.</summary>
    public IReadOnlyList<string> Show { get; init; } = [];

    /// <summary>Reads a file's text.</summary>
    /// <param name="name">The name that the scenario gets.</param>
    /// <param name="text">JSON, in which comments are allowed.</param>
    /// <exception cref="JsonException">It is no scenario; the message says where.</exception>
    public static Scenario Parse(string name, string text)
    {
        Scenario scenario = JsonSerializer.Deserialize<Scenario>(text, s_json) ?? throw new JsonException("null is no scenario");
        if (scenario.Problem() is { } problem)
            throw new JsonException(problem);
        return scenario with { Name = name };
    }

    private string? Problem()
    {
        if (Runs < 1)
            return "a scenario runs once or more often";
        foreach (Step step in (IEnumerable<Step>)[.. Setup, .. Steps])
        {
            if (step.Problem() is { } problem)
                return problem;
        }
        string[] names = [.. Steps.Select(static step => step.As)];
        string[] used = [.. Criteria.SelectMany(static criterion => criterion.Of.Prepend(criterion.Measure)), .. Show];
        return used.FirstOrDefault(figure => !names.Contains(figure.Split('.')[0])) is { } unknown
            ? $"'{unknown}' does not begin with the name ('as') of a step"
            : null;
    }
}
