namespace Warp.Actors.Catalog;

/// <summary>A described config.</summary>
public sealed record ConfigEntry
{
    private readonly ConfigDefinition _definition;

    /// <param name="definition">Of the config.</param>
    /// <param name="value">In effect; null when the config has none.</param>
    /// <param name="synonyms">All places that give it a value, the strongest first: topic, dynamic, static, default.</param>
    public ConfigEntry(ConfigDefinition definition, string? value, IReadOnlyList<ConfigSynonym> synonyms)
    {
        _definition = definition;
        Value = IsSensitive ? null : value;
        Synonyms = IsSensitive ? [.. synonyms.Select(synonym => synonym with { Value = null })] : synonyms;
    }

    public string Name => _definition.Name;

    /// <summary>Null when there is none, and when it must not be shown.</summary>
    public string? Value { get; }

    public ConfigSource Source => Synonyms is [var strongest, ..] ? strongest.Source : ConfigSource.Default;

    /// <summary>The flag of DescribeConfigs v0.</summary>
    public bool IsDefault => Source == ConfigSource.Default;

    public bool IsReadOnly => _definition.IsReadOnly;

    public bool IsSensitive => _definition.IsSensitive;

    public ConfigType Type => _definition.Type;

    public string Documentation => _definition.Description;

    public IReadOnlyList<ConfigSynonym> Synonyms { get; }
}
