using Warp.Actors.Persistence;
using Warp.Node.Hosting;
using Warp.Specs.Hosting;
using Warp.Specs.Streams.Maintenance;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Maintenance;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Node.Hosting;

public sealed class LineageKeeperSpec
{
    private static readonly TimeSpan s_period = TimeSpan.FromMinutes(1);

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task It_raises_the_lineage_while_something_is_written_and_fails_when_the_store_is_ahead()
    {
        await using CollectionWorld world = await CollectionWorld.StartAsync(shards: 1);
        await using var keeper = new LineageKeeper(world.Streams.System, world.Lineage(), world.Streams.Node.Commits);
        await PassAsync(world);
        Assert.Equal(1, await LineageAsync(world));

        await world.Streams.OpenTopicAsync(1);
        await PassAsync(world);
        await PassAsync(world);
        Assert.Equal(2, await LineageAsync(world));
        Assert.False(keeper.Failure.IsCompleted);

        await new StoreIdentity(world.Streams.Store, world.Keys).MarkAsync(9, Cancellation);
        await world.Streams.OpenTopicAsync(1);
        await PassAsync(world);
        await Assert.ThrowsAsync<LineageException>(() => keeper.Failure);
        Assert.Equal(2, await LineageAsync(world));
    }

    /// <summary>Lets a period pass, and waits until the keeper waits for the next.</summary>
    private static async Task PassAsync(CollectionWorld world)
    {
        await Wait.UntilAsync(() => world.Time.HasTimerIn(s_period), StreamsWorld.Patience, "the keeper's timer");
        world.Time.Advance(s_period);
        await Wait.UntilAsync(() => world.Time.HasTimerIn(s_period), StreamsWorld.Patience, "the keeper's next timer");
    }

    private static async Task<long> LineageAsync(CollectionWorld world)
    {
        ClusterRecord cluster = await world.Streams.Journal.ReadClusterAsync(Cancellation);
        return cluster.Lineage;
    }
}
