namespace Warp.Node.Configuration;

/// <summary>
/// The configuration cannot be used: the operator has to change something before the program can run (exit code 2).
/// Carries every problem that was found, one line each.
/// </summary>
public sealed class ConfigurationException : Exception
{
    public ConfigurationException(IReadOnlyList<ConfigurationProblem> problems)
        : base(string.Join(Environment.NewLine, problems.Select(problem => problem.Line)))
    {
        Problems = problems;
    }

    public ConfigurationException(ConfigurationProblem problem)
        : this([problem])
    {
    }

    /// <summary>A problem that has no place in a file, such as a port that is taken.</summary>
    public ConfigurationException(string line)
        : this(new ConfigurationProblem(null, line))
    {
    }

    /// <summary>At least one, in the order in which they were found.</summary>
    public IReadOnlyList<ConfigurationProblem> Problems { get; }
}
