using Warp.Node.Configuration;
using Warp.Node.Configuration.Hocon;
using Xunit;

namespace Warp.Specs.Node.Configuration.Hocon;

public sealed class HoconParserSpec
{
    [Theory]
    // Documents.
    [InlineData("", "{}")]
    [InlineData("{}", "{}")]
    [InlineData("\uFEFFa = 1", """{"a":"1"}""")]
    [InlineData("\n\n { a : 1 } \n", """{"a":"1"}""")]
    [InlineData("a = 1\r\nb = 2\r\n", """{"a":"1","b":"2"}""")]
    // Comments.
    [InlineData("# one\na = 1 # two\n// three\nb = 2 // four", """{"a":"1","b":"2"}""")]
    [InlineData("a = x//y", """{"a":"x"}""")]
    [InlineData("a = x/y", """{"a":"x/y"}""")]
    [InlineData("a = \"x # y // z\"", """{"a":"x # y // z"}""")]
    // Separators.
    [InlineData("a = 1, b : 2\nc { d = 3, }", """{"a":"1","b":"2","c":{"d":"3"}}""")]
    [InlineData("a =\n  1", """{"a":"1"}""")]
    // Keys.
    [InlineData("a.b.c = 1\na.b.d = 2", """{"a":{"b":{"c":"1","d":"2"}}}""")]
    [InlineData("a.\"b.c\".d = 1", """{"a":{"b.c":{"d":"1"}}}""")]
    [InlineData("a.b { c = 1 }", """{"a":{"b":{"c":"1"}}}""")]
    [InlineData("puts-per-second = 1\n10.5 = x", """{"puts-per-second":"1","10":{"5":"x"}}""")]
    [InlineData("include = 1\ninclude.x = 2", """{"include":{"x":"2"}}""")]
    [InlineData("\"\" = 1", """{"":"1"}""")]
    // Strings.
    [InlineData("a = two words", """{"a":"two words"}""")]
    [InlineData("a =   10 s   ", """{"a":"10 s"}""")]
    [InlineData("a = null\nb = \"null\"\nc = true", """{"a":null,"b":"null","c":"true"}""")]
    [InlineData("""a = "q\"\\\/\n\tA" """, """{"a":"q\u0022\\/\n\tA"}""")]
    [InlineData("a = \"\"\"x\n\"y\" \\n\"\"\"", """{"a":"x\n\u0022y\u0022 \\n"}""")]
    [InlineData("a = \"\"\"x\"\"\"\"\"", """{"a":"x\u0022\u0022"}""")]
    [InlineData("a = \"\"\"\"\"\"\nb = \"\"", """{"a":"","b":""}""")]
    [InlineData("a = x \"y  z\" 1", """{"a":"x y  z 1"}""")]
    // Lists.
    [InlineData("a = []", """{"a":[]}""")]
    [InlineData("a = [1, 2,\n3\n4,]", """{"a":["1","2","3","4"]}""")]
    [InlineData("a = [\n  # one\n  {b = 1}\n  [2]\n]", """{"a":[{"b":"1"},["2"]]}""")]
    [InlineData("a = [1] [2]", """{"a":["1","2"]}""")]
    // Repeated keys.
    [InlineData("a = 1\na = 2", """{"a":"2"}""")]
    [InlineData("a { b = 1, c = 2 }\na { b = 3, d = 4 }", """{"a":{"b":"3","c":"2","d":"4"}}""")]
    [InlineData("a { b = 1 }\na = 2\na { c = 3 }", """{"a":{"c":"3"}}""")]
    [InlineData("a = {b = 1} {c = 2}", """{"a":{"b":"1","c":"2"}}""")]
    [InlineData("a += 1\na += 2", """{"a":["1","2"]}""")]
    [InlineData("a = [1]\na += [2]", """{"a":["1",["2"]]}""")]
    public void A_text_means(string hocon, string json) => Assert.Equal(json, HoconText.ToJson(hocon));

    [Theory]
    [InlineData("a = 1\nb", "test.conf:2:2: expected =, : or { after the key b, found the end of the file")]
    [InlineData("a b = 1", "test.conf:1:3: expected =, : or { after the key a, found b")]
    [InlineData("a =\n", "test.conf:2:1: expected a value, found the end of the file")]
    [InlineData("a = , b = 1", "test.conf:1:5: expected a value, found ,")]
    [InlineData(", a = 1", "test.conf:1:1: expected a key or the end of the file, found ,")]
    [InlineData("a = 1,, b = 2", "test.conf:1:7: expected a key or the end of the file, found ,")]
    [InlineData("a {\n  b = 1\n", "test.conf:3:1: expected a key or the } of the { in line 1, found the end of the file")]
    [InlineData("a { b = 1 ]", "test.conf:1:11: expected a key or the } of the { in line 1, found ]")]
    [InlineData("a = 1\n}", "test.conf:2:1: expected a key or the end of the file, found }")]
    [InlineData("{ a = 1 } b = 2", "test.conf:1:11: expected the end of the file, found b")]
    [InlineData("[1]", "test.conf:1:1: expected a key or the end of the file, found [")]
    [InlineData("a = [1, 2", "test.conf:1:10: expected a value, found the end of the file")]
    [InlineData("a = [1,, 2]", "test.conf:1:8: expected a value, found ,")]
    [InlineData("a = [\n  1}", "test.conf:2:4: expected a value, found }")]
    [InlineData("listen = 0.0.0.0:9092", "test.conf:1:17: a value that holds : must stand in quotes")]
    [InlineData("a = 1 b = 2", "test.conf:1:9: a value that holds = must stand in quotes")]
    [InlineData("a = x@y", "test.conf:1:6: the character @ must stand in quotes")]
    [InlineData("a = $x", "test.conf:1:5: the character $ must stand in quotes")]
    [InlineData("a = \"x\nb = 1", "test.conf:1:5: the quoted text has no closing quote on its line")]
    [InlineData("a = \"\"\"x\n\n", "test.conf:1:5: the text in triple quotes never ends")]
    [InlineData("\n  a = \"x\\y\"", "test.conf:2:9: a backslash in quotes must begin one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX")]
    [InlineData("a = \"\\u12\"", "test.conf:1:6: a backslash in quotes must begin one of \\\" \\\\ \\/ \\b \\f \\n \\r \\t \\uXXXX")]
    [InlineData("a..b = 1", "test.conf:1:1: a name is missing before or after a dot of this key")]
    [InlineData("a. = 1", "test.conf:1:1: a name is missing before or after a dot of this key")]
    [InlineData("a = ${}", "test.conf:1:5: a substitution names no key")]
    [InlineData("a = ${b", "test.conf:1:8: expected the } of the substitution ${b, found the end of the file")]
    [InlineData("include url(\"x\")", "test.conf:1:1: an include names a file: include \"x.conf\", include file(\"x.conf\") or include required(\"x.conf\")")]
    [InlineData("include required(\"x\"", "test.conf:1:21: expected ) after the file's name, found the end of the file")]
    [InlineData("\"\"\"a\nb\"\"\" = x ?", "test.conf:2:10: the character ? must stand in quotes")]
    public void A_mistake_is_told_with_line_and_column(string hocon, string message)
    {
        var e = Assert.Throws<ConfigurationException>(() => HoconParser.Parse(hocon, "test.conf"));
        Assert.Equal(message, e.Message);
        Assert.StartsWith(e.Problems[0].Origin!.Position, message);
    }

    [Fact]
    public void Values_know_where_they_were_written()
    {
        var root = HoconParser.Parse("a {\n  b = 1\n  c = [x,\n    y]\n}", "dir/x.conf");
        var a = Assert.IsType<HoconObject>(root.Fields["a"]);
        var c = Assert.IsType<HoconArray>(a.Fields["c"]);
        Assert.Equal(new ConfigurationOrigin("dir/x.conf", 2, 7), a.Fields["b"].Origin);
        Assert.Equal("dir/x.conf:3", c.Origin.ToString());
        Assert.Equal("dir/x.conf:4:5", c.Items[1].Origin.Position);
    }

    [Theory]
    [InlineData("[", "]")]
    [InlineData("{a:", "}")]
    [InlineData("[{a:", "}]")]
    public void Deep_nesting_is_refused_before_the_stack_ends(string open, string close)
    {
        var hocon = $"a = {string.Concat(Enumerable.Repeat(open, 100_000))}1{string.Concat(Enumerable.Repeat(close, 100_000))}";
        Assert.Contains("values nest deeper than 64 levels", Assert.Throws<ConfigurationException>(() => HoconParser.Parse(hocon, "x")).Message);
    }

    [Fact]
    public void Long_keys_count_as_nesting()
    {
        HoconParser.Parse($"{string.Join('.', Enumerable.Repeat("a", 64))} = 1", "x");
        Assert.Throws<ConfigurationException>(() => HoconParser.Parse($"{string.Join('.', Enumerable.Repeat("a", 65))} = 1", "x"));
    }

    [Fact]
    public void Random_text_is_read_or_refused_and_nothing_else()
    {
        var seed = int.TryParse(Environment.GetEnvironmentVariable("WARP_SEED"), out var given) ? given : Random.Shared.Next();
        TestContext.Current.TestOutputHelper!.WriteLine($"WARP_SEED={seed}");
        var random = new Random(seed);
        string[] pieces = ["a", "b.c", ".", "\"", "\"\"\"", "{", "}", "[", "]", "=", ":", "+=", ",", "\n", " ", "${", "${?", "a}", "include ", "#", "//", "\\"];
        for (var i = 0; i < 20_000; i++)
        {
            var text = string.Concat(Enumerable.Range(0, random.Next(20)).Select(_ => pieces[random.Next(pieces.Length)]));
            try
            {
                HoconText.ToJson(text);
            }
            catch (ConfigurationException e)
            {
                Assert.StartsWith("test.conf:", e.Message);
            }
        }
    }
}
