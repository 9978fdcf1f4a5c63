using Warp.Actors.Sequencing;
using Warp.Protocol.Wire;
using Warp.Streams.Format;

namespace Warp.Streams.Cache;

/// <summary>Reading chunks from the store, one read for all who wait.</summary>
public sealed partial class ChunkCache
{
    /// <summary>How many reads may be under way: readers of old data must not take every connection to the store.</summary>
    private const int MaxReads = 64;

    /// <summary>How many reads may be under way for chunks to be begun that nobody waits for yet.</summary>
    private const int MaxReadsForPrefetch = 24;

    private readonly SemaphoreSlim _reads = new(MaxReads);

    /// <summary>Whether a chunk is in memory, or being read.</summary>
    public bool HasOrReads(ObjectId id, int chunkNumber)
    {
        var chunk = new ChunkKey(id, chunkNumber);
        lock (_lock)
            return _chunks.Contains(chunk) || _loads.ContainsKey((chunk, false)) || _loads.ContainsKey((chunk, true));
    }

    /// <summary>Begins to read a chunk that somebody will want soon, unless it is there or under way.</summary>
    /// <param name="id">The object.</param>
    /// <param name="key">Its key in the store.</param>
    /// <param name="chunkNumber">Chunk n begins at byte n × <see cref="ObjectFormat.ChunkSize"/>.</param>
    /// <param name="objectSize">Bytes of the object.</param>
    /// <returns>False when there is no room for more: so many reads are under way, or what is read would push out what was read before.</returns>
    public bool Prefetch(ObjectId id, string key, int chunkNumber, long objectSize)
    {
        int length = ObjectFormat.ChunkLength(objectSize, chunkNumber);
        var chunk = new ChunkKey(id, chunkNumber);
        var load = new Load(chunk, _ring?.IsOwn(chunk) == false, objectSize);
        lock (_lock)
        {
            if (_disposed || _loads.Count >= MaxReadsForPrefetch || _loadingBytes + length > _mostReadAheadBytes)
                return false;
            if (_chunks.Contains(chunk) || !_loads.TryAdd(load.Key, load))
                return true;
        }
        _prefetches.Add(1);
        _ = ReadAsync(load, key, length);
        return true;
    }

    private ValueTask<ChunkLease> GetSlowAsync(Load wanted, string key, int length, CancellationToken cancellationToken)
    {
        if (cancellationToken.IsCancellationRequested)
            return ValueTask.FromCanceled<ChunkLease>(cancellationToken);
        Load? load;
        bool isFirst = false;
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            // It may have come since the caller looked.
            if (_chunks.TryUse(wanted.Chunk, out PooledBuffer? buffer))
            {
                buffer.AddReference();
                _hits.Add(1);
                return new ValueTask<ChunkLease>(new ChunkLease(buffer));
            }
            if (!_loads.TryGetValue(wanted.Key, out load))
            {
                load = wanted;
                _loads.Add(load.Key, load);
                isFirst = true;
            }
            load.Waiters++;
        }
        _misses.Add(1);
        if (isFirst)
            _ = ReadAsync(load, key, length);
        return WaitAsync(load, cancellationToken);
    }

    private async ValueTask<ChunkLease> WaitAsync(Load load, CancellationToken cancellationToken)
    {
        try
        {
            return new ChunkLease(await load.Done.Task.WaitAsync(cancellationToken));
        }
        catch
        {
            Leave(load);
            throw;
        }
    }

    /// <summary>Gives back what the waiter will not take: its place, or the reference that it already got.</summary>
    private void Leave(Load load)
    {
        lock (_lock)
        {
            if (load.Buffer is { } buffer)
                buffer.Release();
            else
                load.Waiters--;
        }
    }

    /// <summary>Reads a chunk and hands it, or the error, to those who wait. Never throws.</summary>
    private async Task ReadAsync(Load load, string key, int length)
    {
        try
        {
            await _reads.WaitAsync(_disposing.Token);
        }
        catch (Exception error)
        {
            Fail(load, 0, error);
            return;
        }
        int charged = 0;
        PooledBuffer? buffer = null;
        try
        {
            // Not before its turn: those that wait have no memory yet. What makes room gives its memory back, and that is taken again.
            Charge(charged = BufferPool.CostOf(length));
            buffer = PooledBuffer.Rent(length);
            int filled = await FillAsync(load, key, buffer.Memory);
            if (filled < length)
            {
                if (load.ObjectSize is not null || filled == 0)
                    throw new CorruptObjectException(
                        $"Object {key} in {_store.Description} ends after {filled} bytes of its chunk {load.Chunk.ChunkNumber}"
                        + (load.ObjectSize is not null ? $", which should have {length}." : "."));
                buffer = Shrink(buffer, filled);
            }
        }
        catch (Exception e)
        {
            buffer?.Release();
            Fail(load, charged, e);
            return;
        }
        finally
        {
            _reads.Release();
        }
        Complete(load, charged, buffer);
    }

    private async Task<int> FillAsync(Load load, string key, Memory<byte> destination)
    {
        if (load.IsForwarded
            && await _ring!.ReadAsync(load.Chunk, key, load.ObjectSize, destination, _disposing.Token) is { } filled)
        {
            return filled;
        }
        return await _store.GetRangeAsync(key, (long)load.Chunk.ChunkNumber * ObjectFormat.ChunkSize, destination, _disposing.Token);
    }

    /// <summary>Makes room for a chunk that is about to be read.</summary>
    private void Charge(int bytes)
    {
        lock (_lock)
        {
            _loadingBytes += bytes;
            Trim();
        }
    }

    /// <summary>Every waiter gets its reference here, before the chunk can be evicted; it may take it up much later.</summary>
    private void Complete(Load load, int charged, PooledBuffer buffer)
    {
        lock (_lock)
        {
            _loadingBytes -= charged;
            _loads.Remove(load.Key);
            load.Buffer = buffer;
            for (int i = 0; i < load.Waiters; i++)
                buffer.AddReference();
            Keep(load.Chunk, buffer, isNew: false);
        }
        load.Done.SetResult(buffer);
    }

    private void Fail(Load load, int charged, Exception error)
    {
        lock (_lock)
        {
            _loadingBytes -= charged;
            _loads.Remove(load.Key);
            if (_disposed)
                error = new ObjectDisposedException(nameof(ChunkCache), error);
        }
        load.Done.SetException(error);
        // Whoever waited may have left: then nobody else looks at it.
        _ = load.Done.Task.Exception;
    }

    /// <summary>The last chunk of an object of unknown size moves to a buffer of its own size: it would hold 4 MiB otherwise.</summary>
    private static PooledBuffer Shrink(PooledBuffer buffer, int length)
    {
        PooledBuffer shrunk = PooledBuffer.Rent(length);
        buffer.Memory.Span[..length].CopyTo(shrunk.Memory.Span);
        buffer.Release();
        return shrunk;
    }

    /// <summary>One read under way. Its fields are guarded by the cache's lock.</summary>
    /// <param name="chunk">What is read.</param>
    /// <param name="isForwarded">Whether another node is asked. Those who ask on behalf of another node never wait for such a one.</param>
    /// <param name="objectSize">Bytes of the object; null if not known.</param>
    private sealed class Load(ChunkKey chunk, bool isForwarded, long? objectSize)
    {
        public ChunkKey Chunk { get; } = chunk;

        public bool IsForwarded { get; } = isForwarded;

        public long? ObjectSize { get; } = objectSize;

        public (ChunkKey Chunk, bool IsForwarded) Key => (Chunk, IsForwarded);

        public TaskCompletionSource<PooledBuffer> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public int Waiters { get; set; }

        /// <summary>Set once the chunk has been read; then each waiter that was left has a reference.</summary>
        public PooledBuffer? Buffer { get; set; }
    }
}
