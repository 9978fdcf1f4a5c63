using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Warp.Protocol.Generator;

/// <summary>
/// Ties field types to structs (of the same message first, then the shared ones of the namespace), narrows every version range to where
/// the field can occur, and refuses what has no meaning on the wire.
/// </summary>
internal sealed class SchemaResolver
{
    private static readonly string[] s_reserved = ["ApiKey", "Kind", "KindId", "HighestVersion", "Read", "Write", "HasDefaults"];

    private readonly Dictionary<string, MessageSchema> _shared = new(StringComparer.Ordinal);

    private SchemaResolver()
    {
    }

    /// <exception cref="SchemaException">The first thing that is wrong.</exception>
    public static void Resolve(IReadOnlyList<SchemaFile> files)
    {
        var resolver = new SchemaResolver();
        foreach (var file in files)
        {
            foreach (var message in file.Messages)
                resolver.Register(message);
        }
        CheckNumbers(files);
        var messages = files.SelectMany(Messages).ToList();
        foreach (var message in messages)
            resolver.FindStructs(message);
        foreach (var message in messages)
            NarrowVersions(message);
        foreach (var message in messages)
            Check(message);
    }

    public static IEnumerable<MessageSchema> Messages(SchemaFile file) =>
        file.Apis.SelectMany(api => new[] { api.Request!, api.Response! }).Concat(file.Messages);

    private void Register(MessageSchema message)
    {
        string name = message.File.Namespace + "." + message.Body.Name;
        if (_shared.ContainsKey(name))
            throw Error(message, message.Body.Line, $"{name} is declared twice.");
        _shared.Add(name, message);
        message.Body.NeedsDefaultCheck = message.Kind == MessageKind.Struct;
    }

    private static void CheckNumbers(IReadOnlyList<SchemaFile> files)
    {
        var seen = new HashSet<(MessageKind, string, int)>();
        foreach (var message in files.SelectMany(Messages).Where(message => message.Kind is MessageKind.Request or MessageKind.Event))
        {
            if (!seen.Add((message.Kind, message.File.Namespace, message.Number)))
                throw Error(message, message.Body.Line, $"The number {message.Number} of {message.Body.Name} is taken already.");
            // So that no private API is ever found by the key of one of Kafka's, or the other way round.
            if (message.Kind == MessageKind.Request && message.File.IsKafka != message.Number < ApiSchema.FirstPrivateKey)
            {
                throw Error(message, message.Body.Line,
                    $"The keys of Kafka's APIs lie below {ApiSchema.FirstPrivateKey}, private ones, in namespaces of their own, do not.");
            }
        }
    }

    private void FindStructs(MessageSchema message)
    {
        foreach (var body in message.Nested.Prepend(message.Body))
        {
            foreach (var field in body.Fields)
                field.Type.Struct = FindStruct(message, field);
        }
    }

    private static void NarrowVersions(MessageSchema message)
    {
        Narrow(message, message.Body, message.Body.Versions, []);
        if (message.Nested.FirstOrDefault(nested => nested.Versions.IsEmpty) is { } unused)
            throw Error(message, unused.Line, $"The struct {unused.Name} occurs in no version.");
    }

    private StructSchema? FindStruct(MessageSchema message, FieldSchema field)
    {
        if (field.Type.Scalar is not null)
            return null;
        if (message.Nested.FirstOrDefault(nested => nested.Name == field.Type.Name) is { } local)
            return local;
        if (_shared.TryGetValue(message.File.Namespace + "." + field.Type.Name, out var shared) && shared.Kind == MessageKind.Struct)
        {
            if (message.FirstFlexible != 0 || !shared.Body.Versions.Covers(message.Body.Versions))
            {
                throw Error(message, field.Line,
                    $"{shared.Body.Name} has flexible versions {shared.Body.Versions}, which are not those of {message.Body.Name}.");
            }
            return shared.Body;
        }
        throw Error(message, field.Line, $"There is no type {field.Type.Name}.");
    }

    /// <summary>Visits every use of a nested struct, so that its versions come to span all of them.</summary>
    private static void Narrow(MessageSchema message, StructSchema body, VersionRange context, StructSchema[] path)
    {
        if (path.Contains(body))
            throw Error(message, body.Line, $"The struct {body.Name} contains itself.");
        path = [.. path, body];
        body.Versions = body.Versions.Around(context);
        foreach (var field in body.Fields)
        {
            if (field.Type.Struct is { } inner && !field.Versions.And(context).IsEmpty)
                Narrow(message, inner, field.Versions.And(context), path);
        }
    }

    private static void Check(MessageSchema message)
    {
        foreach (var body in message.Nested.Prepend(message.Body))
            CheckFields(message, body);
    }

    private static void CheckFields(MessageSchema message, StructSchema body)
    {
        var tags = new HashSet<int>();
        foreach (var field in body.Fields)
        {
            SchemaException Wrong(string what) => Error(message, field.Line, $"{body.Name}.{field.Name} {what}");
            field.Versions = field.Versions.And(body.Versions);
            field.Nullable = field.Nullable.And(field.Versions);
            field.TagVersions = field.TagVersions.And(field.Versions);
            field.PackedVersions = field.PackedVersions.And(field.Versions);
            if (field.Versions.IsEmpty)
                throw Wrong($"occurs in none of the versions {body.Versions}.");
            if (s_reserved.Contains(field.Name) && body == message.Body)
                throw Wrong("has a name that the codec uses itself.");
            if (field.Name == body.Name || (body == message.Body && message.Nested.Any(nested => nested.Name == field.Name)))
                throw Wrong("is called like a struct there; call the struct otherwise.");
            if (field.IsNullable && (field.Type.IsArray, field.Type.Scalar) is (false, { HasLength: false }))
                throw Wrong("cannot be null: only strings, bytes, records, arrays and structs can.");
            if (field.Type is { IsArray: true, Scalar.IsRecords: true })
                throw Wrong("is an array of records, which no codec knows.");
            if (!field.PackedVersions.IsEmpty && (body != message.Body || field.IsNullable || field.Type is not { IsArray: true, Struct: not null }))
                throw Wrong("cannot be packed: only arrays of structs that are a message's own, and never null, can.");
            if (field.Tag is { } tag)
            {
                if (!tags.Add(tag))
                    throw Wrong($"shares tag {tag} with another field.");
                if (field.TagVersions.Low < message.FirstFlexible)
                    throw Wrong("is tagged in a version that is not flexible.");
                if (HoldsRecords(field.Type))
                    throw Wrong("holds records, which cannot be tagged.");
            }
            if (field.Default is { } text && !IsValidDefault(field, text))
                throw Wrong($"cannot have the default {text}.");
            if (field.Type.Struct is { } inner && !field.Type.IsArray)
                RequireDefaultCheck(inner);
        }
    }

    private static void RequireDefaultCheck(StructSchema body)
    {
        body.NeedsDefaultCheck = true;
        foreach (var field in body.Fields)
        {
            if (field.Type.Struct is { } inner && !field.Type.IsArray)
                RequireDefaultCheck(inner);
        }
    }

    private static bool HoldsRecords(FieldType type) =>
        type.Scalar?.IsRecords ?? type.Struct!.Fields.Any(field => HoldsRecords(field.Type));

    private static bool IsValidDefault(FieldSchema field, string text)
    {
        if (text == "null")
            return field.IsNullable;
        if (field.Type.IsArray || field.Type.Scalar is not { } scalar)
            return false;
        return scalar.Name switch
        {
            "bool" => text is "true" or "false",
            "string" => text.Length >= 2 && text[0] == '"' && text[text.Length - 1] == '"' && !text.Contains("\\"),
            "float64" => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out _),
            _ => TryInteger(text, out decimal number) && scalar.Holds(number),
        };
    }

    private static bool TryInteger(string text, out decimal number)
    {
        bool isHex = text.StartsWith("0x", StringComparison.Ordinal);
        if (!isHex)
            return decimal.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
        bool parsed = ulong.TryParse(text.Substring(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out ulong bits);
        number = bits;
        return parsed;
    }

    private static SchemaException Error(MessageSchema message, int line, string text) => new(message.File.Path, line, text);
}
