using System.Runtime.CompilerServices;

namespace Warp.Streams.Objects;

/// <summary>Objects in memory, for tests, the simulation and a trial: gone with the process.</summary>
/// <param name="clock">Dates the objects.</param>
public sealed class MemoryObjectStore(TimeProvider clock) : IObjectStore
{
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, Entry> _objects = new(StringComparer.Ordinal);
    private readonly HashSet<Upload> _uploads = [];

    public string Description => "mem:";

    public Task<PutOutcome> PutAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken) =>
        Run(key, () => Put(key, content), cancellationToken);

    public Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken) => Run<IMultipartUpload>(key, () =>
    {
        var upload = new Upload(this, key, clock.GetUtcNow());
        lock (_lock)
            _uploads.Add(upload);
        return upload;
    }, cancellationToken);

    public Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken)
    {
        ObjectKeys.ValidatePrefix(prefix);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            return Task.FromResult(_uploads.RemoveWhere(
                upload => upload.StartedAt < startedBefore && upload.Key.StartsWith(prefix, StringComparison.Ordinal)));
        }
    }

    public Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(position);
        return Run(key, () =>
        {
            byte[] bytes = Find(key);
            int count = (int)Math.Clamp(bytes.Length - position, 0, destination.Length);
            if (count > 0)
                bytes.AsMemory((int)position, count).CopyTo(destination);
            return count;
        }, cancellationToken);
    }

    public Task<byte[]> GetAsync(string key, CancellationToken cancellationToken) => Run(key, () =>
    {
        byte[] bytes = Find(key);
        ObjectStores.RequireSmall(this, key, bytes.Length);
        return bytes.ToArray();
    }, cancellationToken);

    public Task<long?> HeadAsync(string key, CancellationToken cancellationToken) => Run(key, () =>
    {
        lock (_lock)
            return _objects.TryGetValue(key, out Entry? entry) ? entry.Bytes.Length : (long?)null;
    }, cancellationToken);

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        ObjectKeys.ValidatePrefix(prefix);
        ObjectInfo[] found;
        lock (_lock)
        {
            found =
            [
                .. from pair in _objects
                   where pair.Key.StartsWith(prefix, StringComparison.Ordinal) && string.CompareOrdinal(pair.Key, startAfter) > 0
                   select new ObjectInfo(pair.Key, pair.Value.Bytes.Length, pair.Value.PutAt),
            ];
        }
        await Task.CompletedTask;
        foreach (ObjectInfo info in found)
        {
            cancellationToken.ThrowIfCancellationRequested();
            yield return info;
        }
    }

    public Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        foreach (string key in keys)
            ObjectKeys.Validate(key);
        cancellationToken.ThrowIfCancellationRequested();
        lock (_lock)
        {
            foreach (string key in keys)
                _objects.Remove(key);
        }
        return Task.CompletedTask;
    }

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private PutOutcome Put(string key, IReadOnlyList<ReadOnlyMemory<byte>> content)
    {
        var bytes = new byte[ObjectStores.LengthOf(content)];
        int position = 0;
        foreach (ReadOnlyMemory<byte> piece in content)
        {
            piece.CopyTo(bytes.AsMemory(position));
            position += piece.Length;
        }
        lock (_lock)
            return _objects.TryAdd(key, new Entry(bytes, clock.GetUtcNow())) ? PutOutcome.Stored : PutOutcome.AlreadyExists;
    }

    private byte[] Find(string key)
    {
        lock (_lock)
            return _objects.TryGetValue(key, out Entry? entry) ? entry.Bytes : throw new ObjectNotFoundException(Description, key);
    }

    private static Task<T> Run<T>(string key, Func<T> call, CancellationToken cancellationToken)
    {
        ObjectKeys.Validate(key);
        if (cancellationToken.IsCancellationRequested)
            return Task.FromCanceled<T>(cancellationToken);
        try
        {
            return Task.FromResult(call());
        }
        catch (ObjectStoreException e)
        {
            return Task.FromException<T>(e);
        }
    }

    private sealed class Upload(MemoryObjectStore store, string key, DateTimeOffset startedAt) : MultipartUpload(store.Description, key)
    {
        private readonly List<ReadOnlyMemory<byte>> _bytes = [];

        public DateTimeOffset StartedAt => startedAt;

        protected override Task WriteAsync(int number, IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken)
        {
            lock (store._lock)
            {
                if (!store._uploads.Contains(this))
                    throw Aborted();
            }
            _bytes.AddRange(part.Select(static piece => (ReadOnlyMemory<byte>)piece.ToArray()));
            return Task.CompletedTask;
        }

        protected override Task<PutOutcome> FinishAsync(CancellationToken cancellationToken)
        {
            lock (store._lock)
            {
                if (!store._uploads.Remove(this))
                    throw Aborted();
            }
            return Task.FromResult(store.Put(Key, _bytes));
        }

        protected override Task CancelAsync(CancellationToken cancellationToken)
        {
            lock (store._lock)
                store._uploads.Remove(this);
            return Task.CompletedTask;
        }
    }

    private sealed record Entry(byte[] Bytes, DateTimeOffset PutAt);
}
