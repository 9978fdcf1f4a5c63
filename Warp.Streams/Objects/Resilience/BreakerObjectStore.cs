using System.Runtime.CompilerServices;

namespace Warp.Streams.Objects.Resilience;

/// <summary>
/// Leaves a store alone that fails too often: requests are refused at once (<see cref="StoreUnavailableException"/>) while
/// <see cref="StoreHealth"/> says so. A missing object, wrong arguments and the caller's own cancellation are no failures.
/// </summary>
/// <param name="inner">The store that does the work; disposed with this one.</param>
/// <param name="health">Watches the requests; may be shared with those who want to know the state.</param>
/// <param name="time">Measures them.</param>
public sealed class BreakerObjectStore(IObjectStore inner, StoreHealth health, TimeProvider time) : DelegatingObjectStore(inner)
{
    public override Task<PutOutcome> PutAsync(
        string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken) =>
        RunAsync(key, () => Inner.PutAsync(key, content, cancellationToken));

    public override async Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken) =>
        new Upload(this, await RunAsync(key, () => Inner.StartUploadAsync(key, cancellationToken)));

    public override Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken) =>
        RunAsync(null, () => Inner.AbortUploadsAsync(prefix, startedBefore, cancellationToken));

    public override Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken) =>
        RunAsync(key, () => Inner.GetRangeAsync(key, position, destination, cancellationToken));

    public override Task<byte[]> GetAsync(string key, CancellationToken cancellationToken) =>
        RunAsync(key, () => Inner.GetAsync(key, cancellationToken));

    public override Task<long?> HeadAsync(string key, CancellationToken cancellationToken) =>
        RunAsync(key, () => Inner.HeadAsync(key, cancellationToken));

    public override async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        await using IAsyncEnumerator<ObjectInfo> listing =
            Inner.ListAsync(prefix, startAfter, cancellationToken).GetAsyncEnumerator(cancellationToken);
        bool isMore = await RunAsync(null, () => listing.MoveNextAsync().AsTask());
        while (isMore)
        {
            yield return listing.Current;
            isMore = await NextAsync(listing);
        }
    }

    public override Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        RunAsync(null, () => Inner.DeleteAsync(keys, cancellationToken));

    private Task RunAsync(string? key, Func<Task> request) => RunAsync(key, async () =>
    {
        await request();
        return true;
    });

    private async Task<T> RunAsync<T>(string? key, Func<Task<T>> request)
    {
        if (!health.TryEnter())
            throw new StoreUnavailableException(Description, key);
        long started = time.GetTimestamp();
        bool isKnown = false;
        try
        {
            T result = await request();
            isKnown = true;
            health.Succeeded(time.GetElapsedTime(started));
            return result;
        }
        catch (ObjectNotFoundException)
        {
            isKnown = true;
            health.Succeeded(time.GetElapsedTime(started));
            throw;
        }
        catch (ObjectStoreException)
        {
            isKnown = true;
            health.Failed(time.GetElapsedTime(started));
            throw;
        }
        finally
        {
            if (!isKnown)
                health.GaveUp();
        }
    }

    /// <summary>Most objects of a listing come with the page before, so that only failures say something.</summary>
    private async ValueTask<bool> NextAsync(IAsyncEnumerator<ObjectInfo> listing)
    {
        try
        {
            return await listing.MoveNextAsync();
        }
        catch (ObjectStoreException)
        {
            health.Failed(TimeSpan.Zero);
            throw;
        }
    }

    private sealed class Upload(BreakerObjectStore store, IMultipartUpload inner) : DelegatingUpload(inner)
    {
        public override Task AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken) =>
            store.RunAsync(Key, () => base.AppendAsync(part, cancellationToken));

        public override Task<PutOutcome> CompleteAsync(CancellationToken cancellationToken) =>
            store.RunAsync(Key, () => base.CompleteAsync(cancellationToken));

        public override Task AbortAsync(CancellationToken cancellationToken) =>
            store.RunAsync(Key, () => base.AbortAsync(cancellationToken));
    }
}
