using System.Text.Json;

namespace Warp.Bench.Scenarios;

/// <summary>Finds scenarios by name.</summary>
public static class ScenarioFiles
{
    private const string Extension = ".json";

    /// <summary>Where the scenarios lie that come with this program.</summary>
    public static string Folder { get; } = Path.Combine(AppContext.BaseDirectory, "scenarios");

    /// <summary>Reads some scenarios, or all that come with this program.</summary>
    /// <param name="names">Names, or paths of files; empty for all.</param>
    /// <exception cref="ArgumentException">One is not there, or is no scenario.</exception>
    public static IReadOnlyList<Scenario> Load(IReadOnlyList<string> names)
    {
        IEnumerable<string> paths = names.Count > 0
            ? names.Select(PathOf)
            : Directory.EnumerateFiles(Folder, "*" + Extension).Order(StringComparer.Ordinal);
        return [.. paths.Select(Read)];
    }

    private static string PathOf(string name) =>
        name.EndsWith(Extension, StringComparison.Ordinal) ? name : Path.Combine(Folder, name + Extension);

    private static Scenario Read(string path)
    {
        if (!File.Exists(path))
        {
            IEnumerable<string> known = Directory.EnumerateFiles(Folder, "*" + Extension).Select(Path.GetFileNameWithoutExtension).Order()!;
            throw new ArgumentException($"there is no scenario {path}; known are {string.Join(", ", known)}");
        }
        try
        {
            return Scenario.Parse(Path.GetFileNameWithoutExtension(path), File.ReadAllText(path));
        }
        catch (JsonException e)
        {
            throw new ArgumentException($"{path}: {e.Message}", e);
        }
    }
}
