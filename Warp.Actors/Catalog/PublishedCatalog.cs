using System.Collections.Immutable;

namespace Warp.Actors.Catalog;

/// <summary>The latest journaled version of the catalog on this node. It never goes back. Thread-safe.</summary>
/// <param name="staticConfigs">The node's configured defaults, by broker config name.</param>
public sealed class PublishedCatalog(ImmutableSortedDictionary<string, string> staticConfigs)
{
    private CatalogImage _current = CatalogImage.Empty(staticConfigs);

    public ImmutableSortedDictionary<string, string> StaticConfigs { get; } = staticConfigs;

    public CatalogImage Current => Volatile.Read(ref _current);

    /// <summary>Called by the catalog's actor only.</summary>
    internal void Publish(CatalogImage image) => Volatile.Write(ref _current, image);
}
