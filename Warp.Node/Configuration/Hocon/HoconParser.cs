namespace Warp.Node.Configuration.Hocon;

/// <summary>
/// Reads HOCON (Human-Optimized Config Object Notation, the format of Akka's and Lightbend's configuration files) into a tree
/// whose substitutions are still open: several trees are merged first, then <see cref="HoconResolver"/> closes them.
/// A key with white space in it must stand in quotes, since it is more often a slip than a wish. Files are included from the file system only (<c>url(…)</c> and <c>classpath(…)</c> are refused).
/// Not thread-safe; one instance reads one text.
/// </summary>
public sealed class HoconParser
{
    /// <summary>How deep objects, arrays and dotted keys may nest; keeps a broken or hostile file from exhausting the stack.</summary>
    public const int MaxDepth = 64;

    /// <summary>How many files may include each other in a row; a file that includes itself ends here.</summary>
    public const int MaxIncludes = 16;

    private readonly HoconLexer _lexer;
    private readonly string? _folder;
    private readonly int _includes;
    private readonly HoconPath _includedAt;
    private HoconToken _token;

    private HoconParser(string text, string source, string? folder, int includes, HoconPath includedAt)
    {
        _lexer = new HoconLexer(text, source);
        _folder = folder;
        _includes = includes;
        _includedAt = includedAt;
        _token = _lexer.Next();
    }

    /// <summary>Reads a text that has no folder of its own: its includes are relative to the working directory.</summary>
    /// <param name="text">The document.</param>
    /// <param name="source">What errors and origins call it.</param>
    /// <exception cref="ConfigurationException">A syntax error, with its line and column.</exception>
    public static HoconObject Parse(string text, string source) => new HoconParser(text, source, null, 0, HoconPath.Root).Document();

    /// <summary>Reads a file and what it includes.</summary>
    /// <exception cref="ConfigurationException">A file that cannot be read, or a syntax error, with its line and column.</exception>
    public static HoconObject ParseFile(string path)
    {
        try
        {
            return ParseFile(path, 0, HoconPath.Root);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw new ConfigurationException($"cannot read {path}: {WhyUnreadable(e)}");
        }
    }

    private static HoconObject ParseFile(string path, int includes, HoconPath includedAt) =>
        new HoconParser(File.ReadAllText(path), path, Path.GetDirectoryName(path), includes, includedAt).Document();

    private static string WhyUnreadable(Exception e) => e switch
    {
        FileNotFoundException or DirectoryNotFoundException => "there is no such file",
        ArgumentException => "that is no name of a file",
        UnauthorizedAccessException => "it is a folder, or reading it is not permitted",
        _ => e.Message,
    };

    private HoconObject Document()
    {
        SkipNewLines();
        var hasBraces = _token.Kind == HoconTokenKind.OpenBrace;
        var root = hasBraces ? Object(HoconPath.Root, 0) : new HoconObject(_token.Origin);
        if (!hasBraces)
            Fields(root, HoconPath.Root, 0);
        SkipNewLines();
        if (_token.Kind != HoconTokenKind.End)
            throw Unexpected(hasBraces ? "the end of the file" : "a key or the end of the file");
        return root;
    }

    private HoconObject Object(HoconPath path, int depth)
    {
        var result = new HoconObject(_token.Origin);
        CheckDepth(depth);
        Advance();
        Fields(result, path, depth);
        if (_token.Kind != HoconTokenKind.CloseBrace)
            throw Unexpected($"a key or the }} of the {{ in line {result.Origin.Line}");
        Advance();
        return result;
    }

    private void Fields(HoconObject target, HoconPath path, int depth)
    {
        SkipNewLines();
        while (_token.Kind is HoconTokenKind.Quoted or HoconTokenKind.Unquoted)
        {
            Field(target, path, depth);
            SkipSeparator("a comma, a new line or }");
        }
    }

    private void Field(HoconObject target, HoconPath path, int depth)
    {
        var origin = _token.Origin;
        var mayInclude = _token is { Kind: HoconTokenKind.Unquoted, Text: "include" };
        if (mayInclude)
        {
            Advance();
            SkipSpaces();
            if (_token.Kind == HoconTokenKind.Quoted || (_token.Kind == HoconTokenKind.Unquoted && _token.Text.Contains('(')))
            {
                Include(target, path, origin);
                return;
            }
        }
        var key = Key(mayInclude ? "include" : null);
        depth += key.Names.Count;
        CheckDepth(depth);
        var value = AssignedValue(key, path.Then(key), depth);
        target.PutAt(key, value, origin);
    }

    private HoconValue AssignedValue(HoconPath key, HoconPath path, int depth)
    {
        SkipSpaces();
        var operation = _token;
        switch (operation.Kind)
        {
            case HoconTokenKind.OpenBrace:
                return Value(path, depth);
            case HoconTokenKind.Assign:
                Advance();
                SkipNewLines();
                return Value(path, depth);
            case HoconTokenKind.Append:
                Advance();
                SkipNewLines();
                var item = Value(path, depth);
                var earlier = new HoconSubstitution(path, _includedAt, isOptional: true, operation.Origin);
                return new HoconConcatenation([earlier, new HoconArray([item], item.Origin)], operation.Origin);
            default:
                throw Unexpected($"=, : or {{ after the key {key}");
        }
    }

    /// <summary>A key or the inside of a substitution: names apart by dots, each in quotes or not.</summary>
    private HoconPath Key(string? begun = null)
    {
        var origin = _token.Origin;
        var names = new List<string>();
        for (; _token.Kind is HoconTokenKind.Quoted or HoconTokenKind.Unquoted; Advance())
        {
            var pieces = _token.Kind == HoconTokenKind.Quoted ? [_token.Text] : _token.Text.Split('.');
            for (var i = 0; i < pieces.Length; i++)
            {
                if (i > 0)
                    EndName();
                if (pieces[i].Length > 0 || _token.Kind == HoconTokenKind.Quoted)
                    begun += pieces[i];
            }
        }
        EndName();
        return new HoconPath(names);

        void EndName()
        {
            names.Add(begun ?? throw Error(origin, "a name is missing before or after a dot of this key"));
            begun = null;
        }
    }

    private HoconValue Value(HoconPath path, int depth)
    {
        var parts = new List<HoconValue>();
        for (; ; )
        {
            var origin = _token.Origin;
            switch (_token.Kind)
            {
                case HoconTokenKind.Quoted:
                case HoconTokenKind.Unquoted:
                case HoconTokenKind.Space:
                    parts.Add(new HoconScalar(_token.Text, _token.Kind == HoconTokenKind.Quoted, origin));
                    Advance();
                    break;
                case HoconTokenKind.OpenBrace:
                    parts.Add(Object(path, depth + 1));
                    break;
                case HoconTokenKind.OpenBracket:
                    parts.Add(Array(path, depth + 1));
                    break;
                case HoconTokenKind.OpenSubstitution:
                    parts.Add(Substitution());
                    break;
                case HoconTokenKind.Assign or HoconTokenKind.Append when parts.Count > 0:
                    throw Error(origin, $"a value that holds {_token.Text} must stand in quotes");
                default:
                    return Joined(parts);
            }
        }
    }

    private HoconValue Joined(List<HoconValue> parts)
    {
        while (parts.Count > 0 && parts[^1] is HoconScalar { IsSpace: true })
            parts.RemoveAt(parts.Count - 1);
        while (parts.Count > 0 && parts[0] is HoconScalar { IsSpace: true })
            parts.RemoveAt(0);
        return parts.Count switch
        {
            0 => throw Unexpected("a value"),
            1 => parts[0],
            _ when parts.TrueForAll(part => part is HoconScalar) =>
                new HoconScalar(
                    string.Concat(parts.Select(part => ((HoconScalar)part).Text)),
                    parts.Exists(part => part is HoconScalar { IsQuoted: true }),
                    parts[0].Origin),
            _ => new HoconConcatenation(parts, parts[0].Origin),
        };
    }

    private HoconArray Array(HoconPath path, int depth)
    {
        var origin = _token.Origin;
        CheckDepth(depth);
        Advance();
        SkipNewLines();
        var items = new List<HoconValue>();
        while (_token.Kind != HoconTokenKind.CloseBracket)
        {
            items.Add(Value(path, depth));
            SkipSeparator($"a comma, a new line or the ] of the [ in line {origin.Line}");
        }
        Advance();
        return new HoconArray(items, origin);
    }

    private HoconSubstitution Substitution()
    {
        var open = _token;
        Advance();
        SkipSpaces();
        if (_token.Kind == HoconTokenKind.CloseBrace)
            throw Error(open.Origin, "a substitution names no key");
        var path = Key();
        SkipSpaces();
        if (_token.Kind != HoconTokenKind.CloseBrace)
            throw Unexpected($"the }} of the substitution ${{{path}");
        Advance();
        return new HoconSubstitution(path, _includedAt, open.Text.EndsWith('?'), open.Origin);
    }

    /// <summary>The rest of <c>include "x"</c>, <c>include file("x")</c>, <c>include required("x")</c> or <c>include required(file("x"))</c>.</summary>
    private void Include(HoconObject target, HoconPath path, ConfigurationOrigin origin)
    {
        var form = Words(stopAfter: int.MaxValue);
        if (form is not ("" or "file(" or "required(" or "required(file("))
            throw Error(origin, "an include names a file: include \"x.conf\", include file(\"x.conf\") or include required(\"x.conf\")");
        var name = _token.Kind == HoconTokenKind.Quoted ? _token.Text : throw Unexpected("the file's name in quotes");
        Advance();
        var closing = new string(')', form.Count(c => c == '('));
        if (Words(stopAfter: closing.Length) != closing)
            throw Unexpected($"{closing} after the file's name");
        if (_includes == MaxIncludes)
            throw Error(origin, $"more than {MaxIncludes} files include each other; does a file include itself?");
        try
        {
            var included = ParseFile(Path.Combine(_folder ?? "", name), _includes + 1, _includedAt.Then(path));
            foreach (var (field, value) in included.Fields)
                target.Put(field, value);
        }
        catch (Exception e) when (e is FileNotFoundException or DirectoryNotFoundException && !form.StartsWith("required", StringComparison.Ordinal))
        {
            // An include that is not required may be absent: that is HOCON's rule.
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException or ArgumentException)
        {
            throw Error(origin, $"cannot include {name}: {WhyUnreadable(e)}");
        }
    }

    /// <summary>Unquoted words joined, white space left out, until there are enough characters.</summary>
    private string Words(int stopAfter)
    {
        var words = "";
        for (SkipSpaces(); _token.Kind == HoconTokenKind.Unquoted && words.Length < stopAfter; SkipSpaces())
        {
            words += _token.Text;
            Advance();
        }
        return words;
    }

    private void Advance() => _token = _lexer.Next();

    private void SkipSpaces()
    {
        while (_token.Kind == HoconTokenKind.Space)
            Advance();
    }

    private void SkipNewLines()
    {
        while (_token.Kind is HoconTokenKind.Space or HoconTokenKind.NewLine)
            Advance();
    }

    /// <summary>Between two fields or items: new lines, at most one comma, new lines; or nothing before the closing bracket.</summary>
    private void SkipSeparator(string expected)
    {
        SkipSpaces();
        var hasNewLine = _token.Kind == HoconTokenKind.NewLine;
        SkipNewLines();
        if (_token.Kind == HoconTokenKind.Comma)
        {
            Advance();
            SkipNewLines();
        }
        else if (_token.Kind is not (HoconTokenKind.CloseBrace or HoconTokenKind.CloseBracket or HoconTokenKind.End) && !hasNewLine)
        {
            throw Unexpected(expected);
        }
    }

    private void CheckDepth(int depth)
    {
        if (depth > MaxDepth)
            throw Error(_token.Origin, $"values nest deeper than {MaxDepth} levels");
    }

    private static ConfigurationException Error(ConfigurationOrigin origin, string sentence) =>
        new(ConfigurationProblem.InSyntax(origin, sentence));

    private ConfigurationException Unexpected(string expected) => Error(_token.Origin, $"expected {expected}, found {_token.Text}");
}
