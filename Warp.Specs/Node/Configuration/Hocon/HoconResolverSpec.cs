using Warp.Node.Configuration;
using Warp.Node.Configuration.Hocon;
using Xunit;

namespace Warp.Specs.Node.Configuration.Hocon;

public sealed class HoconResolverSpec
{
    private static readonly Dictionary<string, string> s_environment = new() { ["HOME"] = "/root", ["a.b"] = "dotted" };

    [Theory]
    [InlineData("a = 1\nb = ${a}", """{"a":"1","b":"1"}""")]
    [InlineData("b = ${a}\na = 1\na = 2", """{"b":"2","a":"2"}""")]
    [InlineData("a.b = x\nc = ${ a.b }/y ${a.b}", """{"a":{"b":"x"},"c":"x/y x"}""")]
    [InlineData("a = ${?none}\nb = 1", """{"b":"1"}""")]
    [InlineData("a = 1\na = ${?none}", """{"a":"1"}""")]
    [InlineData("a = [1, ${?none}, 2]", """{"a":["1","2"]}""")]
    [InlineData("a = x${?none}", """{"a":"x"}""")]
    [InlineData("a = ${HOME}", """{"a":"/root"}""")]
    [InlineData("a = ${?HOME}/data", """{"a":"/root/data"}""")]
    [InlineData("a = ${a.b}", """{"a":"dotted"}""")]
    [InlineData("HOME = here\na = ${HOME}", """{"HOME":"here","a":"here"}""")]
    [InlineData("base { x = 1, y = 2 }\na = ${base} { y = 3 }", """{"base":{"x":"1","y":"2"},"a":{"x":"1","y":"3"}}""")]
    [InlineData("base { x = 1 }\na = ${base}\na { y = 2 }", """{"base":{"x":"1"},"a":{"x":"1","y":"2"}}""")]
    [InlineData("base { x = 1 }\na { y = 2 }\na = ${base}", """{"base":{"x":"1"},"a":{"y":"2","x":"1"}}""")]
    [InlineData("base { x = 1 }\na = ${base}\na { y = ${a.x}2 }\nb = ${a.y}", """{"base":{"x":"1"},"a":{"x":"1","y":"12"},"b":"12"}""")]
    [InlineData("a = [1]\nb = ${a} [2]", """{"a":["1"],"b":["1","2"]}""")]
    // A key's own earlier value.
    [InlineData("path = /bin\npath = ${path}\":/usr/bin\"", """{"path":"/bin:/usr/bin"}""")]
    [InlineData("path = a\npath = ${path}b\npath = ${path}c", """{"path":"abc"}""")]
    [InlineData("a = [1]\na = ${a} [2]\na += 3", """{"a":["1","2","3"]}""")]
    [InlineData("a.b = 1\na { b = ${a.b}2 }", """{"a":{"b":"12"}}""")]
    [InlineData("a = ${?a}x", """{"a":"x"}""")]
    [InlineData("a { x = 1 }\na = ${a} { y = 2 }", """{"a":{"x":"1","y":"2"}}""")]
    public void Substitutions_are_replaced(string hocon, string json) => Assert.Equal(json, HoconText.ToJson(hocon, s_environment));

    [Theory]
    [InlineData("a = ${none}", "test.conf:1:5: the substitution ${none} names neither a key nor an environment variable")]
    [InlineData("a = ${a}", "test.conf:1:5: the substitution ${a} leads back to itself")]
    [InlineData("a = ${b}\nb = ${c}\nc = x${a}", "test.conf:3:6: the substitution ${a} leads back to itself")]
    [InlineData("a { b = ${a} }", "test.conf:1:9: the substitution ${a} leads back to itself")]
    [InlineData("a = ${b.c}\nb = ${a}", "test.conf:2:5: the substitution ${a} leads back to itself")]
    [InlineData("b = {}\na = x ${b}", "test.conf:2:5: a text cannot be joined with an object")]
    [InlineData("b = {}\na = [1] ${b}", "test.conf:2:5: a list cannot be joined with an object")]
    public void What_cannot_be_replaced_is_told(string hocon, string message) =>
        Assert.Equal(message, Assert.Throws<ConfigurationException>(() => HoconText.ToJson(hocon, s_environment)).Message);

    [Fact]
    public void Documents_merge_before_substitutions_are_replaced()
    {
        var below = HoconParser.Parse("zone = a\nname = ${zone}-node\ntags = [x]", "below");
        var above = HoconParser.Parse("zone = b\ntags = ${tags} [y]", "above");
        Assert.Equal(
            """{"zone":"b","name":"b-node","tags":["x","y"]}""",
            HoconText.ToJson(HoconResolver.Resolve(below.MergedWith(above), s_environment)));
    }

    [Fact]
    public void Texts_that_double_each_other_end_early()
    {
        var doubling = string.Join('\n', Enumerable.Range(1, 60).Select(i => $"s{i} = ${{s{i - 1}}}${{s{i - 1}}}"));
        var e = Assert.Throws<ConfigurationException>(() => HoconText.ToJson($"s0 = x\n{doubling}"));
        Assert.Contains("larger than it may be", e.Message);
    }

    [Fact]
    public void Long_chains_end_before_the_stack_does()
    {
        var chain = string.Join('\n', Enumerable.Range(1, 100_000).Select(i => $"s{i} = ${{s{i + 1}}}"));
        Assert.Contains("larger than it may be", Assert.Throws<ConfigurationException>(() => HoconText.ToJson(chain)).Message);
    }

    [Fact]
    public void Many_appends_are_possible() =>
        Assert.Equal(200, HoconText.ToJson(string.Join('\n', Enumerable.Repeat("a += 1", 200))).Count(c => c == '1'));
}
