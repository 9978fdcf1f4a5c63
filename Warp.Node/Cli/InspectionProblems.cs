using System.Text.Json;

namespace Warp.Node.Cli;

/// <summary>What an inspection found wrong. Counts everything and keeps the first hundred, so that rubbish costs no memory.</summary>
internal sealed class InspectionProblems
{
    private const int Kept = 100;

    private readonly List<string> _problems = [];

    public int Count { get; private set; }

    public string First => _problems[0];

    public void Add(string problem)
    {
        if (Count++ < Kept)
            _problems.Add(problem);
    }

    /// <summary>Writes the array <c>problems</c>.</summary>
    public void Write(Utf8JsonWriter json)
    {
        json.WriteStartArray("problems");
        foreach (string problem in _problems)
            json.WriteStringValue(problem);
        if (Count > Kept)
            json.WriteStringValue($"and {Count - Kept} more");
        json.WriteEndArray();
    }
}
