using Warp.Streams.Produce;
using Xunit;

namespace Warp.Specs.Streams.Produce;

public sealed class RequestWindowSpec
{
    private readonly RequestWindow _window = new();

    [Fact]
    public void It_is_known_when_the_same_height_has_been_reached_four_times()
    {
        for (int i = 0; i < 4; i++)
        {
            Assert.Equal(0, _window.Size);
            Rise(to: 5);
        }
        Assert.Equal(5, _window.Size);
    }

    [Fact]
    public void Answers_one_by_one_are_one_fall()
    {
        for (int i = 0; i < 4; i++)
        {
            Rise(to: 5);
            _window.Answered(4);
            _window.Answered(3);
        }
        Assert.Equal(5, _window.Size);
    }

    [Fact]
    public void Another_height_makes_it_unknown_again()
    {
        for (int i = 0; i < 10; i++)
            Rise(to: 5);
        Rise(to: 7);
        Assert.Equal(0, _window.Size);
        for (int i = 0; i < 3; i++)
            Rise(to: 7);
        Assert.Equal(7, _window.Size);
    }

    private void Rise(int to)
    {
        _window.Came();
        _window.Answered(to);
    }
}
