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
/// changed. Nobody may write meanwhile, or what is on its way looks like a fault.
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
public sealed class StoreVerifier(
    IJournal journal, IObjectStore store, ObjectKeys keys, TimeConstants times, long maxKept = StoreVerifier.DefaultMaxKept)
{
    /// <summary>A million extents and rows are some 200 MB.</summary>
    public const long DefaultMaxKept = 1_000_000;

    /// <summary>Objects that are read at the same time, through a buffer of a chunk's size each.</summary>
    private const int Readers = 8;

    private const int PageSize = 1000;
    private const int MaxLevel = 9;

    /// <summary>The lowest byte of an object's id is random, and its key begins with it: it divides the objects into even shares.</summary>
    private const int ShareCount = 256;

    private readonly Lock _lock = new();
    private Action<VerificationFinding> _report = static _ => { };
    private long _findings;
    private long _objects;
    private long _bytes;

    /// <summary>Verifies everything once.</summary>
    /// <param name="report">Told of each fault, one at a time.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public async Task<VerificationResult> RunAsync(Action<VerificationFinding> report, CancellationToken cancellationToken)
    {
        (_report, _findings, _objects, _bytes) = (report, 0, 0, 0);
        var lineage = new StoreLineage(journal, store, keys);
        if (await lineage.FindObjectionAsync(cancellationToken) is { } objection)
            Report(FindingKind.LineageMismatch, store.Description, objection);
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

    private async Task<ExtentIndex> ReadExtentsAsync(ClusterRecord cluster, Share share, CancellationToken cancellationToken)
    {
        var index = new ExtentIndex();
        for (int shard = 0; shard < cluster.ShardCount; shard++)
        {
            SequencerState state = await SequencerHistory.ReadAsync(journal, shard, times, cancellationToken);
            foreach (PartitionLog log in state.Logs)
            {
                foreach (ref readonly Extent extent in log.Extents)
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
        {
            Report(FindingKind.UnprotectedObject, id.ToString(), $"shards {Names(uses.Shards)} point into it, but it has no row");
        }
        DateTimeOffset now = await journal.ReadClockAsync(cancellationToken);
        var options = new ParallelOptions { MaxDegreeOfParallelism = Readers, CancellationToken = cancellationToken };
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
                KeyOf(row),
                $"its row names the shards {Names(needless)}, which have nothing in it; it is never collected");
        }
        if ((shards & ~row.LiveShards) is not 0 and var missing)
        {
            Report(
                FindingKind.WrongShards,
                KeyOf(row),
                $"its row does not name the shards {Names(missing)}, which have records in it; it may be collected");
        }
        if (row.State != ObjectState.Live && shards != 0)
            Report(FindingKind.UnprotectedObject, KeyOf(row), $"shards {Names(shards)} point into it, but its row says {row.State}");
    }

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
            Report(FindingKind.ForeignObject, info.Key, "this is no object of Warp's; nothing reads or deletes it");
            return;
        }
        if (!known.TryGetValue(id, out KnownObject? entry) || entry.Row.Level != level)
        {
            if (CollectionRules.IsOrphanAge(id, info.LastModified, now, times))
            {
                Report(
                    FindingKind.UnreferencedObject, info.Key, $"the journal does not know it, {info.Size} bytes; `warp store gc` deletes it");
            }
            return;
        }
        entry.IsThere = true;
        if (entry.Uses is not { } uses)
            return;
        if (info.Size != entry.Row.SizeBytes)
            Report(FindingKind.DamagedObject, info.Key, $"it has {info.Size} bytes; {entry.Row.SizeBytes} were written");
        try
        {
            var stored = new StoredObject(store, info.Key, info.Size, new byte[(int)Math.Min(info.Size, ObjectFormat.ChunkSize)]);
            await new ObjectVerification(stored, cluster.ClusterId, Report).RunAsync(id, uses.Extents, cancellationToken);
            Interlocked.Increment(ref _objects);
            Interlocked.Add(ref _bytes, info.Size);
        }
        catch (Exception error) when (error is ObjectStoreException or CorruptObjectException)
        {
            Report(FindingKind.DamagedObject, info.Key, error.Message);
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
                FindingKind.MissingObject, KeyOf(row), $"it is not in the store; the shards {Names(shards)} have {records} records in it");
        }
        else if (row.State == ObjectState.Live)
        {
            Report(
                FindingKind.RowWithoutObject,
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

    private void Report(FindingKind kind, string subject, string problem) => Report(new VerificationFinding(kind, subject, problem));

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
