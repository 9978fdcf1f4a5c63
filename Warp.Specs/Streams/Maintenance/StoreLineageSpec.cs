using Warp.Actors.Persistence;
using Warp.Specs.Streams.Produce;
using Warp.Streams.Maintenance;
using Warp.Streams.Objects;
using Xunit;

namespace Warp.Specs.Streams.Maintenance;

public sealed class StoreLineageSpec : IAsyncLifetime
{
    private CollectionWorld _world = null!;

    private static CancellationToken Cancellation => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync() => _world = await CollectionWorld.StartAsync(shards: 1);

    public async ValueTask DisposeAsync() => await _world.DisposeAsync();

    [Fact]
    public async Task Journal_and_store_rise_together()
    {
        StoreLineage lineage = _world.Lineage();
        await Task.WhenAll(Enumerable.Range(0, 5).Select(_ => lineage.RaiseAsync(Cancellation)));
        Assert.Equal((6, 6), await LineagesAsync());
        Assert.Null(await lineage.FindObjectionAsync(Cancellation));
    }

    /// <summary>Each failed raise leaves the journal ahead by one; two of them would look like an old copy of the store.</summary>
    [Fact]
    public async Task A_store_that_fails_again_and_again_falls_behind_by_one_only()
    {
        StoreLineage lineage = _world.Lineage();
        _world.Streams.Store.Script = static _ => Task.FromResult(PutFate.FailForNow);
        for (int i = 0; i < 3; i++)
            await Assert.ThrowsAsync<ObjectStoreException>(() => lineage.RaiseAsync(Cancellation));
        Assert.Equal((2, 1), await LineagesAsync());
        Assert.Null(await lineage.FindObjectionAsync(Cancellation));

        _world.Streams.Store.Script = null;
        await lineage.RaiseAsync(Cancellation);
        Assert.Equal((3, 3), await LineagesAsync());
    }

    [Fact]
    public async Task A_store_that_somebody_else_has_raised_is_left_as_it_is()
    {
        await new StoreIdentity(_world.Streams.Store, _world.Keys).MarkAsync(9, Cancellation);
        LineageException error = await Assert.ThrowsAsync<LineageException>(() => _world.Lineage().RaiseAsync(Cancellation));
        Assert.Contains("older copy", error.Message);
        Assert.Equal((1, 9), await LineagesAsync());
    }

    private async Task<(long Journal, long Store)> LineagesAsync()
    {
        ClusterRecord cluster = await _world.Streams.Journal.ReadClusterAsync(Cancellation);
        StoreMark? mark = await new StoreIdentity(_world.Streams.Store, _world.Keys).ReadAsync(Cancellation);
        return (cluster.Lineage, mark!.Lineage);
    }
}
