using System.Diagnostics.Metrics;
using Warp.Specs.Hosting;
using Warp.Streams.Maintenance;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Quorum;
using Warp.Streams.Objects.Resilience;
using Xunit;

namespace Warp.Specs.Streams.Maintenance;

/// <summary>What the collector's driver does beside collecting.</summary>
public sealed class CollectionDriverSpec
{
    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    [Fact]
    public async Task After_a_listing_the_stores_of_a_quorum_get_what_they_have_missed()
    {
        await using CollectionWorld world = await CollectionWorld.StartAsync();
        MemoryObjectStore[] stores = [new(world.Time), new(world.Time), new(world.Time)];
        using var meter = new Meter("Warp.Specs.Collection");
        await using var quorum = new QuorumObjectStore(
            stores, TimeSpan.FromSeconds(1), new HedgeBudget(0.05), TimeProvider.System, new Random(1));
        Assert.Equal(PutOutcome.Stored, await quorum.PutAsync("l0/aa/x", [new byte[3]], Cancellation));
        await stores[1].DeleteAsync(["l0/aa/x"], Cancellation);
        var services = new CollectorServices(
            world.Streams.Journal,
            world.Streams.Store,
            world.Keys,
            world.Lineage(),
            CollectionWorld.Times,
            TimeProvider.System,
            DeletesPerSecond: 100_000,
            [quorum]);
        await using var driver = new CollectionDriver(world.Streams.System, world.Streams.Node.Leases, services, meter);
        await driver.RunOnceAsync(Cancellation);

        await Wait.UntilAsync(
            () => stores[1].HeadAsync("l0/aa/x", Cancellation).Result is not null, TimeSpan.FromSeconds(30), "the missing copy");
    }

    [Fact]
    public async Task Whoever_wants_a_sweep_now_is_told_of_each_object()
    {
        await using CollectionWorld world = await CollectionWorld.StartAsync();
        var topic = await world.Streams.OpenTopicAsync(1);
        string key = await world.ProduceAsync(topic[0], "a");
        await world.DeleteTopicAsync(topic[0]);
        world.Time.Advance(TimeSpan.FromHours(1));
        using var meter = new Meter("Warp.Specs.Collection");
        var services = new CollectorServices(
            world.Streams.Journal,
            world.Streams.Store,
            world.Keys,
            world.Lineage(),
            CollectionWorld.Times,
            TimeProvider.System,
            DeletesPerSecond: 100_000);
        await using var driver = new CollectionDriver(world.Streams.System, world.Streams.Node.Leases, services, meter);
        var collected = new List<CollectedObject>();

        SweepResult result = await driver.SweepNowAsync(collected.Add, Cancellation);

        Assert.Equal(1, result.Objects);
        Assert.Equal((key, CollectionReason.Released), (Assert.Single(collected).Key, collected[0].Reason));
    }
}
