using System.Linq;

namespace Warp.Protocol.Generator;

internal sealed partial class CodecEmitter
{
    private void EmitWrite(StructSchema body)
    {
        if (body == _message.Body)
        {
            _source.Line("/// <summary>Writes one version. The writer's frame takes over the record sets of the message.</summary>");
            if (_message.Kind != MessageKind.Response)
                _source.Line("/// <exception cref=\"NotSupportedException\">A field's value has no place in the version.</exception>");
        }
        using (_source.Block("public void Write(WireWriter writer, short version)"))
        {
            if (body == _message.Body)
                EmitVersionCheck();
            foreach (var field in body.Fields)
                EmitWriteUntagged(body, field);
            EmitWriteTags(body);
        }
    }

    private void EmitWriteUntagged(StructSchema body, FieldSchema field)
    {
        var context = body.Versions;
        string present = Condition(field.Versions, context);
        string condition = present;
        if (!field.TagVersions.IsEmpty)
            condition = field.TagVersions.Covers(field.Versions) ? "false" : And(present, $"!({Condition(field.TagVersions, context)})");
        if (condition != "false")
        {
            using (_source.BlockIf(condition))
                EmitWriteField(body, field);
        }
        // Responses leave out what an old client has no place for; a request that lost a field would ask for something else.
        if (present != "true" && !field.Ignorable && _message.Kind != MessageKind.Response)
        {
            _source.Line($"if (!({present}) && ({NotDefault(field)}))");
            _source.Line($"    throw WireWriter.NotInVersion({FieldPath(body, field)}, version);");
        }
    }

    private void EmitWriteTags(StructSchema body)
    {
        var context = body.Versions;
        string flexible = Compact(context);
        if (flexible == "false")
            return;
        using (_source.BlockIf(flexible))
        {
            var tagged = body.Fields.Where(field => field.Tag is not null).OrderBy(field => field.Tag).ToList();
            foreach (var field in tagged)
            {
                string condition = And(Condition(field.TagVersions, Flexible.And(context)), $"({NotDefault(field)})");
                _source.Line($"bool has{field.Name} = {condition};");
            }
            string count = tagged.Count == 0 ? "0" : string.Join(" + ", tagged.Select(field => $"(has{field.Name} ? 1u : 0u)"));
            _source.Line($"writer.WriteUvarint({count});");
            foreach (var field in tagged)
            {
                using (_source.Block($"if (has{field.Name})"))
                {
                    _source.Line($"int start = writer.BeginTag({field.Tag});");
                    EmitWriteField(body, field);
                    _source.Line("writer.EndTag(start);");
                }
            }
        }
    }

    private void EmitWriteField(StructSchema body, FieldSchema field)
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
                    _source.Line($"{ElementType(field.Type)}.WritePacked(writer, {field.Name}, this{which});");
            }
            if (packed != "true")
            {
                using (_source.BlockIf(packed == "false" ? "true" : $"!({packed})"))
                    EmitWriteArray(body, field);
            }
            return;
        }
        if (field.Type.Struct is not null)
        {
            if (!field.IsNullable)
            {
                _source.Line($"{field.Name}.Write(writer, version);");
                return;
            }
            _source.Line($"writer.WritePresence({field.Name} is not null, {nullable}, {path});");
            _source.Line($"{field.Name}?.Write(writer, version);");
            return;
        }
        var scalar = field.Type.Scalar!;
        if (!scalar.HasLength)
            _source.Line($"writer.Write{scalar.Codec}({field.Name});");
        else if (scalar.IsRecords && _message.Kind == MessageKind.Response)
            _source.Line($"writer.WriteRecords({field.Name}, {Compact(context)});");
        else if (field.IsNullable)
            _source.Line($"writer.WriteNullable{scalar.Codec}({field.Name}, {Compact(context)}, {nullable}, {path});");
        else
            _source.Line($"writer.Write{scalar.Codec}({field.Name}, {Compact(context)});");
    }

    private void EmitWriteArray(StructSchema body, FieldSchema field)
    {
        var context = field.Versions;
        string compact = Compact(context);
        string list = IsLazy(field) ? BackingField(field) : field.Name;
        string nullable = Condition(field.Nullable, context);
        if (field.IsNullable)
            _source.Line($"writer.WriteNullableArrayCount({list}?.Count, {compact}, {nullable}, {FieldPath(body, field)});");
        else
            _source.Line($"writer.WriteArrayCount({list}?.Count ?? 0, {compact});");
        string item = field.Type.Scalar is not { } scalar ? "item.Write(writer, version);"
            : scalar.HasLength ? $"writer.Write{scalar.Codec}(item, {compact});"
            : $"writer.Write{scalar.Codec}(item);";
        using (_source.Block($"if ({list} is not null)"))
        {
            _source.Line($"foreach (var item in {list})");
            _source.Line("    " + item);
        }
    }
}
