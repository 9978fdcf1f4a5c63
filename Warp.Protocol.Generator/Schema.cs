using System;
using System.Collections.Generic;

namespace Warp.Protocol.Generator;

/// <summary>What one schema file says.</summary>
internal sealed class SchemaFile(string path)
{
    public const string DefaultNamespace = "Warp.Protocol.Messages";

    public string Path { get; } = path;
    public string Namespace { get; set; } = DefaultNamespace;

    /// <summary>Whether its APIs are Kafka's, and not private ones between nodes.</summary>
    public bool IsKafka => Namespace == DefaultNamespace;

    public List<ApiSchema> Apis { get; } = [];

    /// <summary>Events and shared structs: whatever is not the request or response of an API.</summary>
    public List<MessageSchema> Messages { get; } = [];
}

/// <summary>An API, Kafka's or private: its key, versions, request and response.</summary>
internal sealed class ApiSchema(short key, string name, VersionRange versions, int firstFlexible)
{
    /// <summary>Private keys start here; Kafka's are below.</summary>
    public const short FirstPrivateKey = 1000;

    public short Key { get; } = key;
    public string Name { get; } = name;
    public VersionRange Versions { get; } = versions;

    /// <summary>The first version with compact lengths and tags, or <see cref="VersionRange.Never"/>.</summary>
    public int FirstFlexible { get; } = firstFlexible;

    public MessageSchema? Request { get; set; }
    public MessageSchema? Response { get; set; }
}

internal enum MessageKind
{
    Request,
    Response,
    Event,
    Struct,
}

/// <summary>A top-level class: its own fields and the structs nested in it.</summary>
internal sealed class MessageSchema(MessageKind kind, SchemaFile file, StructSchema body, int firstFlexible)
{
    public MessageKind Kind { get; } = kind;
    public SchemaFile File { get; } = file;
    public StructSchema Body { get; } = body;
    public int FirstFlexible { get; } = firstFlexible;

    /// <summary>The API key, or the event's kind.</summary>
    public int Number { get; set; }

    public string ApiName { get; set; } = "";
    public List<StructSchema> Nested { get; } = [];
}

/// <summary>A named list of fields.</summary>
internal sealed class StructSchema(string name, VersionRange versions, int line)
{
    public string Name { get; } = name;

    /// <summary>The versions of the enclosing message in which this struct can occur.</summary>
    public VersionRange Versions { get; set; } = versions;

    public int Line { get; } = line;
    public List<FieldSchema> Fields { get; } = [];

    /// <summary>How C# names it from anywhere in the same namespace: "ProduceRequest.TopicProduceData".</summary>
    public string QualifiedName { get; set; } = name;

    /// <summary>Whether somebody asks if all fields have their defaults (tagged and version-dependent struct fields do).</summary>
    public bool NeedsDefaultCheck { get; set; }
}

/// <summary>One field of a struct.</summary>
internal sealed class FieldSchema(string name, FieldType type, int line)
{
    public string Name { get; } = name;
    public FieldType Type { get; } = type;
    public int Line { get; } = line;
    public VersionRange Versions { get; set; } = VersionRange.All;
    public VersionRange Nullable { get; set; } = VersionRange.None;
    public int? Tag { get; set; }
    public VersionRange TagVersions { get; set; } = VersionRange.None;
    public bool Ignorable { get; set; }

    /// <summary>
    /// The versions in which the elements have a common, denser layout, which their struct reads and writes by hand. When these are all of the
    /// field's, it is told which one.
    /// </summary>
    public VersionRange PackedVersions { get; set; } = VersionRange.None;

    /// <summary>The default as written in the schema, or null where the type's own applies.</summary>
    public string? Default { get; set; }

    public bool DefaultsToNull => Default == "null";
    public bool IsNullable => !Nullable.IsEmpty;
}

/// <summary>A scalar, a struct, or an array of one of them.</summary>
internal sealed class FieldType(string name, bool isArray)
{
    /// <summary>The scalar's or struct's name in the schema.</summary>
    public string Name { get; } = name;

    public bool IsArray { get; } = isArray;

    public ScalarType? Scalar { get; } = ScalarType.Find(name);

    /// <summary>Set when names are resolved, unless the type is a scalar.</summary>
    public StructSchema? Struct { get; set; }
}

/// <summary>A built-in type: how C# calls it and how the wire codec's methods are named.</summary>
internal sealed class ScalarType(string name, string csharp, string codec, int size)
{
    private static readonly Dictionary<string, ScalarType> s_byName = new(StringComparer.Ordinal);

    static ScalarType()
    {
        Add("bool", "bool", "Bool", 1);
        Add("int8", "sbyte", "Int8", 1);
        Add("int16", "short", "Int16", 2);
        Add("uint16", "ushort", "UInt16", 2);
        Add("int32", "int", "Int32", 4);
        Add("uint32", "uint", "UInt32", 4);
        Add("int64", "long", "Int64", 8);
        Add("float64", "double", "Float64", 8);
        Add("uuid", "Guid", "Uuid", 16);
        Add("error", "ErrorCode", "Error", 2);
        Add("varint", "int", "Varint", 1);
        Add("varlong", "long", "Varlong", 1);
        Add("uvarint", "uint", "Uvarint", 1);
        Add("uvarlong", "ulong", "Uvarlong", 1);
        Add("string", "string", "String", 0);
        Add("bytes", "ReadOnlyMemory<byte>", "Bytes", 0);
        Add("records", "RecordSet", "Records", 0);
    }

    public string Name { get; } = name;
    public string CSharp { get; } = csharp;

    /// <summary>The suffix of ReadXyz and WriteXyz.</summary>
    public string Codec { get; } = codec;

    /// <summary>The least bytes on the wire; 0 for those with a length, which depends on the version.</summary>
    public int Size { get; } = size;

    public bool HasLength => Size == 0;
    public bool IsRecords => Name == "records";

    /// <summary>Whether the type is one of integers, and <paramref name="number"/> one of them.</summary>
    public bool Holds(decimal number) => CSharp switch
    {
        "sbyte" => number is >= sbyte.MinValue and <= sbyte.MaxValue,
        "short" => number is >= short.MinValue and <= short.MaxValue,
        "ushort" => number is >= ushort.MinValue and <= ushort.MaxValue,
        "int" => number is >= int.MinValue and <= int.MaxValue,
        "uint" => number is >= uint.MinValue and <= uint.MaxValue,
        "long" => number is >= long.MinValue and <= long.MaxValue,
        "ulong" => number is >= ulong.MinValue and <= ulong.MaxValue,
        _ => false,
    };

    public static ScalarType? Find(string name) => s_byName.TryGetValue(name, out var type) ? type : null;

    private static void Add(string name, string csharp, string codec, int size) =>
        s_byName.Add(name, new ScalarType(name, csharp, codec, size));
}

/// <summary>Versions from <paramref name="low"/> to <paramref name="high"/>, both included; empty when low is above high.</summary>
internal readonly struct VersionRange(int low, int high)
{
    /// <summary>Above every version that a schema can name.</summary>
    public const int Never = 32768;

    public static readonly VersionRange All = new(0, Never - 1);
    public static readonly VersionRange None = new(1, 0);

    public int Low { get; } = low;
    public int High { get; } = high;

    public bool IsEmpty => Low > High;

    public bool Covers(VersionRange other) => other.IsEmpty || (Low <= other.Low && High >= other.High);

    public bool Contains(int version) => version >= Low && version <= High;

    public VersionRange And(VersionRange other)
    {
        var both = new VersionRange(Math.Max(Low, other.Low), Math.Min(High, other.High));
        return both.IsEmpty ? None : both;
    }

    /// <summary>The smallest range around both.</summary>
    public VersionRange Around(VersionRange other) =>
        IsEmpty ? other : other.IsEmpty ? this : new(Math.Min(Low, other.Low), Math.Max(High, other.High));

    public override string ToString() => Low == High ? $"{Low}" : $"{Low}-{High}";
}

/// <summary>A schema that cannot be compiled: where, and what is wrong.</summary>
internal sealed class SchemaException(string path, int line, string message) : Exception(message)
{
    public string Path { get; } = path;

    /// <summary>Counted from 1.</summary>
    public int Line { get; } = line;
}
