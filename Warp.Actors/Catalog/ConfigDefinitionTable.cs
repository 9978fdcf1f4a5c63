using System.Collections.Frozen;
using System.Collections.Immutable;

namespace Warp.Actors.Catalog;

/// <summary>The configs that one kind of resource has, and how they may be changed. Immutable.</summary>
internal sealed class ConfigDefinitionTable
{
    /// <summary>Longest value that is kept, in characters: what fits the string of a Kafka message.</summary>
    public const int MaxValueLength = short.MaxValue;

    private readonly string _resource;
    private readonly FrozenDictionary<string, ConfigDefinition> _byName;

    /// <param name="resource">For error messages: "topic", "broker".</param>
    /// <param name="definitions">Each name once.</param>
    public ConfigDefinitionTable(string resource, IEnumerable<ConfigDefinition> definitions)
    {
        _resource = resource;
        All = [.. definitions.OrderBy(definition => definition.Name, StringComparer.Ordinal)];
        _byName = All.ToFrozenDictionary(definition => definition.Name, StringComparer.Ordinal);
    }

    public ImmutableArray<ConfigDefinition> All { get; }

    public ConfigDefinition? Find(string name) => _byName.GetValueOrDefault(name);

    /// <summary>Those of the names that exist, each once; all of them for null.</summary>
    public IEnumerable<ConfigDefinition> Select(IReadOnlyCollection<string>? names) =>
        names is null ? All : names.Distinct().Select(Find).OfType<ConfigDefinition>();

    public string? Validate(string name, string value)
    {
        if (Find(name) is not { } definition)
            return $"Unknown {_resource} config name: {name}";
        return value.Length > MaxValueLength
            ? $"The value of {name} is longer than {MaxValueLength} characters"
            : definition.Validate(value);
    }

    public ConfigChange Replace(IEnumerable<KeyValuePair<string, string?>> configs) => Alter(
        ImmutableSortedDictionary<string, string>.Empty,
        [.. configs.Select(config => new ConfigAlteration(config.Key, ConfigOperation.Set, config.Value))]);

    public ConfigChange Alter(IReadOnlyDictionary<string, string> values, IReadOnlyList<ConfigAlteration> alterations)
    {
        var altered = values.ToImmutableSortedDictionary(StringComparer.Ordinal).ToBuilder();
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var (name, operation, operand) in alterations)
        {
            if (!seen.Add(name))
                return ConfigChange.InvalidRequest($"The config {name} appears twice");
            if (!Enum.IsDefined(operation))
                return ConfigChange.InvalidRequest($"Unknown operation {(sbyte)operation} on the config {name}");
            if (operation == ConfigOperation.Delete)
            {
                altered.Remove(name);
                continue;
            }
            if (operand is null)
                return ConfigChange.InvalidRequest($"The config {name} needs a value, not null");
            if (Find(name) is { IsReadOnly: true })
                return ConfigChange.InvalidRequest($"The config {name} can only be set in the node's configuration");
            string value = operand;
            if (operation != ConfigOperation.Set)
            {
                if (Find(name) is { Type: not ConfigType.List })
                    return ConfigChange.InvalidConfig($"The config {name} is not a list: it can be set and deleted only");
                value = Combine(operation, altered.GetValueOrDefault(name) ?? Find(name)?.DefaultValue ?? "", operand);
            }
            if (Validate(name, value) is { } fault)
                return ConfigChange.InvalidConfig(fault);
            altered[name] = value;
        }
        return ConfigChange.Accepted(altered.ToImmutable());
    }

    private static string Combine(ConfigOperation operation, string list, string operand)
    {
        string[] elements = ConfigDefinitionRules.SplitList(list);
        string[] operands = ConfigDefinitionRules.SplitList(operand);
        return string.Join(',', operation == ConfigOperation.Append ? elements.Union(operands) : elements.Except(operands));
    }
}
