using System.Runtime.CompilerServices;

namespace Warp.Streams.Objects;

/// <summary>
/// Two stores as one: what flushes write, and what says to which cluster the store belongs, lies in the first; what compaction writes lies
/// in the second, which may be slower and cheaper.
/// </summary>
/// <remarks>
/// Objects that compaction wrote before there was a second store stay where they are: what the second lacks is looked for in the first.
/// Keys of record objects are never used twice, so no put has to look there.
/// </remarks>
/// <param name="first">For everything but compacted objects; disposed with this one.</param>
/// <param name="compacted">For compacted objects; disposed with this one.</param>
/// <param name="layout">Tells which they are.</param>
public sealed class TieredObjectStore(IObjectStore first, IObjectStore compacted, ObjectKeys layout) : IObjectStore
{
    public string Description => $"{first.Description}, compacted in {compacted.Description}";

    public Task<PutOutcome> PutAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken) =>
        StoreOf(key).PutAsync(key, content, cancellationToken);

    public Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken) =>
        StoreOf(key).StartUploadAsync(key, cancellationToken);

    public async Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken) =>
        await first.AbortUploadsAsync(prefix, startedBefore, cancellationToken)
        + await compacted.AbortUploadsAsync(prefix, startedBefore, cancellationToken);

    public Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken) =>
        ReadAsync(key, store => store.GetRangeAsync(key, position, destination, cancellationToken));

    public Task<byte[]> GetAsync(string key, CancellationToken cancellationToken) =>
        ReadAsync(key, store => store.GetAsync(key, cancellationToken));

    public async Task<long?> HeadAsync(string key, CancellationToken cancellationToken)
    {
        long? length = await StoreOf(key).HeadAsync(key, cancellationToken);
        return length is null && layout.IsCompacted(key) ? await first.HeadAsync(key, cancellationToken) : length;
    }

    public async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        IAsyncEnumerable<ObjectInfo>[] listings =
        [
            first.ListAsync(prefix, startAfter, cancellationToken),
            compacted.ListAsync(prefix, startAfter, cancellationToken),
        ];
        await foreach (MergedObject found in ListingMerge.MergeAsync(listings, static (_, error) => throw error, cancellationToken))
            yield return found.First;
    }

    public async Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        string[] moved = [.. keys.Where(layout.IsCompacted)];
        await first.DeleteAsync(keys, cancellationToken);
        if (moved.Length > 0)
            await compacted.DeleteAsync(moved, cancellationToken);
    }

    public async ValueTask DisposeAsync()
    {
        await compacted.DisposeAsync();
        await first.DisposeAsync();
    }

    private IObjectStore StoreOf(string key) => layout.IsCompacted(key) ? compacted : first;

    private async Task<T> ReadAsync<T>(string key, Func<IObjectStore, Task<T>> read)
    {
        if (layout.IsCompacted(key))
        {
            try
            {
                return await read(compacted);
            }
            catch (ObjectNotFoundException)
            {
                // It may be from before there was a second store.
            }
        }
        return await read(first);
    }
}
