using Warp.Actors.Sequencing;
using Warp.Streams.Format;
using Warp.Streams.Objects;

namespace Warp.Streams.Cache;

/// <summary>
/// Parsed footers of objects, the least recently used ones given up first. A footer that is not there is read through the chunk cache,
/// once however many wait for it: that of an object that was just put lies in memory there. Thread-safe.
/// </summary>
/// <param name="store">Asked for the size of an object whose size is not known; stays the caller's.</param>
/// <param name="chunks">Where the bytes of footers come from; stays the caller's.</param>
/// <param name="capacityBytes">How much memory the footers may take; one that is larger alone is not kept.</param>
public sealed class FooterCache(IObjectStore store, ChunkCache chunks, long capacityBytes)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<ObjectId, LinkedListNode<ObjectFooter>> _footers = [];
    private readonly LinkedList<ObjectFooter> _byUse = new();
    private readonly Dictionary<ObjectId, TaskCompletionSource<ObjectFooter>> _loads = [];
    private long _bytes;

    /// <summary>About how much memory the kept footers take.</summary>
    public long ResidentBytes
    {
        get
        {
            lock (_lock)
                return _bytes;
        }
    }

    /// <summary>The footer of an object: at once if it is in memory, otherwise when it has been read.</summary>
    /// <param name="id">The object.</param>
    /// <param name="key">Its key in the store.</param>
    /// <param name="objectSize">Bytes of the object; null if not known, then the store is asked.</param>
    /// <param name="cancellationToken">Stops waiting; the read goes on.</param>
    /// <exception cref="ObjectNotFoundException">There is no such object.</exception>
    /// <exception cref="ObjectStoreException">The store failed. The next call reads again.</exception>
    /// <exception cref="CorruptObjectException">The object has no footer that can be read, or that of another object.</exception>
    public ValueTask<ObjectFooter> GetAsync(ObjectId id, string key, long? objectSize, CancellationToken cancellationToken)
    {
        TaskCompletionSource<ObjectFooter>? load;
        bool isFirst = false;
        lock (_lock)
        {
            if (_footers.TryGetValue(id, out LinkedListNode<ObjectFooter>? node))
            {
                _byUse.Remove(node);
                _byUse.AddFirst(node);
                return new ValueTask<ObjectFooter>(node.Value);
            }
            if (cancellationToken.IsCancellationRequested)
                return ValueTask.FromCanceled<ObjectFooter>(cancellationToken);
            if (!_loads.TryGetValue(id, out load))
            {
                load = new TaskCompletionSource<ObjectFooter>(TaskCreationOptions.RunContinuationsAsynchronously);
                _loads.Add(id, load);
                isFirst = true;
            }
        }
        if (isFirst)
            _ = LoadAsync(load, id, key, objectSize);
        return new ValueTask<ObjectFooter>(load.Task.WaitAsync(cancellationToken));
    }

    private async Task LoadAsync(TaskCompletionSource<ObjectFooter> load, ObjectId id, string key, long? objectSize)
    {
        try
        {
            ObjectFooter footer = await ReadAsync(id, key, objectSize);
            lock (_lock)
            {
                _loads.Remove(id);
                Keep(footer);
            }
            load.SetResult(footer);
        }
        catch (Exception e)
        {
            lock (_lock)
                _loads.Remove(id);
            load.SetException(e);
            // Whoever waited may have left: then nobody else looks at it.
            _ = load.Task.Exception;
        }
    }

    private async Task<ObjectFooter> ReadAsync(ObjectId id, string key, long? objectSize)
    {
        long size = objectSize
            ?? await store.HeadAsync(key, CancellationToken.None)
            ?? throw new ObjectNotFoundException(store.Description, key);
        byte[] trailer = await ReadTailAsync(id, key, size, ObjectFormat.TrailerBytes);
        byte[] tail = await ReadTailAsync(id, key, size, ObjectFooter.TailLength(trailer, size));
        ObjectFooter footer = ObjectFooter.Parse(tail, size);
        return footer.ObjectId == id
            ? footer
            : throw new CorruptObjectException($"The footer of {key} in {store.Description} is that of object {footer.ObjectId}.");
    }

    /// <summary>The last bytes of an object, which may begin some chunks before the last one.</summary>
    private async Task<byte[]> ReadTailAsync(ObjectId id, string key, long size, int length)
    {
        var tail = new byte[Math.Min(length, size)];
        for (int filled = 0; filled < tail.Length;)
        {
            long position = size - tail.Length + filled;
            using ChunkLease chunk = await chunks.GetAsync(
                id, key, (int)(position / ObjectFormat.ChunkSize), size, CancellationToken.None);
            ReadOnlyMemory<byte> part = chunk.Memory[(int)(position % ObjectFormat.ChunkSize)..];
            part.CopyTo(tail.AsMemory(filled));
            filled += part.Length;
        }
        return tail;
    }

    private void Keep(ObjectFooter footer)
    {
        if (footer.MemoryBytes > capacityBytes || _footers.ContainsKey(footer.ObjectId))
            return;
        _footers.Add(footer.ObjectId, _byUse.AddFirst(footer));
        _bytes += footer.MemoryBytes;
        while (_bytes > capacityBytes)
        {
            ObjectFooter oldest = _byUse.Last!.Value;
            _byUse.RemoveLast();
            _footers.Remove(oldest.ObjectId);
            _bytes -= oldest.MemoryBytes;
        }
    }
}
