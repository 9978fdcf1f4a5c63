using System.Collections.Immutable;

namespace Warp.Actors.Catalog;

/// <summary>The latest journaled version of the catalog on this node. It never goes back. Thread-safe.</summary>
/// <param name="staticConfigs">The node's configured defaults, by broker config name.</param>
public sealed class PublishedCatalog(ImmutableSortedDictionary<string, string> staticConfigs)
{
    private readonly Lock _gate = new();
    private Edition _latest = new(CatalogImage.Empty(staticConfigs), -1);
    private TaskCompletionSource _changed = NewSignal();

    public ImmutableSortedDictionary<string, string> StaticConfigs { get; } = staticConfigs;

    public CatalogImage Current => Volatile.Read(ref _latest).Image;

    /// <summary>The number of the catalog's last event in it; −1 before anything is published.</summary>
    public long Version => Volatile.Read(ref _latest).Version;

    /// <summary>Waits until a version, or a later one, is there.</summary>
    public async Task WaitForAsync(long version, CancellationToken cancellationToken)
    {
        while (true)
        {
            Task changed;
            lock (_gate)
            {
                if (_latest.Version >= version)
                    return;
                changed = _changed.Task;
            }
            await changed.WaitAsync(cancellationToken);
        }
    }

    /// <summary>Takes over a version from the catalog's actor, or from its node. An older one than is there changes nothing.</summary>
    public void Publish(CatalogImage image, long version)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            if (version <= _latest.Version)
                return;
            Volatile.Write(ref _latest, new Edition(image, version));
            changed = _changed;
            _changed = NewSignal();
        }
        changed.SetResult();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed record Edition(CatalogImage Image, long Version);
}
