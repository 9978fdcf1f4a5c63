using System.Runtime.CompilerServices;
using Warp.Actors.Cluster;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Streams.Objects;
using Warp.Streams.Objects.Quorum;

namespace Warp.Streams.Maintenance;

/// <summary>What a garbage collector works with.</summary>
/// <param name="Journal">Knows which objects are needed.</param>
/// <param name="Store">Where they are.</param>
/// <param name="Keys">Their keys.</param>
/// <param name="Lineage">Whether the two belong together.</param>
/// <param name="Times">The grace and its relatives.</param>
/// <param name="Time">Paces the deletions.</param>
/// <param name="DeletesPerSecond">The most objects that are deleted in a second.</param>
/// <param name="Quorums">Those of the store's parts that are quorums: what their stores have missed is filled after a listing.</param>
public sealed record CollectorServices(
    IJournal Journal,
    IObjectStore Store,
    ObjectKeys Keys,
    StoreLineage Lineage,
    TimeConstants Times,
    TimeProvider Time,
    int DeletesPerSecond,
    IReadOnlyList<QuorumObjectStore>? Quorums = null);

/// <summary>
/// Deletes the objects of which nothing is needed any more (the architecture's rules 8 and 9). An object's row is turned to deleting first,
/// in one statement that looks again whether it is unused; from then on nobody can point into it, so the object may go, at any time and
/// as often as needed. Clocks decide when it is tried, never whether it is safe. One sweep at a time.
/// </summary>
/// <param name="services">What it works with.</param>
/// <param name="fence">
/// Proves that this is the cluster's collector; null when it is not (any more), which ends a sweep. Without it nothing is changed at all.
/// </param>
public sealed class GarbageCollector(CollectorServices services, Func<Fence?> fence)
{
    /// <summary>As many as a request to delete can name in most stores is a thousand; half of it keeps the transactions short.</summary>
    private const int MaxBatch = 500;

    /// <summary>The highest level of objects that any version has written or will.</summary>
    private const int MaxLevel = 9;

    /// <summary>How long the journal and the store are taken to belong together once they have been looked at.</summary>
    private static readonly TimeSpan s_lineageHolds = TimeSpan.FromMinutes(1);

    private readonly int _batch = Math.Min(MaxBatch, services.DeletesPerSecond);
    private long? _lineageSeenAt;

    /// <summary>Deletes what is due.</summary>
    /// <param name="listStore">Whether to look through the whole store, too, for objects and uploads that no row knows.</param>
    /// <param name="report">Told of each object that was deleted.</param>
    /// <param name="cancellationToken">Ends the sweep between two requests.</param>
    /// <exception cref="LineageException">The journal does not belong to the store, or is an old copy: nothing was deleted.</exception>
    /// <exception cref="OwnershipLostException">This is not the cluster's collector any more.</exception>
    /// <exception cref="ObjectStoreException">The store failed; what could not be deleted is tried again by the next sweep.</exception>
    public async Task<SweepResult> SweepAsync(bool listStore, Action<CollectedObject> report, CancellationToken cancellationToken)
    {
        _lineageSeenAt = null;
        var sweep = new Sweep(report);
        await SweepRowsAsync(ObjectRowKind.Released, CollectionReason.Released, sweep, cancellationToken);
        await SweepRowsAsync(ObjectRowKind.Expired, CollectionReason.Expired, sweep, cancellationToken);
        await FinishAsync(sweep, cancellationToken);
        await ForgetAsync(cancellationToken);
        if (listStore)
            await SweepStoreAsync(sweep, cancellationToken);
        return sweep.Result;
    }

    /// <summary>Tells what a sweep through everything would delete now. Changes nothing, and needs no fence.</summary>
    /// <exception cref="LineageException">A sweep would refuse to delete anything.</exception>
    public async Task<SweepResult> RehearseAsync(Action<CollectedObject> report, CancellationToken cancellationToken)
    {
        if (await services.Lineage.FindObjectionAsync(cancellationToken) is { } objection)
            throw new LineageException(objection);
        var sweep = new Sweep(report);
        TimeSpan grace = services.Times.CollectionGrace;
        await foreach (IReadOnlyList<ObjectRow> rows in PagesAsync(ObjectRowKind.Released, grace, cancellationToken))
            Report(rows, CollectionReason.Released, sweep);
        await foreach (IReadOnlyList<ObjectRow> rows in PagesAsync(ObjectRowKind.Expired, grace, cancellationToken))
            Report(rows, CollectionReason.Expired, sweep);
        await foreach (IReadOnlyList<ObjectRow> rows in PagesAsync(ObjectRowKind.Deleting, TimeSpan.Zero, cancellationToken))
            Report(rows, CollectionReason.Unfinished, sweep);
        await foreach (List<OldObject> page in OldObjectsAsync(cancellationToken))
        {
            (List<OldObject> orphans, List<(OldObject Object, ObjectRow Row)> returned) = await SortAsync(page, cancellationToken);
            foreach (OldObject orphan in orphans)
                sweep.Add(orphan.Info.Key, orphan.Info.Size, CollectionReason.Orphaned, ExplainOrphan(orphan));
            foreach ((OldObject old, ObjectRow row) in returned)
                sweep.Add(old.Info.Key, old.Info.Size, CollectionReason.Unfinished, CollectionRules.Explain(row));
        }
        return sweep.Result;
    }

    private async Task SweepRowsAsync(ObjectRowKind kind, CollectionReason reason, Sweep sweep, CancellationToken cancellationToken)
    {
        await foreach (IReadOnlyList<ObjectRow> rows in PagesAsync(kind, services.Times.CollectionGrace, cancellationToken))
        {
            await RequireLineageAsync(cancellationToken);
            IReadOnlyList<ObjectId> turned = await services.Journal.BeginDeletingAsync(
                Fence, [.. rows.Select(static row => row.Id)], services.Times.CollectionGrace, cancellationToken);
            var ids = new HashSet<ObjectId>(turned);
            List<ObjectRow> deleting = [.. rows.Where(row => ids.Contains(row.Id))];
            await DeleteAsync([.. deleting.Select(row => (row.Id, KeyOf(row)))], cancellationToken);
            Report(deleting, reason, sweep);
        }
    }

    /// <summary>Deletes what an earlier sweep has begun to.</summary>
    private async Task FinishAsync(Sweep sweep, CancellationToken cancellationToken)
    {
        await foreach (IReadOnlyList<ObjectRow> rows in PagesAsync(ObjectRowKind.Deleting, TimeSpan.Zero, cancellationToken))
        {
            await RequireLineageAsync(cancellationToken);
            await DeleteAsync([.. rows.Select(row => (row.Id, KeyOf(row)))], cancellationToken);
            Report(rows, CollectionReason.Unfinished, sweep);
        }
    }

    /// <summary>Removes old tombstones, after one more deletion: a put that was very late has landed by now.</summary>
    private async Task ForgetAsync(CancellationToken cancellationToken)
    {
        await foreach (IReadOnlyList<ObjectRow> rows in PagesAsync(ObjectRowKind.Deleted, services.Times.TombstoneLife, cancellationToken))
        {
            await RequireLineageAsync(cancellationToken);
            RequireFence();
            await DeletePacedAsync([.. rows.Select(KeyOf)], cancellationToken);
            await services.Journal.RemoveTombstonesAsync(
                Fence, [.. rows.Select(static row => row.Id)], services.Times.TombstoneLife, cancellationToken);
        }
    }

    private async Task SweepStoreAsync(Sweep sweep, CancellationToken cancellationToken)
    {
        await RequireLineageAsync(cancellationToken);
        DateTimeOffset now = await services.Journal.ReadClockAsync(cancellationToken);
        DateTimeOffset uploadsBefore = now - CollectionRules.UploadLife(services.Times);
        for (int level = 0; level <= MaxLevel; level++)
            sweep.Uploads += await services.Store.AbortUploadsAsync(services.Keys.LevelPrefix(level), uploadsBefore, cancellationToken);
        await foreach (List<OldObject> page in OldObjectsAsync(cancellationToken))
        {
            (List<OldObject> orphans, List<(OldObject Object, ObjectRow Row)> returned) = await SortAsync(page, cancellationToken);
            await RequireLineageAsync(cancellationToken);
            var won = new HashSet<ObjectId>(await services.Journal.InsertDeletingAsync(
                Fence, [.. orphans.Select(static old => new OrphanObject(old.Id, old.Info.Size, old.Level))], cancellationToken));
            // Where the insert did not win, a commit did: the object is needed.
            orphans.RemoveAll(orphan => !won.Contains(orphan.Id));
            await DeleteAsync(
                [.. orphans.Concat(returned.Select(static old => old.Object)).Select(static old => (old.Id, old.Info.Key))],
                cancellationToken);
            foreach (OldObject orphan in orphans)
                sweep.Add(orphan.Info.Key, orphan.Info.Size, CollectionReason.Orphaned, ExplainOrphan(orphan));
            foreach ((OldObject old, ObjectRow row) in returned)
                sweep.Add(old.Info.Key, old.Info.Size, CollectionReason.Unfinished, CollectionRules.Explain(row));
        }
    }

    /// <summary>The objects of the store that are old enough to be orphans, in pages.</summary>
    private async IAsyncEnumerable<List<OldObject>> OldObjectsAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        DateTimeOffset now = await services.Journal.ReadClockAsync(cancellationToken);
        var page = new List<OldObject>(_batch);
        for (int level = 0; level <= MaxLevel; level++)
        {
            await foreach (ObjectInfo info in services.Store.ListAsync(services.Keys.LevelPrefix(level), null, cancellationToken))
            {
                if (!services.Keys.TryParseObject(info.Key, out _, out ObjectId id)
                    || !CollectionRules.IsOrphanAge(id, info.LastModified, now, services.Times))
                {
                    continue;
                }
                page.Add(new OldObject(id, level, info));
                if (page.Count < _batch)
                    continue;
                yield return page;
                page = new List<OldObject>(_batch);
            }
        }
        if (page.Count > 0)
            yield return page;
    }

    /// <summary>Of a page of the store: the objects that no row knows, and those that came back after they were deleted.</summary>
    private async Task<(List<OldObject> Orphans, List<(OldObject Object, ObjectRow Row)> Returned)> SortAsync(
        List<OldObject> page, CancellationToken cancellationToken)
    {
        IReadOnlyList<ObjectRow> rows = await services.Journal.FindObjectsAsync([.. page.Select(static old => old.Id)], cancellationToken);
        Dictionary<ObjectId, ObjectRow> known = rows.ToDictionary(static row => row.Id);
        List<OldObject> orphans = [.. page.Where(old => !known.ContainsKey(old.Id))];
        List<(OldObject, ObjectRow)> returned =
        [
            .. from old in page
               let row = known.GetValueOrDefault(old.Id)
               where row is { DeletedAt: not null }
               select (old, row),
        ];
        return (orphans, returned);
    }

    private async IAsyncEnumerable<IReadOnlyList<ObjectRow>> PagesAsync(
        ObjectRowKind kind, TimeSpan age, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ObjectRow? last = null;
        do
        {
            IReadOnlyList<ObjectRow> page = await services.Journal.ListObjectsAsync(kind, age, last, _batch, cancellationToken);
            last = page.Count == _batch ? page[^1] : null;
            if (page.Count > 0)
                yield return page;
        }
        while (last is not null);
    }

    /// <summary>Deletes objects whose rows say so, and notes that they are gone.</summary>
    private async Task DeleteAsync(IReadOnlyList<(ObjectId Id, string Key)> objects, CancellationToken cancellationToken)
    {
        RequireFence();
        await DeletePacedAsync([.. objects.Select(static entry => entry.Key)], cancellationToken);
        await services.Journal.ConfirmDeletedAsync(Fence, [.. objects.Select(static entry => entry.Id)], cancellationToken);
    }

    private async Task DeletePacedAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        if (keys.Count == 0)
            return;
        await services.Store.DeleteAsync(keys, cancellationToken);
        // After every batch, so that the next one, of whatever kind, comes no sooner than these few allow.
        await Task.Delay(TimeSpan.FromSeconds((double)keys.Count / services.DeletesPerSecond), services.Time, cancellationToken);
    }

    private async Task RequireLineageAsync(CancellationToken cancellationToken)
    {
        if (_lineageSeenAt is { } seen && services.Time.GetElapsedTime(seen) < s_lineageHolds)
            return;
        RequireFence();
        await services.Lineage.RaiseAsync(cancellationToken);
        _lineageSeenAt = services.Time.GetTimestamp();
    }

    private Fence Fence => fence() ?? throw new OwnershipLostException("collection", "another node collects garbage now");

    private void RequireFence() => _ = Fence;

    private void Report(IEnumerable<ObjectRow> rows, CollectionReason reason, Sweep sweep)
    {
        foreach (ObjectRow row in rows)
            sweep.Add(KeyOf(row), row.SizeBytes, reason, CollectionRules.Explain(row));
    }

    private static string ExplainOrphan(OldObject orphan) =>
        $"it was begun at {orphan.Id.Time:u}, and no commit of it has reached the journal";

    private string KeyOf(ObjectRow row) => services.Keys.Object(row.Level, row.Id);

    /// <summary>An object of the store that is old enough to be garbage.</summary>
    private readonly record struct OldObject(ObjectId Id, int Level, ObjectInfo Info);

    /// <summary>What one sweep has come to so far.</summary>
    private sealed class Sweep(Action<CollectedObject> report)
    {
        private long _objects;
        private long _bytes;

        public int Uploads { get; set; }

        public SweepResult Result => new(_objects, _bytes, Uploads);

        public void Add(string key, long sizeBytes, CollectionReason reason, string why)
        {
            _objects++;
            _bytes += sizeBytes;
            report(new CollectedObject(key, sizeBytes, reason, why));
        }
    }
}
