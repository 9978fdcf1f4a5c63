using System.Collections.Immutable;
using Warp.Actors.Persistence;
using Warp.Protocol.Messages;

namespace Warp.Actors.Catalog;

/// <summary>The latest journaled version of the catalog on this node. It never goes back. Thread-safe.</summary>
/// <param name="staticConfigs">The node's configured defaults, by broker config name.</param>
public sealed class PublishedCatalog(ImmutableSortedDictionary<string, string> staticConfigs)
{
    /// <summary>
    /// How many events are kept for other nodes that follow; whoever is further behind gets all topics anew. As many topics as are made at
    /// once should fit, three events each.
    /// </summary>
    private const int KeptEvents = 4096;

    private static readonly EventCodec s_codec = new(EventSpecs.All);

    private readonly Lock _gate = new();
    private readonly Queue<IEvent> _recent = new();
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

    /// <summary>Takes over a version from the catalog's actor. An older one than is there changes nothing.</summary>
    /// <param name="image">The version.</param>
    /// <param name="version">The number of its last event.</param>
    /// <param name="events">Those that led to it from the version before; none where it was not made from that.</param>
    public void Publish(CatalogImage image, long version, IReadOnlyList<IEvent> events)
    {
        TaskCompletionSource changed;
        lock (_gate)
        {
            if (version <= _latest.Version)
                return;
            if (version - events.Count != _latest.Version)
                _recent.Clear();
            else
                Keep(events);
            Volatile.Write(ref _latest, new Edition(image, version));
            changed = _changed;
            _changed = NewSignal();
        }
        changed.SetResult();
    }

    /// <summary>What has become of a version since, for another node.</summary>
    public CatalogDelta Since(long version)
    {
        Edition latest;
        IEvent[] events;
        lock (_gate)
        {
            latest = _latest;
            long behind = latest.Version - version;
            if (behind <= 0)
                return new CatalogDelta(version, null, []);
            if (version >= 0 && behind <= _recent.Count)
                events = [.. _recent.Skip(_recent.Count - (int)behind)];
            else
                return new CatalogDelta(latest.Version, EventCodec.EncodeSnapshot(latest.Image.ToSnapshot(), CatalogSnapshot.HighestVersion), []);
        }
        return new CatalogDelta(latest.Version, null, [.. events.Select(static @event => s_codec.Encode(@event))]);
    }

    /// <summary>Takes over what another node has told; what is older than what is there changes nothing.</summary>
    /// <exception cref="JournalException">It was written by a newer version of Warp, or is damaged.</exception>
    public void Apply(CatalogDelta delta)
    {
        if (delta.Snapshot is { } snapshot)
        {
            CatalogImage restored = CatalogImage.Empty(StaticConfigs).Restore(
                EventCodec.DecodeSnapshot(TopicCatalog.Name, snapshot, CatalogSnapshot.HighestVersion, CatalogSnapshot.Read));
            Publish(restored, delta.Version, []);
            return;
        }
        Edition latest = Volatile.Read(ref _latest);
        // Some of it may have come another way meanwhile.
        long known = latest.Version - (delta.Version - delta.Events.Count);
        if (known < 0 || known >= delta.Events.Count)
            return;
        IEvent[] events = [.. delta.Events.Skip((int)known).Select(static record => s_codec.Decode(TopicCatalog.Name, record))];
        Publish(events.Aggregate(latest.Image, static (image, @event) => image.Apply(@event)), delta.Version, events);
    }

    private void Keep(IReadOnlyList<IEvent> events)
    {
        foreach (IEvent @event in events)
            _recent.Enqueue(@event);
        while (_recent.Count > KeptEvents)
            _recent.Dequeue();
    }

    private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

    private sealed record Edition(CatalogImage Image, long Version);
}

/// <summary>How a catalog got to a version: by events, or, where there are too many, all that is in it.</summary>
/// <param name="Version">The version that it leads to.</param>
/// <param name="Snapshot">All of it, or null.</param>
/// <param name="Events">In order.</param>
public sealed record CatalogDelta(long Version, ReadOnlyMemory<byte>? Snapshot, IReadOnlyList<EventRecord> Events);
