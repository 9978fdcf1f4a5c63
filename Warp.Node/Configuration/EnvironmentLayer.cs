using System.Text.RegularExpressions;
using Warp.Actors.Persistence.Sql;
using Warp.Node.Configuration.Hocon;

namespace Warp.Node.Configuration;

/// <summary>
/// The environment as a layer of the configuration: <c>WARP_FLUSH_PUTS_PER_SECOND</c> sets <c>warp.flush.puts-per-second</c>. Dots and
/// dashes of a key are both underscores in a variable; below an open section every underscore is a dot.
/// </summary>
internal static partial class EnvironmentLayer
{
    private const string Prefix = "WARP_";

    /// <summary>Kubernetes sets this one in every container.</summary>
    private const string KubernetesMark = "KUBERNETES_SERVICE_HOST";

    public static HoconObject Read(IReadOnlyDictionary<string, string> environment, List<ConfigurationProblem> problems)
    {
        var layer = new HoconObject(new ConfigurationOrigin("the environment"));
        var keys = ReferenceConfiguration.Keys.Except(ReferenceConfiguration.OpenSections).ToDictionary(VariableOf);
        foreach (var (variable, value) in environment.OrderBy(pair => pair.Key, StringComparer.Ordinal))
        {
            if (!variable.StartsWith(Prefix, StringComparison.Ordinal) || IsServiceLink(variable, environment) || IsSecret(variable))
                continue;
            var origin = new ConfigurationOrigin(variable);
            if ((keys.GetValueOrDefault(variable) ?? KeyInOpenSection(variable)) is { } key)
                layer.PutAt(new HoconPath(key.Split('.')), new HoconScalar(value, isQuoted: true, origin), origin);
            else
                problems.Add(ConfigurationProblem.InValue(origin, $"unknown variable ({ReferenceConfiguration.Hint(Spelling.Nearest(variable, keys.Keys))})"));
        }
        return layer;
    }

    /// <summary>The variable that sets a key.</summary>
    public static string VariableOf(string key) => key.Replace('.', '_').Replace('-', '_').ToUpperInvariant();

    /// <summary>Whether the variable is no setting but read by whoever needs it, so that it is never printed.</summary>
    private static bool IsSecret(string variable) => PostgresSettings.PasswordVariables.Contains(variable);

    private static string? KeyInOpenSection(string variable)
    {
        var section = ReferenceConfiguration.OpenSections.FirstOrDefault(
            open => variable.StartsWith($"{VariableOf(open)}_", StringComparison.Ordinal) && variable.Length > open.Length + 1);
        return section is null ? null : $"{section}.{variable[(section.Length + 1)..].Replace('_', '.').ToLowerInvariant()}";
    }

    /// <summary>
    /// Whether Kubernetes made the variable for a service whose name begins with "warp": it puts addresses of services into every
    /// container, named like Docker's old container links.
    /// </summary>
    private static bool IsServiceLink(string variable, IReadOnlyDictionary<string, string> environment) =>
        environment.ContainsKey(KubernetesMark) && ServiceLink().IsMatch(variable);

    [GeneratedRegex("_(SERVICE_HOST|SERVICE_PORT(_[A-Z0-9_]+)?|PORT|PORT_[0-9]+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)$")]
    private static partial Regex ServiceLink();
}
