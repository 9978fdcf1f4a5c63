using System.Collections.Immutable;
using Warp.Actors.Catalog;
using Warp.Protocol.Messages;
using Xunit;

namespace Warp.Specs.Actors.Catalog;

public sealed class PublishedCatalogSpec
{
    private readonly PublishedCatalog _catalog = New();

    [Fact]
    public void A_version_from_before_changes_nothing()
    {
        Publish(1, 2);
        _catalog.Publish(CatalogImage.Empty(_catalog.StaticConfigs), 1, []);
        Assert.Equal((2, 2), (_catalog.Version, _catalog.Current.RoutingGeneration));
    }

    [Fact]
    public async Task Who_waits_for_a_version_goes_on_with_it_or_a_later_one()
    {
        Task waiting = _catalog.WaitForAsync(2, TestContext.Current.CancellationToken);
        Publish(1);
        Assert.False(waiting.IsCompleted);
        Publish(2, 3);
        await waiting;
    }

    [Theory]
    [InlineData(-1, true)]
    [InlineData(0, true)]
    [InlineData(1, false)]
    [InlineData(3, false)]
    [InlineData(4, false)]
    public void Another_node_gets_the_events_it_lacks_or_all_of_it_if_too_many(int known, bool isSnapshot)
    {
        // The first version came as a whole: what led to it is not known here.
        _catalog.Publish(CatalogImage.Empty(_catalog.StaticConfigs).Apply(Routing(1)), 1, []);
        Publish(2, 3, 4);
        CatalogDelta delta = _catalog.Since(known);
        Assert.Equal((4, isSnapshot), (delta.Version, delta.Snapshot is not null));
        Assert.Equal(isSnapshot ? 0 : 4 - known, delta.Events.Count);
        PublishedCatalog other = New();
        if (known > 0)
            other.Publish(CatalogImage.Empty(other.StaticConfigs).Apply(Routing(known)), known, []);
        other.Apply(delta);
        Assert.Equal((4, 4), (other.Version, other.Current.RoutingGeneration));
    }

    [Fact]
    public void What_has_come_another_way_meanwhile_is_not_applied_twice()
    {
        Publish(1);
        PublishedCatalog other = New();
        other.Apply(_catalog.Since(-1));
        CatalogDelta early = Then(2);
        CatalogDelta late = Then(3, since: 1);
        other.Apply(early);
        other.Apply(late);
        other.Apply(early);
        Assert.Equal((3, 3), (other.Version, other.Current.RoutingGeneration));

        CatalogDelta Then(int version, long since = 1)
        {
            Publish(version);
            return _catalog.Since(since);
        }
    }

    private static PublishedCatalog New() => new(ImmutableSortedDictionary<string, string>.Empty);

    private static RoutingChanged Routing(int generation) => new() { Generation = generation, NodeIds = [generation] };

    private void Publish(params int[] versions)
    {
        IEvent[] events = [.. versions.Select(Routing)];
        _catalog.Publish(events.Aggregate(_catalog.Current, static (image, @event) => image.Apply(@event)), versions[^1], events);
    }
}
