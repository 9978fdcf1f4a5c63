using System.Diagnostics.Metrics;
using Warp.Actors.Sequencing;
using Warp.Protocol.Wire;
using Warp.Streams.Format;
using Warp.Streams.Objects;

namespace Warp.Streams.Cache;

/// <summary>
/// Chunks of objects in memory. A chunk that is not there is read from the store once, however many wait for it. What a node has just
/// flushed is offered, so that readers of the newest records need no store at all. Thread-safe.
/// </summary>
/// <remarks>
/// <para>Bytes are counted by the length of the arrays behind the chunks. <see cref="ResidentBytes"/>, the chunks that the cache keeps, and
/// <see cref="LoadingBytes"/>, those that are being read, are together never above <see cref="CapacityBytes"/>, except that reads which
/// alone are above it push everything else out. A chunk that was evicted while leased is no longer counted, and is given
/// back with its last lease.</para>
/// <para>Who stays is decided by <see cref="S3Fifo{TKey,TValue}"/>: the newest half of the capacity of what was offered always; a part for
/// what was read and has not been asked for since, so that a pass over all old data runs through that and touches nothing else; the rest
/// is for what is asked for again and again.</para>
/// <para>That part is a tenth, but where the cache is small up to a third, as far as <see cref="PassBytes"/>: a consumer of a dozen
/// compacted partitions takes four fetches for a chunk, and has one of each partition in use and the next ones read ahead meanwhile. What
/// were evicted before it has been used up would be read again.</para>
/// </remarks>
public sealed partial class ChunkCache : IDisposable
{
    /// <summary>The name of the meter to give to the constructor.</summary>
    public const string MeterName = "Warp.Cache";

    /// <summary>What one pass over old data needs: 24 chunks.</summary>
    private const long PassBytes = 24L * ObjectFormat.ChunkSize;

    private readonly Lock _lock = new();
    private readonly IObjectStore _store;
    private readonly IChunkRing? _ring;
    private readonly S3Fifo<ChunkKey, PooledBuffer> _chunks;
    private readonly long _mostReadAheadBytes;
    private readonly Dictionary<(ChunkKey Chunk, bool IsForwarded), Load> _loads = [];
    private readonly CancellationTokenSource _disposing = new();
    private readonly Counter<long> _hits;
    private readonly Counter<long> _misses;
    private readonly Counter<long> _prefetches;
    private long _loadingBytes;
    private bool _disposed;

    /// <param name="store">Where chunks come from; stays the caller's.</param>
    /// <param name="capacityBytes">How much to keep; 0 or more.</param>
    /// <param name="meter">
    /// Gets the instruments <c>warp.cache.hits</c>, <c>warp.cache.misses</c>, <c>warp.cache.prefetches</c> and <c>warp.cache.bytes</c>;
    /// stays the caller's.
    /// </param>
    /// <param name="ring">The nodes that share chunks; null where this one is alone.</param>
    public ChunkCache(IObjectStore store, long capacityBytes, Meter meter, IChunkRing? ring = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(capacityBytes);
        _store = store;
        _ring = ring;
        CapacityBytes = capacityBytes;
        long passShare = Math.Max(capacityBytes / 10, Math.Min(capacityBytes / 3, PassBytes));
        _mostReadAheadBytes = passShare / 2;
        _chunks = new S3Fifo<ChunkKey, PooledBuffer>(capacityBytes, passShare, static buffer => buffer.Release());
        _hits = meter.CreateCounter<long>("warp.cache.hits", "{chunk}", "Chunks that were found in memory.");
        _misses = meter.CreateCounter<long>("warp.cache.misses", "{chunk}", "Chunks that were waited for.");
        _prefetches = meter.CreateCounter<long>("warp.cache.prefetches", "{chunk}", "Chunks that were read before anybody waited for them.");
        meter.CreateObservableGauge("warp.cache.bytes", () => ResidentBytes, "By", "Memory of the chunks in the cache.");
    }

    /// <summary>How much the cache keeps at most.</summary>
    public long CapacityBytes { get; }

    /// <summary>Bytes of the chunks that the cache keeps now.</summary>
    public long ResidentBytes
    {
        get
        {
            lock (_lock)
                return _chunks.Bytes;
        }
    }

    /// <summary>Bytes of the chunks that are being read now.</summary>
    public long LoadingBytes
    {
        get
        {
            lock (_lock)
                return _loadingBytes;
        }
    }

    /// <summary>Leases a chunk if it is in memory.</summary>
    /// <param name="id">The object.</param>
    /// <param name="chunkNumber">Chunk n begins at byte n × <see cref="ObjectFormat.ChunkSize"/>.</param>
    /// <param name="lease">The lease; only if it returns true.</param>
    public bool TryLease(ObjectId id, int chunkNumber, out ChunkLease lease)
    {
        lock (_lock)
        {
            if (!_chunks.TryUse(new ChunkKey(id, chunkNumber), out PooledBuffer? buffer))
            {
                lease = default;
                return false;
            }
            buffer.AddReference();
            lease = new ChunkLease(buffer);
        }
        _hits.Add(1);
        return true;
    }

    /// <summary>Leases a chunk: at once if it is in memory, otherwise when it has been read.</summary>
    /// <param name="id">The object.</param>
    /// <param name="key">Its key in the store.</param>
    /// <param name="chunkNumber">Chunk n begins at byte n × <see cref="ObjectFormat.ChunkSize"/>.</param>
    /// <param name="objectSize">Bytes of the object; null if not known, then a short read is taken for the object's end.</param>
    /// <param name="cancellationToken">Stops waiting. The read goes on: others may wait for it, and the chunk is kept.</param>
    /// <exception cref="ArgumentOutOfRangeException">An object of that size has no such chunk.</exception>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    /// <exception cref="ObjectStoreException">The store failed. Nothing is kept of it: the next call reads again.</exception>
    /// <exception cref="CorruptObjectException">The object ends before the chunk should.</exception>
    public ValueTask<ChunkLease> GetAsync(
        ObjectId id, string key, int chunkNumber, long? objectSize, CancellationToken cancellationToken) =>
        GetAsync(id, key, chunkNumber, objectSize, isForOther: false, cancellationToken);

    /// <summary>The same for a node that takes this one for the chunk's owner: nobody else is asked, whatever this one thinks.</summary>
    public ValueTask<ChunkLease> GetFromStoreAsync(
        ObjectId id, string key, int chunkNumber, long? objectSize, CancellationToken cancellationToken) =>
        GetAsync(id, key, chunkNumber, objectSize, isForOther: true, cancellationToken);

    private ValueTask<ChunkLease> GetAsync(
        ObjectId id, string key, int chunkNumber, long? objectSize, bool isForOther, CancellationToken cancellationToken)
    {
        int length = objectSize is { } size ? ObjectFormat.ChunkLength(size, chunkNumber) : ObjectFormat.ChunkSize;
        ArgumentOutOfRangeException.ThrowIfNegative(chunkNumber);
        if (TryLease(id, chunkNumber, out ChunkLease lease))
            return ValueTask.FromResult(lease);
        var chunk = new ChunkKey(id, chunkNumber);
        bool isForwarded = !isForOther && _ring is { } ring && !ring.IsOwn(chunk);
        return GetSlowAsync(new Load(chunk, isForwarded, objectSize), key, length, cancellationToken);
    }

    /// <summary>
    /// Takes the chunks of an object that was just put, without a copy: those that are this node's to keep. Those that are there already stay.
    /// </summary>
    public void Offer(EncodedObject encoded) => Offer(encoded.Id, encoded.Blocks);

    /// <summary>Takes the chunks of an object, block n for chunk n, without a copy: it takes references of its own.</summary>
    public void Offer(ObjectId id, IReadOnlyList<PooledBuffer> blocks)
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            for (int i = 0; i < blocks.Count; i++)
            {
                var chunk = new ChunkKey(id, i);
                if (_ring?.IsOwn(chunk) == false)
                    continue;
                blocks[i].AddReference();
                Keep(chunk, blocks[i], isNew: true);
            }
        }
    }

    /// <summary>Takes a chunk that another node has just put; it takes a reference of its own.</summary>
    public void Offer(ChunkKey chunk, PooledBuffer block)
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            block.AddReference();
            Keep(chunk, block, isNew: true);
        }
    }

    /// <summary>Gives up every chunk; leases stay valid, and who waits for a chunk gets an error.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            if (_disposed)
                return;
            _disposed = true;
            _chunks.Trim(0);
        }
        _disposing.Cancel();
        _disposing.Dispose();
    }

    /// <summary>Puts a chunk among the others, with the caller's reference. Under the lock.</summary>
    private void Keep(ChunkKey chunk, PooledBuffer buffer, bool isNew)
    {
        if (_disposed || _chunks.Contains(chunk))
        {
            buffer.Release();
            return;
        }
        _chunks.Add(chunk, buffer, buffer.Array.Length, isNew);
        Trim();
    }

    private void Trim() => _chunks.Trim(Math.Max(0, CapacityBytes - _loadingBytes));
}
