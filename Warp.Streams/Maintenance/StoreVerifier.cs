using System.Numerics;
using System.Runtime.CompilerServices;
using Warp.Actors.Cluster;
using Warp.Actors.Maintenance;
using Warp.Actors.Persistence;
using Warp.Actors.Sequencing;
using Warp.Streams.Format;
using Warp.Streams.Objects;

namespace Warp.Streams.Maintenance;

/// <summary>
/// Reads a whole store and holds it against the journal: every object that records are in, byte for byte, and every row. Nothing is
/// changed. While nobody writes, one look is enough (<see cref="RunAsync"/>); beside running nodes what is on its way looks like a fault at
/// first, and everything suspicious is looked at again (<see cref="RunBesideNodesAsync"/>).
/// </summary>
/// <remarks>
/// Takes the memory of one shard's state, of <see cref="DefaultMaxKept"/> extents and rows, and of a few chunks, however large the store
/// is: of a large one it looks at one share of the objects after the other.
/// </remarks>
/// <param name="journal">The journal.</param>
/// <param name="store">The store.</param>
/// <param name="keys">The keys of its objects.</param>
/// <param name="times">How old an object must be that the journal should know.</param>
/// <param name="maxKept">How many extents and rows may be in memory at the same time.</param>
/// <param name="readers">Objects that are read at the same time, through a buffer of a chunk's size each.</param>
public sealed class StoreVerifier(
    IJournal journal,
    IObjectStore store,
    ObjectKeys keys,
    TimeConstants times,
    long maxKept = StoreVerifier.DefaultMaxKept,
    int readers = StoreVerifier.DefaultReaders)
{
    /// <summary>A million extents and rows are some 200 MB.</summary>
    public const long DefaultMaxKept = 1_000_000;

    public const int DefaultReaders = 8;

    /// <summary>Beside a node that serves clients, so that these do not feel it.</summary>
    public const int GentleReaders = 2;

    /// <summary>How often what looks like a fault is looked at again while it keeps changing.</summary>
    private const int MaxLooks = 5;

    /// <summary>Of more, only so many are looked at again and told: whoever has that many faults needs no longer list. Some 50 MB.</summary>
    private const int MaxSuspects = 100_000;

    private const int PageSize = 1000;
    private const int MaxLevel = 9;

    /// <summary>The lowest byte of an object's id is random, and its key begins with it: it divides the objects into even shares.</summary>
    private const int ShareCount = 256;

    private readonly Lock _lock = new();
    private Action<VerificationFinding> _report = static _ => { };
    private TimeSpan _sparedOrphans;
    private long _findings;
    private long _objects;
    private long _bytes;

    /// <summary>Verifies everything once. Nobody may write meanwhile.</summary>
    /// <param name="report">Told of each fault, one at a time.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public Task<VerificationResult> RunAsync(Action<VerificationFinding> report, CancellationToken cancellationToken) =>
        LookAsync(report, TimeSpan.Zero, cancellationToken);

    /// <summary>
    /// Verifies everything while nodes write, compact and collect. Nothing that they do looks like a fault: what the first look finds
    /// suspicious is looked at again, between two readings of its row that must be the same. A row changes together with what sequencers say
    /// of its object, and an object that some shard points into stays; so a fault that is there then is one. What changes at every look is in
    /// use, and well.
    /// </summary>
    /// <param name="report">Told of each fault, one at a time, when all has been looked at.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<VerificationResult> RunBesideNodesAsync(Action<VerificationFinding> report, CancellationToken cancellationToken)
    {
        var suspects = new Dictionary<string, Suspect>();
        var others = new List<VerificationFinding>();
        // An object that was never committed is the collector's, until it has had two chances to find it.
        VerificationResult first = await LookAsync(Note, CollectionRules.ListingInterval(times) * 2, cancellationToken);
        long findings = 0;
        foreach (VerificationFinding finding in others)
        {
            if (await StillStandsAsync(finding, cancellationToken))
                Tell(finding);
        }
        for (int look = 0; look < MaxLooks && suspects.Count > 0; look++)
            await LookAgainAsync(suspects, Tell, cancellationToken);
        return first with { Findings = findings };

        void Note(VerificationFinding finding)
        {
            if (finding.ObjectId is not { } id)
                others.Add(finding);
            else if (suspects.Count < MaxSuspects)
                suspects.TryAdd(finding.Subject, new Suspect(id, finding.Subject));
        }

        void Tell(VerificationFinding finding)
        {
            findings++;
            report(finding);
        }
    }

    private async Task<VerificationResult> LookAsync(
        Action<VerificationFinding> report, TimeSpan sparedOrphans, CancellationToken cancellationToken)
    {
        (_report, _findings, _objects, _bytes, _sparedOrphans) = (report, 0, 0, 0, sparedOrphans);
        var lineage = new StoreLineage(journal, store, keys);
        if (await lineage.FindObjectionAsync(cancellationToken) is { } objection)
            Report(FindingKind.LineageMismatch, null, store.Description, objection);
        ClusterRecord cluster = await journal.ReadClusterAsync(cancellationToken);

        var everything = new Share(0, ShareCount - 1);
        ExtentIndex index = await ReadExtentsAsync(cluster, everything, cancellationToken);
        long kept = index.Extents + await CountRowsAsync(cancellationToken);
        int shares = (int)Math.Clamp((kept + maxKept - 1) / maxKept, 1, ShareCount);
        long extents = index.Extents;
        for (int i = 0; i < shares; i++)
        {
            var share = new Share(i * ShareCount / shares, ((i + 1) * ShareCount / shares) - 1);
            if (shares > 1)
                index = await ReadExtentsAsync(cluster, share, cancellationToken);
            await VerifyAsync(cluster, share, index, cancellationToken);
        }
        return new VerificationResult(_objects, _bytes, extents, _findings);
    }

    /// <summary>Looks at suspects once more, tells what is certain of them, and takes out those of which something is.</summary>
    private async Task LookAgainAsync(Dictionary<string, Suspect> suspects, Action<VerificationFinding> tell, CancellationToken cancellationToken)
    {
        ClusterRecord cluster = await journal.ReadClusterAsync(cancellationToken);
        HashSet<ObjectId> ids = [.. suspects.Values.Select(static suspect => suspect.Id)];
        Dictionary<ObjectId, ObjectRow> before = await FindRowsAsync(ids, cancellationToken);
        var index = new ExtentIndex();
        for (int shard = 0; shard < cluster.ShardCount; shard++)
        {
            SequencerState state = await SequencerHistory.ReadAsync(journal, shard, times, cancellationToken);
            foreach (PartitionLog log in state.Logs)
            {
                foreach (Extent extent in log.Extents)
                    index.Add(shard, log.Key, extent, ids.Contains(extent.ObjectId));
            }
        }
        Dictionary<ObjectId, ObjectUses?> uses = ids.ToDictionary(static id => id, index.Take);
        DateTimeOffset now = await journal.ReadClockAsync(cancellationToken);
        var found = new Dictionary<string, List<VerificationFinding>>();
        foreach (Suspect suspect in suspects.Values)
        {
            var findings = new List<VerificationFinding>();
            _report = findings.Add;
            await LookAtAsync(cluster, suspect, before.GetValueOrDefault(suspect.Id), uses[suspect.Id], now, cancellationToken);
            found.Add(suspect.Subject, findings);
        }
        Dictionary<ObjectId, ObjectRow> after = await FindRowsAsync(ids, cancellationToken);
        foreach (Suspect suspect in suspects.Values.ToList())
        {
            if (before.GetValueOrDefault(suspect.Id) != after.GetValueOrDefault(suspect.Id))
                continue;
            suspects.Remove(suspect.Subject);
            found[suspect.Subject].ForEach(tell);
        }
    }

    private async Task LookAtAsync(
        ClusterRecord cluster, Suspect suspect, ObjectRow? row, ObjectUses? uses, DateTimeOffset now, CancellationToken cancellationToken)
    {
        var known = new Dictionary<ObjectId, KnownObject>();
        if (row is not null)
        {
            var entry = new KnownObject(row, uses);
            known.Add(row.Id, entry);
            VerifyRow(entry);
        }
        else if (uses is not null)
        {
            ReportUnprotected(suspect.Id, uses);
        }
        string key = keys.TryParseObject(suspect.Subject, out _, out _) ? suspect.Subject : row is null ? "" : KeyOf(row);
        if (keys.TryParseObject(key, out int level, out _) && await store.HeadAsync(key, cancellationToken) is { } size)
        {
            // The first look has seen it in the listing, with its age.
            await VerifyObjectAsync(cluster, known, level, new ObjectInfo(key, size, suspect.Id.Time), now, cancellationToken);
        }
        foreach (KnownObject entry in known.Values.Where(static entry => !entry.IsThere))
            VerifyAbsent(entry);
    }

    /// <summary>Whether what is not about one of the journal's objects is still so.</summary>
    private async Task<bool> StillStandsAsync(VerificationFinding finding, CancellationToken cancellationToken) => finding.Kind switch
    {
        FindingKind.LineageMismatch => await new StoreLineage(journal, store, keys).FindObjectionAsync(cancellationToken) is not null,
        FindingKind.ForeignObject => await store.HeadAsync(finding.Subject, cancellationToken) is not null,
        _ => true,
    };

    private async Task<Dictionary<ObjectId, ObjectRow>> FindRowsAsync(HashSet<ObjectId> ids, CancellationToken cancellationToken)
    {
        var rows = new Dictionary<ObjectId, ObjectRow>();
        foreach (ObjectId[] page in ids.Chunk(PageSize))
        {
            foreach (ObjectRow row in await journal.FindObjectsAsync(page, cancellationToken))
                rows.Add(row.Id, row);
        }
        return rows;
    }

    private async Task<ExtentIndex> ReadExtentsAsync(ClusterRecord cluster, Share share, CancellationToken cancellationToken)
    {
        var index = new ExtentIndex();
        for (int shard = 0; shard < cluster.ShardCount; shard++)
        {
            SequencerState state = await SequencerHistory.ReadAsync(journal, shard, times, cancellationToken);
            foreach (PartitionLog log in state.Logs)
            {
                foreach (Extent extent in log.Extents)
                    index.Add(shard, log.Key, extent, share.Has(extent.ObjectId) && (share.IsPart || index.Extents < maxKept));
            }
            // Too many to be looked at in one go: now they are only counted.
            if (!share.IsPart && index.Extents >= maxKept)
                index.Clear();
        }
        return index;
    }

    private async Task<long> CountRowsAsync(CancellationToken cancellationToken)
    {
        long count = 0;
        await foreach (ObjectRow _ in RowsAsync(cancellationToken))
            count++;
        return count;
    }

    private async Task VerifyAsync(ClusterRecord cluster, Share share, ExtentIndex index, CancellationToken cancellationToken)
    {
        var known = new Dictionary<ObjectId, KnownObject>();
        await foreach (ObjectRow row in RowsAsync(cancellationToken))
        {
            if (!share.Has(row.Id))
                continue;
            var entry = new KnownObject(row, index.Take(row.Id));
            known.Add(row.Id, entry);
            VerifyRow(entry);
        }
        foreach ((ObjectId id, ObjectUses uses) in index.Left)
            ReportUnprotected(id, uses);
        DateTimeOffset now = await journal.ReadClockAsync(cancellationToken);
        var options = new ParallelOptions { MaxDegreeOfParallelism = readers, CancellationToken = cancellationToken };
        await Parallel.ForEachAsync(
            ListAsync(share, cancellationToken),
            options,
            async (listed, token) => await VerifyObjectAsync(cluster, known, listed.Level, listed.Info, now, token));
        foreach (KnownObject entry in known.Values.Where(static entry => !entry.IsThere))
            VerifyAbsent(entry);
    }

    /// <summary>Holds a row against what the sequencers say.</summary>
    private void VerifyRow(KnownObject entry)
    {
        (ObjectRow row, ulong shards) = (entry.Row, entry.Shards);
        if ((row.LiveShards & ~shards) is not 0 and var needless)
        {
            Report(
                FindingKind.WrongShards,
                row.Id,
                KeyOf(row),
                $"its row names the shards {Names(needless)}, which have nothing in it; it is never collected");
        }
        if ((shards & ~row.LiveShards) is not 0 and var missing)
        {
            Report(
                FindingKind.WrongShards,
                row.Id,
                KeyOf(row),
                $"its row does not name the shards {Names(missing)}, which have records in it; it may be collected");
        }
        if (row.State != ObjectState.Live && shards != 0)
            Report(FindingKind.UnprotectedObject, row.Id, KeyOf(row), $"shards {Names(shards)} point into it, but its row says {row.State}");
    }

    private void ReportUnprotected(ObjectId id, ObjectUses uses) =>
        Report(FindingKind.UnprotectedObject, id, id.ToString(), $"shards {Names(uses.Shards)} point into it, but it has no row");

    private async Task VerifyObjectAsync(
        ClusterRecord cluster,
        Dictionary<ObjectId, KnownObject> known,
        int level,
        ObjectInfo info,
        DateTimeOffset now,
        CancellationToken cancellationToken)
    {
        if (!keys.TryParseObject(info.Key, out _, out ObjectId id))
        {
            Report(FindingKind.ForeignObject, null, info.Key, "this is no object of Warp's; nothing reads or deletes it");
            return;
        }
        if (!known.TryGetValue(id, out KnownObject? entry) || entry.Row.Level != level)
        {
            if (CollectionRules.IsOrphanAge(id, info.LastModified, now - _sparedOrphans, times))
            {
                Report(
                    FindingKind.UnreferencedObject, id, info.Key, $"the journal does not know it, {info.Size} bytes; `warp store gc` deletes it");
            }
            return;
        }
        entry.IsThere = true;
        if (entry.Uses is not { } uses)
            return;
        if (info.Size != entry.Row.SizeBytes)
            Report(FindingKind.DamagedObject, id, info.Key, $"it has {info.Size} bytes; {entry.Row.SizeBytes} were written");
        try
        {
            var stored = new StoredObject(store, info.Key, info.Size, new byte[(int)Math.Min(info.Size, ObjectFormat.ChunkSize)]);
            await new ObjectVerification(stored, cluster.ClusterId, finding => Report(finding with { ObjectId = id })).RunAsync(id, uses.Extents, cancellationToken);
            Interlocked.Increment(ref _objects);
            Interlocked.Add(ref _bytes, info.Size);
        }
        catch (Exception error) when (error is ObjectStoreException or CorruptObjectException)
        {
            Report(FindingKind.DamagedObject, id, info.Key, error.Message);
        }
    }

    private void VerifyAbsent(KnownObject entry)
    {
        ObjectRow row = entry.Row;
        ulong shards = row.LiveShards | entry.Shards;
        if (shards != 0)
        {
            long records = entry.Uses?.Extents.Sum(static placed => placed.Extent.LastOffset - placed.Extent.BaseOffset + 1) ?? 0;
            Report(
                FindingKind.MissingObject, row.Id, KeyOf(row), $"it is not in the store; the shards {Names(shards)} have {records} records in it");
        }
        else if (row.State == ObjectState.Live)
        {
            Report(
                FindingKind.RowWithoutObject,
                row.Id,
                KeyOf(row),
                "it is not in the store; nothing needs it, and its row goes with the next collection");
        }
    }

    private async IAsyncEnumerable<ObjectRow> RowsAsync(
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ObjectRow? last = null;
        do
        {
            IReadOnlyList<ObjectRow> page = await journal.ListObjectsAsync(
                ObjectRowKind.All, TimeSpan.Zero, last, PageSize, cancellationToken);
            foreach (ObjectRow row in page)
                yield return row;
            last = page.Count == PageSize ? page[^1] : null;
        }
        while (last is not null);
    }

    private async IAsyncEnumerable<(int Level, ObjectInfo Info)> ListAsync(
        Share share, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        for (int level = 0; level <= MaxLevel; level++)
        {
            IEnumerable<string> prefixes = share.IsPart
                ? Enumerable.Range(share.First, share.Last - share.First + 1).Select(hash => $"{keys.LevelPrefix(level)}{hash:x2}/")
                : [keys.LevelPrefix(level)];
            foreach (string prefix in prefixes)
            {
                await foreach (ObjectInfo info in store.ListAsync(prefix, null, cancellationToken))
                    yield return (level, info);
            }
        }
    }

    private string KeyOf(ObjectRow row) => keys.Object(row.Level, row.Id);

    private void Report(VerificationFinding finding)
    {
        lock (_lock)
        {
            _findings++;
            _report(finding);
        }
    }

    private void Report(FindingKind kind, ObjectId? id, string subject, string problem) =>
        Report(new VerificationFinding(kind, subject, problem) { ObjectId = id });

    private static string Names(ulong shards)
    {
        var names = new List<int>();
        for (; shards != 0; shards &= shards - 1)
            names.Add(BitOperations.TrailingZeroCount(shards));
        return string.Join(", ", names);
    }

    /// <summary>The objects whose ids end with a byte from <paramref name="First"/> to <paramref name="Last"/>.</summary>
    private readonly record struct Share(int First, int Last)
    {
        public bool IsPart => Last - First + 1 < ShareCount;

        public bool Has(ObjectId id) => (byte)id.Value >= First && (byte)id.Value <= Last;
    }

    /// <summary>Something that looked like a fault while nodes were at work.</summary>
    /// <param name="Id">The object.</param>
    /// <param name="Subject">Its key, or where there is no row its id, as the first look has named it.</param>
    private readonly record struct Suspect(ObjectId Id, string Subject);

    /// <summary>An object that has a row.</summary>
    private sealed class KnownObject(ObjectRow row, ObjectUses? uses)
    {
        public ObjectRow Row { get; } = row;

        public ObjectUses? Uses { get; } = uses;

        public ulong Shards => Uses?.Shards ?? 0;

        /// <summary>Set by whichever reader comes upon it, and read when all are done.</summary>
        public bool IsThere { get; set; }
    }
}
