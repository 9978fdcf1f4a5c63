using Warp.Actors.Groups;
using Xunit;

namespace Warp.Specs.Actors.Groups;

public sealed class TopicPatternSpec
{
    [Theory]
    [InlineData("t", "t", "tt")]
    [InlineData("t|u", "u", "uu")]
    [InlineData("^orders-.*$", "orders-eu", "my-orders-eu")]
    [InlineData("(?i)ORDERS", "orders", "order")]
    [InlineData("(?i:O)rders", "orders", "oRders")]
    [InlineData("(?P<name>a+)b", "aab", "b")]
    [InlineData(@"\Qa.b\E.*", "a.bc", "axbc")]
    [InlineData("[[:alpha:]_]+", "a_b", "a1")]
    [InlineData("[^[:digit:]]+", "ab", "a1")]
    [InlineData("[a[]x", "[x", "bx")]
    [InlineData("[]a]x", "]x", "bx")]
    [InlineData(@"[a-z-\[aeiou]+", "a-b", "a1")]
    [InlineData(@"\x{61}\x62", "ab", "a")]
    [InlineData(@"\pL+", "ab", "a1")]
    [InlineData("a{2,3}", "aaa", "aaaa")]
    [InlineData("a{,3}", "a{,3}", "aa")]
    [InlineData("(?U)a+?b", "aab", "a")]
    [InlineData(@"\d+\.\w*", "12.x", "12x")]
    [InlineData("(((a{10}){10}){10})", null, "a")]
    public void A_pattern_is_for_the_whole_name_in_the_syntax_of_RE2(string text, string? matching, string other)
    {
        Assert.True(TopicPattern.TryParse(text, out TopicPattern? pattern));
        Assert.Equal(text, pattern.Text);
        Assert.True(matching is null || pattern.Matches(matching));
        Assert.False(pattern.Matches(other));
    }

    [Theory]
    [InlineData("(")]
    [InlineData(")")]
    [InlineData("[a")]
    [InlineData("a**")]
    [InlineData("*a")]
    [InlineData("a(?=b)")]
    [InlineData("(?<!a)b")]
    [InlineData("(?>a)b")]
    [InlineData(@"(a)\1")]
    [InlineData(@"\Z")]
    [InlineData(@"\")]
    [InlineData("[[:nothing:]]")]
    [InlineData("(?x)a")]
    [InlineData("(?P<>a)")]
    [InlineData("a{1001}")]
    [InlineData("((a{100}){100}){100}")]
    [InlineData("a{2,1}")]
    [InlineData(@"\p{NoSuchClass}")]
    public void What_is_no_pattern_is_refused(string text) => Assert.False(TopicPattern.TryParse(text, out _));
}
