using System.CommandLine;
using Warp.Node.Configuration;

namespace Warp.Node.Cli;

/// <summary>The options that every command with a configuration shares.</summary>
internal sealed class SettingOptions(IReadOnlyDictionary<string, string> environment)
{
    public Option<string[]> Files { get; } = new("--config", "-c")
    {
        Description = "A HOCON file; of several, later ones override earlier ones.",
        HelpName = "file",
        AllowMultipleArgumentsPerToken = true,
    };

    public Option<string[]> Set { get; } = new("--set")
    {
        Description = "One setting; overrides files and WARP_ environment variables.",
        HelpName = "key=value",
        AllowMultipleArgumentsPerToken = true,
    };

    /// <summary>The configuration that the arguments and the environment give.</summary>
    /// <param name="parsed">The arguments.</param>
    /// <param name="presets">What the command has in the place of the reference's defaults.</param>
    /// <exception cref="ConfigurationException">With every problem that was found.</exception>
    public NodeConfiguration Load(ParseResult parsed, params IReadOnlyList<string> presets) => NodeConfiguration.Load(new ConfigurationSources
    {
        Presets = presets,
        Files = parsed.GetValue(Files) ?? [],
        Environment = environment,
        Settings = parsed.GetValue(Set) ?? [],
    });
}
