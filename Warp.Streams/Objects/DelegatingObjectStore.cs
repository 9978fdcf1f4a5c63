namespace Warp.Streams.Objects;

/// <summary>A store that hands everything on to another; what wraps a store overrides what it changes.</summary>
/// <param name="inner">The store that does the work; disposed with this one.</param>
public abstract class DelegatingObjectStore(IObjectStore inner) : IObjectStore
{
    /// <summary>The store that does the work.</summary>
    protected IObjectStore Inner => inner;

    public virtual string Description => inner.Description;

    public virtual Task<PutOutcome> PutAsync(
        string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken) =>
        inner.PutAsync(key, content, cancellationToken);

    public virtual Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken) =>
        inner.StartUploadAsync(key, cancellationToken);

    public virtual Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken) =>
        inner.AbortUploadsAsync(prefix, startedBefore, cancellationToken);

    public virtual Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken) =>
        inner.GetRangeAsync(key, position, destination, cancellationToken);

    public virtual Task<byte[]> GetAsync(string key, CancellationToken cancellationToken) => inner.GetAsync(key, cancellationToken);

    public virtual Task<long?> HeadAsync(string key, CancellationToken cancellationToken) => inner.HeadAsync(key, cancellationToken);

    public virtual IAsyncEnumerable<ObjectInfo> ListAsync(string prefix, string? startAfter, CancellationToken cancellationToken) =>
        inner.ListAsync(prefix, startAfter, cancellationToken);

    public virtual Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        inner.DeleteAsync(keys, cancellationToken);

    public virtual async ValueTask DisposeAsync()
    {
        await inner.DisposeAsync();
        GC.SuppressFinalize(this);
    }
}
