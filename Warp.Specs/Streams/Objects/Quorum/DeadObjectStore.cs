using Warp.Streams.Objects;

namespace Warp.Specs.Streams.Objects.Quorum;

/// <summary>A store that cannot be reached.</summary>
internal sealed class DeadObjectStore : IObjectStore
{
    public string Description => "dead:";

    public Task<PutOutcome> PutAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken) =>
        FailAsync<PutOutcome>(cancellationToken);

    public Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken) =>
        FailAsync<IMultipartUpload>(cancellationToken);

    public Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken) =>
        FailAsync<int>(cancellationToken);

    public Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken) =>
        FailAsync<int>(cancellationToken);

    public Task<byte[]> GetAsync(string key, CancellationToken cancellationToken) => FailAsync<byte[]>(cancellationToken);

    public Task<long?> HeadAsync(string key, CancellationToken cancellationToken) => FailAsync<long?>(cancellationToken);

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter, [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        yield return await FailAsync<ObjectInfo>(cancellationToken);
    }

    public Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) => FailAsync<bool>(cancellationToken);

    public ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private Task<T> FailAsync<T>(CancellationToken cancellationToken) => cancellationToken.IsCancellationRequested
        ? Task.FromCanceled<T>(cancellationToken)
        : Task.FromException<T>(new ObjectStoreException(Description, null, "Nobody answers.", isTransient: true));
}
