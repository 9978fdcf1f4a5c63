using System.Text.Json.Serialization;

namespace Warp.Bench.Scenarios;

/// <summary>What a figure is held against; without bounds it is only told. Pure.</summary>
public sealed record Criterion
{
    /// <summary>The criterion in words.</summary>
    public required string Text { get; init; }

    /// <summary>A figure, as <c>step.name</c>.</summary>
    public required string Measure { get; init; }

    /// <summary>The figures that it is divided by: by the smallest one of them. None: the figure itself counts.</summary>
    public IReadOnlyList<string> Of { get; init; } = [];

    /// <summary>What the quotient must reach.</summary>
    public double? AtLeast { get; init; }

    /// <summary>What the quotient must not exceed.</summary>
    public double? AtMost { get; init; }

    /// <summary>Whether there is anything to be met.</summary>
    [JsonIgnore]
    public bool HasBound => AtLeast is not null || AtMost is not null;

    /// <summary>The quotient in one run.</summary>
    /// <returns>Null when a figure is missing, or would be divided by 0.</returns>
    public double? ValueIn(IReadOnlyDictionary<string, double> figures)
    {
        if (!figures.TryGetValue(Measure, out double value))
            return null;
        if (Of.Count == 0)
            return value;
        double smallest = double.PositiveInfinity;
        foreach (string name in Of)
        {
            if (!figures.TryGetValue(name, out double divisor))
                return null;
            smallest = Math.Min(smallest, divisor);
        }
        return smallest > 0 ? value / smallest : null;
    }

    /// <summary>Whether a quotient is good enough.</summary>
    public bool IsMetBy(double value) => !(value < AtLeast) && !(value > AtMost);
}
