using System.Collections.Concurrent;
using Warp.Streams.Objects;

namespace Warp.Specs.Streams.Cache;

/// <summary>A store in memory that counts reads, holds them at a gate while it is closed, and fails them on demand.</summary>
internal sealed class GateObjectStore : IObjectStore
{
    private readonly MemoryObjectStore _inner = new(TimeProvider.System);
    private readonly ConcurrentDictionary<string, int> _gets = new();
    private TaskCompletionSource _gate = Opened();
    private int _getsUnderWay;

    public string Description => "gate:";

    /// <summary>What the next reads fail with; null for no failure.</summary>
    public Exception? Failure { get; set; }

    public int Gets => _gets.Values.Sum();

    public int GetsUnderWay => Volatile.Read(ref _getsUnderWay);

    public int GetsOf(string key) => _gets.GetValueOrDefault(key);

    public void Close() => _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Open() => _gate.SetResult();

    public void Add(string key, byte[] bytes) => _inner.PutAsync(key, [bytes], CancellationToken.None).GetAwaiter().GetResult();

    public Task<PutOutcome> PutAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken) =>
        _inner.PutAsync(key, content, cancellationToken);

    public async Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        _gets.AddOrUpdate(key, 1, (_, count) => count + 1);
        Interlocked.Increment(ref _getsUnderWay);
        try
        {
            await _gate.Task.WaitAsync(cancellationToken);
            if (Failure is { } failure)
                throw failure;
            return await _inner.GetRangeAsync(key, position, destination, cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _getsUnderWay);
        }
    }

    public Task<byte[]> GetAsync(string key, CancellationToken cancellationToken) => _inner.GetAsync(key, cancellationToken);

    public Task<long?> HeadAsync(string key, CancellationToken cancellationToken) => _inner.HeadAsync(key, cancellationToken);

    public Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken) =>
        _inner.StartUploadAsync(key, cancellationToken);

    public Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken) =>
        _inner.AbortUploadsAsync(prefix, startedBefore, cancellationToken);

    public IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, CancellationToken cancellationToken) =>
        _inner.ListAsync(prefix, startAfter, cancellationToken);

    public Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) => _inner.DeleteAsync(keys, cancellationToken);

    public ValueTask DisposeAsync() => _inner.DisposeAsync();

    private static TaskCompletionSource Opened()
    {
        var gate = new TaskCompletionSource();
        gate.SetResult();
        return gate;
    }
}
