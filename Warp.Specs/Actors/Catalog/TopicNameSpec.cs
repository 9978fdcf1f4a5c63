using Warp.Actors.Catalog;
using Xunit;

namespace Warp.Specs.Actors.Catalog;

public sealed class TopicNameSpec
{
    [Theory]
    [InlineData("orders")]
    [InlineData("a")]
    [InlineData("...")]
    [InlineData(".hidden")]
    [InlineData("Orders_2024.eu-west")]
    [InlineData("__consumer_offsets")]
    public void A_name_of_letters_digits_dots_underscores_and_dashes_is_valid(string name) => Assert.Null(TopicName.Validate(name));

    [Theory]
    [InlineData("")]
    [InlineData(".")]
    [InlineData("..")]
    [InlineData("with space")]
    [InlineData("slash/es")]
    [InlineData("umläut")]
    [InlineData("colon:")]
    [InlineData("line\n")]
    [InlineData("zero\0")]
    public void Other_names_are_refused(string name) => Assert.NotNull(TopicName.Validate(name));

    [Theory]
    [InlineData(249, true)]
    [InlineData(250, false)]
    public void A_name_has_at_most_249_characters(int length, bool valid) =>
        Assert.Equal(valid, TopicName.Validate(new string('x', length)) is null);

    [Theory]
    [InlineData("a.b", "a_b", true)]
    [InlineData("a.b_c", "a_b.c", true)]
    [InlineData("a.b", "a.b", false)]
    [InlineData("a.b", "a-b", false)]
    [InlineData("a.b", "ab", false)]
    public void Two_names_collide_when_only_dots_and_underscores_tell_them_apart(string one, string other, bool collide)
    {
        Assert.Equal(collide, TopicName.Collide(one, other));
        Assert.Equal(collide, TopicName.Collide(other, one));
    }
}
