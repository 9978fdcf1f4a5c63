using Warp.Node.Configuration;
using Warp.Node.Configuration.Hocon;
using Xunit;

namespace Warp.Specs.Node.Configuration.Hocon;

public sealed class HoconIncludeSpec : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("include \"sub/b.conf\"")]
    [InlineData("include file(\"sub/b.conf\")")]
    [InlineData("include required(\"sub/b.conf\")")]
    [InlineData("include required( file( \"sub/b.conf\" ) )")]
    public void A_file_is_found_beside_the_one_that_includes_it(string include)
    {
        _folder.Write("sub/b.conf", "b = 1\ninclude \"c.conf\"");
        _folder.Write("sub/c.conf", "c = 2");
        Assert.Equal("""{"a":"0","b":"1","c":"2","d":"3"}""", Read($"a = 0\nb = 0\n{include}\nd = 3"));
    }

    [Fact]
    public void Later_fields_override_included_ones()
    {
        _folder.Write("b.conf", "x = 1\ny = 1");
        Assert.Equal("""{"x":"1","y":"2"}""", Read("x = 0, include \"b.conf\"\ny = 2"));
    }

    [Fact]
    public void A_substitution_in_an_included_file_looks_below_the_include_first()
    {
        _folder.Write("b.conf", "x = 1\ny = ${x}\nz = ${top}\nl += 2");
        Assert.Equal("""{"top":"t","x":"0","s":{"l":["1","2"],"x":"1","y":"1","z":"t"}}""", Read("top = t\nx = 0\ns { l = [1]\ninclude \"b.conf\" }"));
    }

    [Fact]
    public void An_absent_file_is_an_error_only_if_it_is_required()
    {
        Assert.Equal("{}", Read("include \"none.conf\""));
        var e = Assert.Throws<ConfigurationException>(() => Read("\ninclude required(\"none.conf\")"));
        Assert.EndsWith("a.conf:2:1: cannot include none.conf: there is no such file", e.Message);
    }

    [Fact]
    public void A_name_that_no_file_can_have_is_refused() =>
        Assert.EndsWith("that is no name of a file", Assert.Throws<ConfigurationException>(() => Read("include \"a\\u0000b\"")).Message);

    [Fact]
    public void A_file_that_includes_itself_is_refused() =>
        Assert.Contains("does a file include itself?", Assert.Throws<ConfigurationException>(() => Read("include \"a.conf\"")).Message);

    [Fact]
    public void A_mistake_in_an_included_file_names_that_file()
    {
        _folder.Write("b.conf", "\nx = ]");
        Assert.EndsWith("b.conf:2:5: expected a value, found ]", Assert.Throws<ConfigurationException>(() => Read("include \"b.conf\"")).Message);
    }

    [Fact]
    public void A_file_that_is_not_there_is_named()
    {
        var e = Assert.Throws<ConfigurationException>(() => HoconParser.ParseFile("/no/such/file.conf"));
        Assert.Equal("cannot read /no/such/file.conf: there is no such file", e.Message);
    }

    private string Read(string text) =>
        HoconText.ToJson(HoconResolver.Resolve(HoconParser.ParseFile(_folder.Write("a.conf", text)), new Dictionary<string, string>()));
}
