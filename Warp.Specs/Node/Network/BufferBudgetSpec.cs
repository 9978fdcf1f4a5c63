using Warp.Node.Network;
using Warp.Specs.Hosting;
using Xunit;

namespace Warp.Specs.Node.Network;

public sealed class BufferBudgetSpec
{
    [Fact]
    public void What_fits_is_taken_at_once()
    {
        var budget = new BufferBudget(100);
        Assert.True(budget.TakeAsync(60, CancellationToken.None).AsTask().IsCompletedSuccessfully);
        Assert.True(budget.TakeAsync(40, CancellationToken.None).AsTask().IsCompletedSuccessfully);
        Assert.Equal(100, budget.UsedBytes);
        budget.Returned(60);
        Assert.Equal(40, budget.UsedBytes);
    }

    [Fact]
    public async Task Who_comes_later_waits_even_if_it_would_fit()
    {
        var budget = new BufferBudget(100);
        await budget.TakeAsync(60, CancellationToken.None);
        Task large = budget.TakeAsync(50, CancellationToken.None).AsTask();
        Task small = budget.TakeAsync(10, CancellationToken.None).AsTask();
        Assert.False(large.IsCompleted);
        Assert.False(small.IsCompleted);
        Assert.Equal(2, budget.WaitingCount);

        budget.Returned(60);
        await large;
        await small;
        Assert.Equal(60, budget.UsedBytes);
    }

    [Fact]
    public async Task A_request_larger_than_all_of_it_goes_alone()
    {
        var budget = new BufferBudget(100);
        await budget.TakeAsync(1, CancellationToken.None);
        Task huge = budget.TakeAsync(1000, CancellationToken.None).AsTask();
        Assert.False(huge.IsCompleted);
        budget.Returned(1);
        await huge;
        Task next = budget.TakeAsync(1, CancellationToken.None).AsTask();
        Assert.False(next.IsCompleted);
        budget.Returned(1000);
        await next;
        Assert.Equal(1, budget.UsedBytes);
    }

    [Fact]
    public async Task Who_gives_up_lets_those_behind_it_in()
    {
        var budget = new BufferBudget(100);
        await budget.TakeAsync(60, CancellationToken.None);
        using var patience = new CancellationTokenSource();
        Task large = budget.TakeAsync(50, patience.Token).AsTask();
        Task small = budget.TakeAsync(10, CancellationToken.None).AsTask();
        await patience.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => large);
        await small;
        Assert.Equal(70, budget.UsedBytes);
        Assert.Equal(0, budget.WaitingCount);
    }

    [Fact]
    public async Task Whatever_happens_the_bound_holds_and_all_comes_back()
    {
        const int Capacity = 1000;
        var budget = new BufferBudget(Capacity);
        int seed = TestRun.TakeSeed();
        long held = 0;
        await Task.WhenAll(Enumerable.Range(0, 8).Select(worker => Task.Run(async () =>
        {
            var random = new Random(seed + worker);
            for (int i = 0; i < 2000; i++)
            {
                int bytes = random.Next(1, 400);
                using var patience = new CancellationTokenSource();
                Task taken = budget.TakeAsync(bytes, patience.Token).AsTask();
                if (random.Next(4) == 0)
                    await patience.CancelAsync();
                try
                {
                    await taken;
                }
                catch (OperationCanceledException)
                {
                    continue;
                }
                Assert.True(Interlocked.Add(ref held, bytes) <= Capacity);
                await Task.Yield();
                Interlocked.Add(ref held, -bytes);
                budget.Returned(bytes);
            }
        })));
        Assert.Equal(0, budget.UsedBytes);
        Assert.Equal(0, budget.WaitingCount);
    }
}
