using System.Collections;

namespace Warp.Node.Cli;

/// <summary>What a command sees of the process that it runs in.</summary>
public sealed record CommandSurroundings(TextWriter Output, TextWriter Error, IReadOnlyDictionary<string, string> Environment)
{
    /// <summary>The console and the environment of this process.</summary>
    public static CommandSurroundings OfThisProcess() => new(
        Console.Out,
        Console.Error,
        System.Environment.GetEnvironmentVariables()
            .Cast<DictionaryEntry>()
            .ToDictionary(variable => (string)variable.Key, variable => (string?)variable.Value ?? ""));
}
