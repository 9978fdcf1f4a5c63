namespace Warp.Node.Configuration.Hocon;

/// <summary>
/// A value of a HOCON document. After <see cref="HoconResolver"/> only <see cref="HoconScalar"/>, <see cref="HoconArray"/> and
/// <see cref="HoconObject"/> are left; the other kinds stand for what is known only once all documents are merged.
/// Values are compared by reference: the resolver tells two equal texts at two places apart.
/// </summary>
public abstract class HoconValue(ConfigurationOrigin origin)
{
    public ConfigurationOrigin Origin { get; } = origin;

    /// <summary>Whether the value, aside from fields of objects, still waits for substitutions.</summary>
    internal abstract bool IsUnresolved { get; }
}

/// <summary>Any text, number, boolean or null; the text is kept as it was written, its meaning is the reader's affair.</summary>
public sealed class HoconScalar(string text, bool isQuoted, ConfigurationOrigin origin) : HoconValue(origin)
{
    public string Text { get; } = text;

    public bool IsQuoted { get; } = isQuoted;

    /// <summary>The unquoted word <c>null</c>.</summary>
    public bool IsNull => !IsQuoted && Text == "null";

    /// <summary>White space between two parts of a concatenation.</summary>
    internal bool IsSpace => !IsQuoted && string.IsNullOrWhiteSpace(Text);

    internal override bool IsUnresolved => false;
}

/// <summary>A list of values.</summary>
public sealed class HoconArray(IReadOnlyList<HoconValue> items, ConfigurationOrigin origin) : HoconValue(origin)
{
    public IReadOnlyList<HoconValue> Items { get; } = items;

    internal override bool IsUnresolved => Items.Any(item => item.IsUnresolved);
}

/// <summary>Named values, in the order in which the names first appeared.</summary>
public sealed class HoconObject(ConfigurationOrigin origin) : HoconValue(origin)
{
    private readonly OrderedDictionary<string, HoconValue> _fields = new(StringComparer.Ordinal);

    public IReadOnlyDictionary<string, HoconValue> Fields => _fields;

    internal override bool IsUnresolved => false;

    /// <summary>An object with the fields of both; where both have a field, the rules of a repeated key hold.</summary>
    public HoconObject MergedWith(HoconObject above)
    {
        var merged = new HoconObject(above.Origin);
        foreach (var (name, value) in _fields)
            merged._fields.Add(name, value);
        foreach (var (name, value) in above._fields)
            merged.Put(name, value);
        return merged;
    }

    /// <summary>Writes a field as a repeated key does: objects are merged, anything else takes the earlier value's place.</summary>
    internal void Put(string name, HoconValue value) =>
        _fields[name] = _fields.TryGetValue(name, out var below) ? Stack(below, value) : value;

    /// <summary>Writes a field below this object; the objects on the way to it come from <paramref name="origin"/>.</summary>
    internal void PutAt(HoconPath path, HoconValue value, ConfigurationOrigin origin)
    {
        foreach (var name in path.Names.Skip(1).Reverse())
        {
            var parent = new HoconObject(origin);
            parent.Put(name, value);
            value = parent;
        }
        Put(path.Names[0], value);
    }

    private static HoconValue Stack(HoconValue below, HoconValue above) => (below, above) switch
    {
        (HoconObject earlier, HoconObject later) => earlier.MergedWith(later),
        _ when above.IsUnresolved || (above is HoconObject && below.IsUnresolved) => new HoconLayers(below, above),
        _ => above,
    };
}

/// <summary><c>${path}</c> or <c>${?path}</c>. A path in an included file is looked up below the place of the include first.</summary>
internal sealed class HoconSubstitution(HoconPath path, HoconPath includedAt, bool isOptional, ConfigurationOrigin origin) : HoconValue(origin)
{
    public HoconPath Path { get; } = path;

    public HoconPath IncludedAt { get; } = includedAt;

    public bool IsOptional { get; } = isOptional;

    internal override bool IsUnresolved => true;
}

/// <summary>Several values side by side, of which at least one is a substitution or an object.</summary>
internal sealed class HoconConcatenation(IReadOnlyList<HoconValue> parts, ConfigurationOrigin origin) : HoconValue(origin)
{
    public IReadOnlyList<HoconValue> Parts { get; } = parts;

    internal override bool IsUnresolved => true;
}

/// <summary>A value and the earlier value of the same key, kept because the later one may refer to it or merge with it.</summary>
internal sealed class HoconLayers(HoconValue below, HoconValue above) : HoconValue(above.Origin)
{
    public HoconValue Below { get; } = below;

    public HoconValue Above { get; } = above;

    internal override bool IsUnresolved => true;
}
