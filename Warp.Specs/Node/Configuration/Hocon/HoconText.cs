using System.Text.Json;
using Warp.Node.Configuration.Hocon;

namespace Warp.Specs.Node.Configuration.Hocon;

/// <summary>Shows HOCON as JSON with all scalars as strings (null aside), so that tables of examples stay readable.</summary>
internal static class HoconText
{
    private static readonly Dictionary<string, string> s_noEnvironment = [];

    public static string ToJson(string hocon, IReadOnlyDictionary<string, string>? environment = null) =>
        ToJson(HoconResolver.Resolve(HoconParser.Parse(hocon, "test.conf"), environment ?? s_noEnvironment));

    public static string ToJson(HoconValue value) => value switch
    {
        HoconScalar { IsNull: true } => "null",
        HoconScalar scalar => JsonSerializer.Serialize(scalar.Text),
        HoconArray array => $"[{string.Join(",", array.Items.Select(ToJson))}]",
        HoconObject o => $"{{{string.Join(",", o.Fields.Select(field => $"{JsonSerializer.Serialize(field.Key)}:{ToJson(field.Value)}"))}}}",
        _ => throw new ArgumentException($"{value.GetType().Name} is left unresolved"),
    };
}
