using YamlDotNet.Core;
using YamlDotNet.Serialization;

namespace Warp.Specs.Deploy;

/// <summary>A value in a YAML file: a mapping, a sequence or a scalar. What is not there is empty, not an error.</summary>
internal readonly record struct Yaml(object? Value)
{
    public Yaml this[string key] => Value is Dictionary<object, object> map ? new Yaml(map.GetValueOrDefault(key)) : default;

    public IEnumerable<Yaml> Items => Value is List<object> list ? list.Select(static item => new Yaml(item)) : [];

    public IEnumerable<(string Key, Yaml Value)> Entries =>
        Value is Dictionary<object, object> map ? map.Select(static entry => ((string)entry.Key, new Yaml(entry.Value))) : [];

    public string? Text => Value as string;

    public int Number => int.Parse(Text!);

    /// <summary>The documents of a file, with anchors, aliases and merge keys resolved.</summary>
    public static IReadOnlyList<Yaml> Load(string path)
    {
        IDeserializer deserializer = new DeserializerBuilder().Build();
        var parser = new MergingParser(new Parser(new StringReader(File.ReadAllText(path))));
        var documents = new List<Yaml>();
        parser.Consume<YamlDotNet.Core.Events.StreamStart>();
        while (!parser.Accept<YamlDotNet.Core.Events.StreamEnd>(out _))
            documents.Add(new Yaml(deserializer.Deserialize<object>(parser)));
        return documents;
    }
}
