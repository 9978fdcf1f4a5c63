using Warp.Node.Configuration.Hocon;

namespace Warp.Node.Configuration;

/// <summary>
/// Pairs of key and plain text as a layer of the configuration: the <c>--set</c> options and a command's own presets. The text is the
/// value as it is, without HOCON's quotes; a list is written with commas.
/// </summary>
internal static class SettingsLayer
{
    /// <summary>Reads <c>key=value</c> pairs; of the same key twice the later wins.</summary>
    public static HoconObject Read(IEnumerable<string> settings, string source, List<ConfigurationProblem> problems)
    {
        var origin = new ConfigurationOrigin(source);
        var layer = new HoconObject(origin);
        foreach (var setting in settings)
        {
            var equals = setting.IndexOf('=');
            var key = equals < 0 ? setting : setting[..equals].Trim();
            var problem = equals < 1 ? $"\"{setting}\" is not key=value" : ReferenceConfiguration.WhyUnknown(key);
            if (problem is null)
                layer.PutAt(new HoconPath(key.Split('.')), new HoconScalar(setting[(equals + 1)..].Trim(), isQuoted: true, origin), origin);
            else
                problems.Add(ConfigurationProblem.InValue(origin, problem));
        }
        return layer;
    }
}
