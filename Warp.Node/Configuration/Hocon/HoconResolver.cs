using System.Diagnostics.CodeAnalysis;

namespace Warp.Node.Configuration.Hocon;

/// <summary>
/// Closes the substitutions of a merged tree. <c>${path}</c> is the final value at the path, or else the environment variable of that
/// name; inside the value of its own key it is what the key had before. <c>${?path}</c> vanishes where there is neither.
/// </summary>
public sealed class HoconResolver
{
    /// <summary>How deep values may nest once substitutions are in place.</summary>
    public const int MaxDepth = 1000;

    /// <summary>How many values may be visited: substitutions that double each other's text end here, not at the end of memory.</summary>
    public const int MaxSteps = 1_000_000;

    private readonly HoconObject _root;
    private readonly IReadOnlyDictionary<string, string> _environment;

    /// <summary>The values that are being resolved, outermost first; meeting one again is a cycle or a look at the earlier value.</summary>
    private readonly HashSet<HoconValue> _active = new(ReferenceEqualityComparer.Instance);
    private int _depth;
    private int _steps;

    private HoconResolver(HoconObject root, IReadOnlyDictionary<string, string> environment)
    {
        _root = root;
        _environment = environment;
    }

    /// <summary>The tree with objects, arrays and scalars only.</summary>
    /// <exception cref="ConfigurationException">A substitution that leads nowhere or back to itself, or parts that do not join.</exception>
    public static HoconObject Resolve(HoconObject root, IReadOnlyDictionary<string, string> environment) =>
        new HoconResolver(root, environment).Object(root);

    /// <summary>The value without substitutions; null if it consists of optional ones that lead nowhere.</summary>
    private HoconValue? Value(HoconValue value)
    {
        if (value is HoconScalar)
            return value;
        if (++_steps > MaxSteps || _depth == MaxDepth)
            throw Error(value, "the substitutions make the configuration larger than it may be");
        if (!_active.Add(value))
            throw Error(value, "the value leads back to itself");
        _depth++;
        var resolved = value switch
        {
            HoconObject o => Object(o),
            HoconArray a => new HoconArray([.. a.Items.Select(Value).OfType<HoconValue>()], a.Origin),
            HoconSubstitution s => Substitution(s),
            HoconConcatenation c => Concatenation(c),
            HoconLayers l => Layers(l),
            _ => value,
        };
        _depth--;
        _active.Remove(value);
        return resolved;
    }

    private HoconObject Object(HoconObject value)
    {
        var result = new HoconObject(value.Origin);
        foreach (var (name, field) in value.Fields)
        {
            if (Value(field) is { } resolved)
                result.Put(name, resolved);
        }
        return result;
    }

    private HoconValue? Layers(HoconLayers layers) => Value(layers.Above) switch
    {
        null => Value(layers.Below),
        HoconObject above => Value(layers.Below) is HoconObject below ? below.MergedWith(above) : above,
        var above => above,
    };

    private HoconValue? Substitution(HoconSubstitution substitution)
    {
        var target = Find(substitution.IncludedAt.Then(substitution.Path)) ?? Find(substitution.Path);
        while (target is HoconLayers layers && _active.Contains(layers))
            target = layers.Below;
        if (target is not null && _active.Contains(target))
        {
            return substitution.IsOptional
                ? null
                : throw Error(substitution, $"the substitution ${{{substitution.Path}}} leads back to itself");
        }
        if (target is not null)
            return Value(target);
        if (_environment.TryGetValue(string.Join('.', substitution.Path.Names), out var variable))
            return new HoconScalar(variable, isQuoted: true, substitution.Origin);
        return substitution.IsOptional
            ? null
            : throw Error(substitution, $"the substitution ${{{substitution.Path}}} names neither a key nor an environment variable");
    }

    private HoconValue? Find(HoconPath path)
    {
        HoconValue? value = _root;
        foreach (var name in path.Names)
            value = value is null ? null : Field(value, name);
        return value;
    }

    /// <summary>A field of a value that may itself have to be resolved first; of an active value, what is known of it so far.</summary>
    private HoconValue? Field(HoconValue value, string name) => value switch
    {
        HoconObject o => o.Fields.GetValueOrDefault(name),
        HoconLayers l when _active.Contains(l) => Field(l.Above, name) ?? Field(l.Below, name),
        HoconSubstitution or HoconConcatenation or HoconLayers when !_active.Contains(value) =>
            Value(value) is HoconObject resolved ? resolved.Fields.GetValueOrDefault(name) : null,
        _ => null,
    };

    private HoconValue? Concatenation(HoconConcatenation concatenation)
    {
        var parts = concatenation.Parts.Select(Value).OfType<HoconValue>().ToList();
        var solid = parts.FindAll(part => part is not HoconScalar { IsSpace: true });
        if (solid.Count == 0)
            return null;
        if (AllAre<HoconObject>(solid, out var objects))
            return objects.Aggregate((below, above) => below.MergedWith(above));
        if (AllAre<HoconArray>(solid, out var arrays))
            return new HoconArray([.. arrays.SelectMany(array => array.Items)], concatenation.Origin);
        if (AllAre<HoconScalar>(parts, out var scalars))
            return solid.Count == 1 ? solid[0] : new HoconScalar(string.Concat(scalars.Select(s => s.Text)), isQuoted: true, concatenation.Origin);
        throw Error(concatenation, $"{Describe(solid[0])} cannot be joined with {Describe(solid.Find(part => part.GetType() != solid[0].GetType())!)}");
    }

    private static bool AllAre<T>(List<HoconValue> values, [NotNullWhen(true)] out List<T>? all)
        where T : HoconValue
    {
        all = values.TrueForAll(value => value is T) ? values.ConvertAll(value => (T)value) : null;
        return all is not null;
    }

    private static string Describe(HoconValue value) => value switch
    {
        HoconObject => "an object",
        HoconArray => "a list",
        _ => "a text",
    };

    private static ConfigurationException Error(HoconValue value, string sentence) =>
        new(ConfigurationProblem.InSyntax(value.Origin, sentence));
}
