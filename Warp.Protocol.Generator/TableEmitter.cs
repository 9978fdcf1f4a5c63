using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Warp.Protocol.Generator;

/// <summary>Writes the tables of all APIs and of all events of a namespace.</summary>
internal static class TableEmitter
{
    /// <summary>The class that has the keys and the specs of a namespace's private APIs.</summary>
    public const string PrivateTable = "PrivateApis";

    public static IEnumerable<(string Name, string Source)> Emit(IReadOnlyList<SchemaFile> files)
    {
        foreach (var group in files.GroupBy(file => file.Namespace))
        {
            var apis = group.SelectMany(file => file.Apis).OrderBy(api => api.Key).ToList();
            if (apis.Count > 0)
            {
                yield return group.First().IsKafka
                    ? ($"{group.Key}.ApiSpecs", KafkaApis(group.Key, apis))
                    : ($"{group.Key}.{PrivateTable}", PrivateApis(group.Key, apis));
            }
            var events = group.SelectMany(file => file.Messages)
                .Where(message => message.Kind == MessageKind.Event)
                .OrderBy(message => message.Number)
                .ToList();
            if (events.Count > 0)
                yield return ($"{group.Key}.EventSpecs", Events(group.Key, events));
        }
    }

    private static string KafkaApis(string fileNamespace, List<ApiSchema> apis)
    {
        var source = new SourceWriter();
        CodecEmitter.WriteHead(source, fileNamespace);
        source.Line();
        using (source.Block("public static partial class ApiSpecs"))
        {
            source.Line("private static partial ApiSpec[] Create() =>");
            source.Line("[");
            foreach (var api in apis)
                source.Line($"    new(ApiKey.{api.Name}, {Arguments(api)}),");
            source.Line("];");
        }
        return source.ToString();
    }

    private static string PrivateApis(string fileNamespace, List<ApiSchema> apis)
    {
        var source = new SourceWriter();
        CodecEmitter.WriteHead(source, fileNamespace);
        source.Line();
        source.Line("/// <summary>The APIs of this namespace, which Kafka does not know: their keys, and how they are read and written.</summary>");
        using (source.Block($"public static partial class {PrivateTable}"))
        {
            foreach (var api in apis)
                source.Line($"public const ApiKey {api.Name} = (ApiKey){api.Key};");
            source.Line();
            source.Line("/// <summary>All of them, in the order of their keys.</summary>");
            source.Line("public static IReadOnlyList<ApiSpec> All { get; } =");
            source.Line("[");
            foreach (var api in apis)
                source.Line($"    new({api.Name}, {Arguments(api)}) {{ Name = nameof({api.Name}) }},");
            source.Line("];");
        }
        return source.ToString();
    }

    /// <summary>What the constructor of a spec takes after the key.</summary>
    private static string Arguments(ApiSchema api)
    {
        bool isNever = api.FirstFlexible == VersionRange.Never;
        string flexible = isNever ? "short.MaxValue" : api.FirstFlexible.ToString(CultureInfo.InvariantCulture);
        return $"{api.Versions.Low}, {api.Versions.High}, {flexible}, {api.Name}Request.Read, {api.Name}Response.Read";
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
