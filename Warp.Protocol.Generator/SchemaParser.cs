using System;
using System.Collections.Generic;
using System.Globalization;
using System.Linq;

namespace Warp.Protocol.Generator;

/// <summary>
/// Reads the schema notation: one declaration (api, event, struct) after the other, fields nested by two spaces a level, # to the end
/// of the line for comments. A field is <c>Name: type [versions] [null [versions]] [tag N [versions]] [ignorable]
/// [packed [versions]] [= default]</c>.
/// </summary>
internal sealed class SchemaParser
{
    private const int IndentWidth = 2;

    private readonly SchemaFile _file;

    /// <summary>The structs that enclose the current line, by depth; a field at depth n belongs to entry n - 1.</summary>
    private readonly List<StructSchema> _enclosing = [];

    private ApiSchema? _api;
    private MessageSchema? _message;
    private FieldSchema? _lastField;
    private int _lastDepth;
    private int _line;

    private SchemaParser(string path) => _file = new SchemaFile(path);

    /// <exception cref="SchemaException">The text is no schema.</exception>
    public static SchemaFile Parse(string path, string text)
    {
        var parser = new SchemaParser(path);
        foreach (string line in text.Split('\n'))
            parser.ParseLine(line);
        parser.EndApi();
        return parser._file;
    }

    private void ParseLine(string raw)
    {
        _line++;
        string line = StripComment(raw).TrimEnd();
        string content = line.TrimStart(' ');
        if (content.Length == 0)
            return;
        if (content[0] == '\t')
            throw Error("Indent with spaces, not with tabs.");
        int indent = line.Length - content.Length;
        if (indent % IndentWidth != 0)
            throw Error($"Indent by multiples of {IndentWidth} spaces, not by {indent}.");
        int depth = indent / IndentWidth;
        if (depth == 0)
            ParseDeclaration(new Words(this, content));
        else
            ParseField(depth, content);
        _lastDepth = depth;
    }

    private static string StripComment(string line)
    {
        for (int i = 0; i < line.Length; i++)
        {
            if (line[i] == '#' && (i == 0 || line[i - 1] == ' '))
                return line.Substring(0, i);
        }
        return line.TrimEnd('\r');
    }

    private void ParseDeclaration(Words words)
    {
        string keyword = words.Next("a declaration");
        switch (keyword)
        {
            case "namespace":
                _file.Namespace = words.Next("a namespace");
                break;
            case "api":
                EndApi();
                short key = (short)words.NextNumber("an API key", short.MaxValue);
                _api = new ApiSchema(key, words.NextName("an API name"), words.NextVersions("versions"), words.NextFlexible());
                _file.Apis.Add(_api);
                break;
            case "request":
                Api(keyword).Request = BeginApiMessage(MessageKind.Request, "Request");
                break;
            case "response":
                Api(keyword).Response = BeginApiMessage(MessageKind.Response, "Response");
                break;
            case "event":
                EndApi();
                int kind = words.NextNumber("an event kind", ushort.MaxValue);
                BeginMessage(MessageKind.Event, words.NextName("an event name"), words.NextVersions("versions"), 0).Number = kind;
                _file.Messages.Add(_message!);
                break;
            case "struct":
                EndApi();
                BeginMessage(MessageKind.Struct, words.NextName("a struct name"), words.NextVersions("versions"), 0);
                _file.Messages.Add(_message!);
                break;
            default:
                throw Error($"'{keyword}' is none of namespace, api, request, response, event, struct.");
        }
        words.End();
    }

    private ApiSchema Api(string keyword) => _api ?? throw Error($"'{keyword}' must follow an api line.");

    private void EndApi()
    {
        if (_api is { } api && (api.Request is null || api.Response is null))
            throw Error($"The api {api.Name} lacks its {(api.Request is null ? "request" : "response")}.");
        _api = null;
        _message = null;
    }

    private MessageSchema BeginApiMessage(MessageKind kind, string suffix)
    {
        if ((kind == MessageKind.Request ? _api!.Request : _api!.Response) is not null)
            throw Error($"The api {_api.Name} has its {suffix.ToLowerInvariant()} twice.");
        var message = BeginMessage(kind, _api.Name + suffix, _api.Versions, _api.FirstFlexible);
        message.Number = _api.Key;
        message.ApiName = _api.Name;
        return message;
    }

    private MessageSchema BeginMessage(MessageKind kind, string name, VersionRange versions, int firstFlexible)
    {
        if (kind is MessageKind.Event or MessageKind.Struct && versions.Low != 0)
            throw Error("Events and structs are of versions 0 and up: what was written once stays readable.");
        var body = new StructSchema(name, versions, _line);
        _message = new MessageSchema(kind, _file, body, firstFlexible);
        _enclosing.Clear();
        _enclosing.Add(body);
        _lastField = null;
        return _message;
    }

    private void ParseField(int depth, string content)
    {
        var message = _message ?? throw Error("A field must stand in a request, response, event or struct.");
        if (depth > _lastDepth + 1)
            throw Error("The line is indented deeper than a field of the line above.");
        if (depth > _lastDepth && depth > 1)
            _enclosing.Add(BeginNested(message, _lastField!));
        _enclosing.RemoveRange(depth, _enclosing.Count - depth);

        int colon = content.IndexOf(": ", StringComparison.Ordinal);
        if (colon < 0)
            throw Error("A field is 'Name: type ...'.");
        var words = new Words(this, content.Substring(colon + 2));
        string name = CheckName(content.Substring(0, colon));
        string type = words.Next("a type");
        bool isArray = type.StartsWith("[]", StringComparison.Ordinal);
        var field = new FieldSchema(name, new FieldType(isArray ? type.Substring(2) : type, isArray), _line);
        if (words.TryNextVersions(out var versions))
            field.Versions = versions;
        ParseAttributes(field, words);
        var owner = _enclosing[depth - 1];
        if (owner.Fields.Any(other => other.Name == name))
            throw Error($"{owner.Name} has two fields {name}.");
        owner.Fields.Add(field);
        _lastField = field;
    }

    private void ParseAttributes(FieldSchema field, Words words)
    {
        while (words.TryNext() is { } word)
        {
            switch (word)
            {
                case "null":
                    field.Nullable = words.TryNextVersions(out var nullable) ? nullable : VersionRange.All;
                    break;
                case "tag":
                    field.Tag = words.NextNumber("a tag", int.MaxValue);
                    field.TagVersions = words.TryNextVersions(out var tagged) ? tagged : VersionRange.All;
                    break;
                case "ignorable":
                    field.Ignorable = true;
                    break;
                case "packed":
                    field.PackedVersions = words.TryNextVersions(out var packed) ? packed : VersionRange.All;
                    break;
                case "=":
                    field.Default = words.Next("a default");
                    break;
                default:
                    throw Error($"'{word}' is none of null, tag, ignorable, packed, =.");
            }
        }
    }

    private StructSchema BeginNested(MessageSchema message, FieldSchema field)
    {
        if (field.Type.Scalar is not null)
            throw Error($"{field.Name} is no struct, so it has no fields.");
        if (message.Nested.Any(other => other.Name == field.Type.Name))
            throw Error($"{message.Body.Name} describes the struct {field.Type.Name} twice.");
        var nested = new StructSchema(field.Type.Name, VersionRange.None, field.Line)
        {
            QualifiedName = message.Body.Name + "." + field.Type.Name,
        };
        message.Nested.Add(nested);
        return nested;
    }

    private string CheckName(string name)
    {
        bool valid = name.Length > 0 && name[0] is >= 'A' and <= 'Z'
            && name.All(c => c is (>= 'A' and <= 'Z') or (>= 'a' and <= 'z') or (>= '0' and <= '9'));
        if (!valid)
            throw Error($"'{name}' is no name: letters and digits, the first one upper case.");
        return name;
    }

    private SchemaException Error(string message) => new(_file.Path, _line, message);

    /// <summary>The words of a line, one after the other.</summary>
    private sealed class Words(SchemaParser parser, string text)
    {
        private readonly string[] _words = text.Split([' '], StringSplitOptions.RemoveEmptyEntries);
        private int _next;

        public string? TryNext() => _next < _words.Length ? _words[_next++] : null;

        public string Next(string what) => TryNext() ?? throw parser.Error($"The line ends where {what} should stand.");

        public string NextName(string what) => parser.CheckName(Next(what));

        public int NextNumber(string what, int max)
        {
            string word = Next(what);
            return int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out int number) && number <= max
                ? number
                : throw parser.Error($"'{word}' is not {what} (0 to {max}).");
        }

        public VersionRange NextVersions(string keyword)
        {
            Expect(keyword);
            if (TryNextVersions(out var versions))
                return versions.High < VersionRange.All.High ? versions : throw parser.Error("A declaration names its last version.");
            throw parser.Error("The declaration lacks its range of versions.");
        }

        public int NextFlexible()
        {
            Expect("flexible");
            if (_next < _words.Length && _words[_next] == "none")
            {
                _next++;
                return VersionRange.Never;
            }
            return NextNumber("the first flexible version", short.MaxValue);
        }

        /// <summary>Takes "3", "3+" or "3-7" if that is what comes next.</summary>
        public bool TryNextVersions(out VersionRange versions)
        {
            versions = default;
            if (_next == _words.Length || _words[_next][0] is < '0' or > '9')
                return false;
            string word = _words[_next++];
            string[] ends = word.TrimEnd('+').Split('-');
            if (ends.Length > 2 || !TryVersion(ends[0], out int low) || !TryVersion(ends[ends.Length - 1], out int high))
                throw parser.Error($"'{word}' is no range of versions such as 3, 3+ or 3-7.");
            if (low > high)
                throw parser.Error($"The range of versions '{word}' is empty.");
            versions = new VersionRange(low, word.EndsWith("+", StringComparison.Ordinal) ? VersionRange.All.High : high);
            return true;
        }

        public void End()
        {
            if (TryNext() is { } word)
                throw parser.Error($"'{word}' is one word too many.");
        }

        private void Expect(string keyword)
        {
            if (Next($"'{keyword}'") != keyword)
                throw parser.Error($"'{keyword}' should stand where '{_words[_next - 1]}' does.");
        }

        private static bool TryVersion(string text, out int version) =>
            int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out version) && version < VersionRange.All.High;
    }
}
