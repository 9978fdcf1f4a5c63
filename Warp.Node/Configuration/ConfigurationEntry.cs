using Warp.Node.Configuration.Hocon;

namespace Warp.Node.Configuration;

/// <summary>The final value of one key below <c>warp</c>: a scalar, a list, or an empty object.</summary>
public sealed record ConfigurationEntry(string Key, HoconValue Value)
{
    /// <summary>What stands in the place of a secret.</summary>
    public const string Hidden = "(hidden)";

    public ConfigurationOrigin Origin => Value.Origin;

    /// <summary>Whether the value is <c>null</c> or empty, which an optional key takes for "not set".</summary>
    public bool IsNone => Value is HoconScalar scalar && (scalar.IsNull || scalar.Text.Length == 0);

    /// <summary>The value as text, the items of a list joined with commas.</summary>
    public string Text => Value switch
    {
        HoconScalar scalar => scalar.Text,
        HoconArray array => string.Join(',', array.Items.Select(item => (item as HoconScalar)?.Text ?? "{…}")),
        _ => "{}",
    };

    /// <summary>Whether nobody is to see the value, not even the operator: what is printed is kept, and passed on.</summary>
    public bool IsSecret => Key.EndsWith(".secret", StringComparison.Ordinal) && !IsNone;

    /// <summary>The text as people see it: without secrets, and passwords in URLs.</summary>
    public string ShownText => IsSecret ? Hidden : Secrets.Hide(Text);

    /// <summary>The entries below an object, by their whole key, in the order of the object.</summary>
    public static IEnumerable<ConfigurationEntry> Below(string key, HoconValue value)
    {
        if (value is not HoconObject { Fields.Count: > 0 } section)
            return [new ConfigurationEntry(key, value)];
        return section.Fields.SelectMany(field => Below($"{key}.{field.Key}", field.Value));
    }
}
