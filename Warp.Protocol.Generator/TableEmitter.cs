using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Warp.Protocol.Generator;

/// <summary>Writes the tables of all APIs and of all events of a namespace.</summary>
internal static class TableEmitter
{
    public static IEnumerable<(string Name, string Source)> Emit(IReadOnlyList<SchemaFile> files)
    {
        foreach (var group in files.GroupBy(file => file.Namespace))
        {
            var apis = group.SelectMany(file => file.Apis).OrderBy(api => api.Key).ToList();
            if (apis.Count > 0)
                yield return ($"{group.Key}.ApiSpecs", Apis(group.Key, apis));
            var events = group.SelectMany(file => file.Messages)
                .Where(message => message.Kind == MessageKind.Event)
                .OrderBy(message => message.Number)
                .ToList();
            if (events.Count > 0)
                yield return ($"{group.Key}.EventSpecs", Events(group.Key, events));
        }
    }

    private static string Apis(string fileNamespace, List<ApiSchema> apis)
    {
        var source = new SourceWriter();
        CodecEmitter.WriteHead(source, fileNamespace);
        source.Line();
        using (source.Block("public static partial class ApiSpecs"))
        {
            source.Line("private static partial ApiSpec[] Create() =>");
            source.Line("[");
            foreach (var api in apis)
            {
                bool isNever = api.FirstFlexible == VersionRange.Never;
                string flexible = isNever ? "short.MaxValue" : api.FirstFlexible.ToString(CultureInfo.InvariantCulture);
                source.Line($"    new(ApiKey.{api.Name}, {api.Versions.Low}, {api.Versions.High}, {flexible}, "
                    + $"{api.Name}Request.Read, {api.Name}Response.Read),");
            }
            source.Line("];");
        }
        return source.ToString();
    }

    private static string Events(string fileNamespace, List<MessageSchema> events)
    {
        var source = new SourceWriter();
        CodecEmitter.WriteHead(source, fileNamespace);
        source.Line();
        source.Line("/// <summary>The event types of this namespace, by kind.</summary>");
        using (source.Block("public static class EventSpecs"))
        {
            source.Line("public static IReadOnlyList<EventSpec> All { get; } =");
            source.Line("[");
            foreach (var message in events)
            {
                string name = message.Body.Name;
                source.Line($"    new({name}.KindId, nameof({name}), {name}.HighestVersion, {name}.Read),");
            }
            source.Line("];");
        }
        return source.ToString();
    }
}
