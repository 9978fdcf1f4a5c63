using System.Linq;

namespace Warp.Protocol.Generator;

internal sealed partial class CodecEmitter
{
    private void EmitRead(StructSchema body)
    {
        var context = body.Versions;
        if (body == _message.Body)
        {
            _source.Line("/// <summary>Reads one version; what that version lacks keeps its default.</summary>");
            _source.Line("/// <exception cref=\"MalformedMessageException\">The bytes are no such message.</exception>");
        }
        using (_source.Block($"public static {body.QualifiedName} Read(ref WireReader reader, short version)"))
        {
            if (body == _message.Body)
                EmitVersionCheck();
            _source.Line($"var value = new {body.QualifiedName}();");
            foreach (var field in body.Fields)
            {
                var plain = field.Versions;
                string condition = Condition(plain, context);
                if (!field.TagVersions.IsEmpty)
                    condition = field.TagVersions.Covers(plain) ? "false" : And(condition, $"!({Condition(field.TagVersions, context)})");
                if (condition == "false")
                    continue;
                using (_source.BlockIf(condition))
                    EmitReadField(body, field);
            }
            EmitReadTags(body);
            _source.Line("return value;");
        }
    }

    private void EmitVersionCheck()
    {
        var body = _message.Body;
        _source.Line($"WireReader.CheckVersion(version, {body.Versions.Low}, {body.Versions.High}, \"{body.Name}\");");
    }

    private void EmitReadTags(StructSchema body)
    {
        var context = body.Versions;
        string flexible = Compact(context);
        if (flexible == "false")
            return;
        using (_source.BlockIf(flexible))
        {
            var tagged = body.Fields.Where(field => field.Tag is not null).OrderBy(field => field.Tag).ToList();
            if (tagged.Count == 0)
            {
                _source.Line($"reader.SkipTags(\"{body.QualifiedName}\");");
                return;
            }
            using (_source.Block($"for (int tags = reader.ReadTagCount(\"{body.QualifiedName}\"); tags > 0; tags--)"))
            {
                _source.Line($"int outerEnd = reader.BeginTag(out uint tag, \"{body.QualifiedName}\");");
                using (_source.Block("switch (tag)"))
                {
                    foreach (var field in tagged)
                    {
                        string condition = Condition(field.TagVersions, Flexible.And(context));
                        _source.Line($"case {field.Tag}{(condition == "true" ? "" : " when " + condition)}:");
                        using (_source.Block(""))
                        {
                            EmitReadField(body, field);
                            _source.Line("break;");
                        }
                    }
                    _source.Line("default:");
                    _source.Line("    reader.SkipTag();");
                    _source.Line("    break;");
                }
                _source.Line($"reader.EndTag(outerEnd, \"{body.QualifiedName}\");");
            }
        }
    }

    private void EmitReadField(StructSchema body, FieldSchema field)
    {
        var context = field.Versions;
        string path = FieldPath(body, field);
        string nullable = Condition(field.Nullable, context);
        if (field.Type.IsArray)
        {
            string packed = Condition(field.PackedVersions, context);
            if (packed != "false")
            {
                string which = packed == "true" ? ", version" : "";
                using (_source.BlockIf(packed))
                    _source.Line($"value.{field.Name} = {ElementType(field.Type)}.ReadPacked(ref reader, value{which});");
            }
            if (packed != "true")
            {
                using (_source.BlockIf(packed == "false" ? "true" : $"!({packed})"))
                    EmitReadArray(body, field);
            }
            return;
        }
        if (field.Type.Struct is { } inner)
        {
            string read = $"{inner.QualifiedName}.Read(ref reader, version)";
            if (!field.IsNullable)
                _source.Line($"value.{field.Name} = {read};");
            else
                _source.Line($"value.{field.Name} = reader.ReadPresence({path}, {nullable}) ? {read} : null;");
            return;
        }
        var scalar = field.Type.Scalar!;
        string call = !scalar.HasLength ? $"reader.Read{scalar.Codec}({path})"
            : field.IsNullable ? $"reader.ReadNullable{scalar.Codec}({path}, {Compact(context)}, {nullable})"
            : $"reader.Read{scalar.Codec}({path}, {Compact(context)})";
        _source.Line($"value.{field.Name} = {call};");
    }

    private void EmitReadArray(StructSchema body, FieldSchema field)
    {
        var context = field.Versions;
        string path = FieldPath(body, field);
        int least = LeastBytes(field.Type);
        string count = field.IsNullable
            ? $"reader.ReadNullableArrayCount({path}, {Compact(context)}, {least}, {Condition(field.Nullable, context)})"
            : $"reader.ReadArrayCount({path}, {Compact(context)}, {least})";
        using (_source.Block(""))
        {
            _source.Line($"int count = {count};");
            if (field.IsNullable)
                _source.Line($"{CSharpType(field)}? items = count < 0 ? null : new(WireReader.Capacity(count));");
            else
                _source.Line($"var items = new {CSharpType(field)}(WireReader.Capacity(count));");
            string item = field.Type.Scalar is not { } scalar ? $"{field.Type.Struct!.QualifiedName}.Read(ref reader, version)"
                : scalar.HasLength ? $"reader.Read{scalar.Codec}({path}, {Compact(context)})"
                : $"reader.Read{scalar.Codec}({path})";
            _source.Line("for (int i = 0; i < count; i++)");
            _source.Line($"    items{(field.IsNullable ? "!" : "")}.Add({item});");
            _source.Line($"value.{field.Name} = items;");
        }
    }
}
