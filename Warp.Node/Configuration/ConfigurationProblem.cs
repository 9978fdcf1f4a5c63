namespace Warp.Node.Configuration;

/// <summary>One thing that is wrong with the configuration, as one line for the operator, and where it was written if that is known.</summary>
public sealed record ConfigurationProblem(ConfigurationOrigin? Origin, string Line)
{
    /// <summary>A problem of the text itself; its line begins with file, line and column.</summary>
    public static ConfigurationProblem InSyntax(ConfigurationOrigin origin, string sentence) => new(origin, $"{origin.Position}: {sentence}");

    /// <summary>A problem of a key or a value; its line begins with file and line, variable or option.</summary>
    public static ConfigurationProblem InValue(ConfigurationOrigin origin, string sentence) => new(origin, $"{origin}: {sentence}");
}
