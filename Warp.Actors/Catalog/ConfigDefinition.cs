using System.Globalization;

namespace Warp.Actors.Catalog;

/// <summary>What is known about one config of a topic or a broker.</summary>
/// <param name="Name">Kafka's name.</param>
/// <param name="Type">How its value is read.</param>
/// <param name="DefaultValue">Kafka's default as text; null when the config has none.</param>
/// <param name="Documentation">One sentence for whoever describes it.</param>
public sealed record ConfigDefinition(string Name, ConfigType Type, string? DefaultValue, string Documentation)
{
    /// <summary>Narrows the values that the type allows; null when the type says it all.</summary>
    public ConfigRule? Rule { get; init; }

    /// <summary>Of a topic config: the broker configs that give its default, the strongest first. Empty when there is none.</summary>
    public IReadOnlyList<BrokerSynonym> BrokerSynonyms { get; init; } = [];

    /// <summary>
    /// False when the config is checked, kept and described but changes nothing here, because what it tunes does not exist.
    /// </summary>
    public bool HasEffect { get; init; }

    /// <summary>Of a broker config: it can only be set in the node's configuration.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>What DescribeConfigs says about it.</summary>
    public string Description => HasEffect ? Documentation : $"{Documentation} Nothing here depends on it.";

    /// <summary>The value must not be shown.</summary>
    public bool IsSensitive => Type == ConfigType.Password;

    /// <summary>Checks a value. Blanks around it do not matter, as in Kafka.</summary>
    /// <returns>Null when it is valid, otherwise a sentence with the name and the value.</returns>
    public string? Validate(string value)
    {
        string? fault = TypeFault(value.Trim()) ?? Rule?.Invoke(value.Trim());
        if (fault is null)
            return null;
        return IsSensitive ? $"Invalid value for {Name}: {fault}" : $"Invalid value '{value}' for {Name}: {fault}";
    }

    private string? TypeFault(string value) => Type switch
    {
        ConfigType.Boolean => bool.TryParse(value, out _) ? null : "it must be true or false",
        ConfigType.Int => int.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)
            ? null : "it must be a 32-bit integer",
        ConfigType.Short => short.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)
            ? null : "it must be a 16-bit integer",
        ConfigType.Long => long.TryParse(value, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out _)
            ? null : "it must be a 64-bit integer",
        ConfigType.Double => double.TryParse(value, NumberStyles.Float, CultureInfo.InvariantCulture, out double d) && double.IsFinite(d)
            ? null : "it must be a number",
        _ => null,
    };
}
