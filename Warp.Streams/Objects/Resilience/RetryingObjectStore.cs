using System.Runtime.CompilerServices;

namespace Warp.Streams.Objects.Resilience;

/// <summary>
/// Sends requests again that failed with an error that may pass, after a wait that is drawn anew each time (full jitter), so that many who
/// failed together do not come back together. A put that is sent again may find what an attempt before has stored: that counts as stored.
/// </summary>
/// <remarks>A refusal of the circuit breaker (<see cref="StoreUnavailableException"/>) is handed on at once.</remarks>
/// <param name="inner">The store that does the work; disposed with this one.</param>
/// <param name="retries">How often a request is sent again, 0 or more. A listing that goes on counts anew.</param>
/// <param name="metrics">Counts them.</param>
/// <param name="time">Times the waits.</param>
/// <param name="random">Draws them; used by one call at a time.</param>
public sealed class RetryingObjectStore(IObjectStore inner, int retries, StoreMetrics metrics, TimeProvider time, Random random)
    : DelegatingObjectStore(inner)
{
    private readonly Lock _lock = new();

    public override Task<PutOutcome> PutAsync(string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        bool mayBeStored = false;
        return RunAsync(
            "put",
            async () =>
            {
                bool mayBeOwn = mayBeStored;
                mayBeStored = true;
                PutOutcome outcome = await Inner.PutAsync(key, content, cancellationToken);
                return outcome == PutOutcome.AlreadyExists && mayBeOwn && await OwnPut.IsStoredAsync(Inner, key, content, cancellationToken)
                    ? PutOutcome.Stored
                    : outcome;
            },
            cancellationToken);
    }

    public override async Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken) =>
        new Upload(this, await RunAsync("upload", () => Inner.StartUploadAsync(key, cancellationToken), cancellationToken));

    public override Task<int> AbortUploadsAsync(string prefix, DateTimeOffset startedBefore, CancellationToken cancellationToken) =>
        RunAsync("upload", () => Inner.AbortUploadsAsync(prefix, startedBefore, cancellationToken), cancellationToken);

    public override Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken) =>
        RunAsync("get", () => Inner.GetRangeAsync(key, position, destination, cancellationToken), cancellationToken);

    public override Task<byte[]> GetAsync(string key, CancellationToken cancellationToken) =>
        RunAsync("get", () => Inner.GetAsync(key, cancellationToken), cancellationToken);

    public override Task<long?> HeadAsync(string key, CancellationToken cancellationToken) =>
        RunAsync("head", () => Inner.HeadAsync(key, cancellationToken), cancellationToken);

    public override async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string? last = startAfter;
        int failures = 0;
        while (true)
        {
            await using IAsyncEnumerator<ObjectInfo> listing = Inner.ListAsync(prefix, last, cancellationToken).GetAsyncEnumerator(cancellationToken);
            while (true)
            {
                bool isMore;
                try
                {
                    isMore = await listing.MoveNextAsync();
                }
                catch (ObjectStoreException e) when (IsWorthARetry(e) && failures < retries)
                {
                    break;
                }
                if (!isMore)
                    yield break;
                last = listing.Current.Key;
                failures = 0;
                yield return listing.Current;
            }
            await BackOffAsync("list", failures++, cancellationToken);
        }
    }

    public override Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) =>
        RunAsync("delete", () => Inner.DeleteAsync(keys, cancellationToken), cancellationToken);

    private Task RunAsync(string operation, Func<Task> request, CancellationToken cancellationToken) => RunAsync(
        operation,
        async () =>
        {
            await request();
            return true;
        },
        cancellationToken);

    private async Task<T> RunAsync<T>(string operation, Func<Task<T>> request, CancellationToken cancellationToken)
    {
        for (int failures = 0; ; failures++)
        {
            try
            {
                return await request();
            }
            catch (ObjectStoreException e) when (IsWorthARetry(e) && failures < retries)
            {
            }
            await BackOffAsync(operation, failures, cancellationToken);
        }
    }

    private async Task BackOffAsync(string operation, int failures, CancellationToken cancellationToken)
    {
        TimeSpan longest = ResilienceSettings.FirstBackoff * Math.Pow(2, failures);
        if (longest > ResilienceSettings.LongestBackoff)
            longest = ResilienceSettings.LongestBackoff;
        TimeSpan wait;
        lock (_lock)
            wait = longest * random.NextDouble();
        await Task.Delay(wait, time, cancellationToken);
        metrics.Retried(operation);
    }

    private static bool IsWorthARetry(ObjectStoreException e) => e.IsTransient && e is not StoreUnavailableException;

    private sealed class Upload(RetryingObjectStore store, IMultipartUpload inner) : DelegatingUpload(inner)
    {
        public override Task AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken) =>
            store.RunAsync("part", () => base.AppendAsync(part, cancellationToken), cancellationToken);

        public override Task<PutOutcome> CompleteAsync(CancellationToken cancellationToken) =>
            store.RunAsync("upload", () => base.CompleteAsync(cancellationToken), cancellationToken);

        public override Task AbortAsync(CancellationToken cancellationToken) =>
            store.RunAsync("upload", () => base.AbortAsync(cancellationToken), cancellationToken);
    }
}
