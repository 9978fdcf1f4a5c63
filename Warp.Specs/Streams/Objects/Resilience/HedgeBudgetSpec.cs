using Warp.Streams.Objects.Resilience;
using Xunit;

namespace Warp.Specs.Streams.Objects.Resilience;

public sealed class HedgeBudgetSpec
{
    [Theory]
    [InlineData(0.05, 1000, 55)]
    [InlineData(0.5, 1000, 510)]
    [InlineData(0, 1000, 0)]
    public void Second_requests_are_at_most_a_share_of_the_first_ones_and_of_a_hundred_in_advance(double share, int requests, int seconds)
    {
        var budget = new HedgeBudget(share);
        int spent = 0;
        while (budget.TrySpend())
            spent++;
        for (int i = 0; i < requests; i++)
        {
            budget.Earn();
            if (budget.TrySpend())
                spent++;
            Assert.True(spent <= (share * (i + 1 + 100)) + 1e-6);
        }
        Assert.Equal(seconds, spent);
    }

    [Fact]
    public void A_quiet_time_saves_up_a_few_only()
    {
        var budget = new HedgeBudget(0.05);
        for (int i = 0; i < 100_000; i++)
            budget.Earn();
        int spent = 0;
        while (budget.TrySpend())
            spent++;
        Assert.Equal(10, spent);
    }

    [Fact]
    public void What_is_not_urgent_leaves_a_reserve()
    {
        var budget = new HedgeBudget(0.04);
        Assert.True(budget.TrySpend(reserve: 3));
        Assert.False(budget.TrySpend(reserve: 3));
        Assert.True(budget.TrySpend());
    }
}
