using Warp.Streams.Objects;

namespace Warp.Specs.Streams.Compaction;

/// <summary>
/// A store that calls somebody before and after everything that a job does with it, and may take its time as a distant one does. The store
/// behind it stays the caller's.
/// </summary>
internal sealed class TrapStore(IObjectStore inner, Action? trap = null, TimeSpan latency = default) : DelegatingObjectStore(inner)
{
    private int _requests;

    /// <summary>Requests so far, parts of uploads included.</summary>
    public int Requests => Volatile.Read(ref _requests);

    public override Task<PutOutcome> PutAsync(
        string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken) =>
        CallAsync(() => base.PutAsync(key, content, cancellationToken));

    public override async Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken) =>
        new TrapUpload(await CallAsync(() => base.StartUploadAsync(key, cancellationToken)), this);

    public override Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken) =>
        CallAsync(() => base.GetRangeAsync(key, position, destination, cancellationToken));

    private async Task<T> CallAsync<T>(Func<Task<T>> call)
    {
        Interlocked.Increment(ref _requests);
        trap?.Invoke();
        if (latency > TimeSpan.Zero)
            await Task.Delay(latency, TimeProvider.System);
        T result = await call();
        trap?.Invoke();
        return result;
    }

    private sealed class TrapUpload(IMultipartUpload inner, TrapStore store) : IMultipartUpload
    {
        public string Key => inner.Key;

        public Task AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken) =>
            store.CallAsync(async () =>
            {
                await inner.AppendAsync(part, cancellationToken);
                return true;
            });

        public Task<PutOutcome> CompleteAsync(CancellationToken cancellationToken) =>
            store.CallAsync(() => inner.CompleteAsync(cancellationToken));

        public Task AbortAsync(CancellationToken cancellationToken) => inner.AbortAsync(cancellationToken);

        public ValueTask DisposeAsync() => inner.DisposeAsync();
    }
}
