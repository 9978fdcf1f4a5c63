using System.Runtime.CompilerServices;

namespace Warp.Streams.Objects.Resilience;

/// <summary>
/// Ends requests that take too long, as errors that may pass. The request has really ended then, and with it the use of its buffers; a
/// store whose requests cannot be interrupted (a folder) is waited for.
/// </summary>
/// <param name="inner">The store that does the work; disposed with this one.</param>
/// <param name="timeout">How long a request may take, on top of what its bytes take at
/// <see cref="ResilienceSettings.SlowestBytesPerSecond"/>. For a listing: between one page and the next.</param>
/// <param name="time">Measures it.</param>
public sealed class DeadlineObjectStore(IObjectStore inner, TimeSpan timeout, TimeProvider time) : DelegatingObjectStore(inner)
{
    /// <summary>Objects that are read whole are mostly tiny; how long one is shows only in the answer.</summary>
    private const long WholeObjectAllowance = 8 << 20;

    public override Task<PutOutcome> PutAsync(
        string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken) =>
        RunAsync(key, ObjectStores.LengthOf(content), token => Inner.PutAsync(key, content, token), cancellationToken);

    public override async Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken) =>
        new Upload(this, await RunAsync(key, 0, token => Inner.StartUploadAsync(key, token), cancellationToken));

    public override Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken) =>
        RunAsync(key, destination.Length, token => Inner.GetRangeAsync(key, position, destination, token), cancellationToken);

    public override Task<byte[]> GetAsync(string key, CancellationToken cancellationToken) =>
        RunAsync(key, WholeObjectAllowance, token => Inner.GetAsync(key, token), cancellationToken);

    public override Task<long?> HeadAsync(string key, CancellationToken cancellationToken) =>
        RunAsync(key, 0, token => Inner.HeadAsync(key, token), cancellationToken);

    public override async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        using var stop = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        await using IAsyncEnumerator<ObjectInfo> listing = Inner.ListAsync(prefix, startAfter, stop.Token).GetAsyncEnumerator(stop.Token);
        while (await NextAsync(listing, stop, cancellationToken))
            yield return listing.Current;
    }

    public override Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) => RunAsync(
        null,
        0,
        async token =>
        {
            await Inner.DeleteAsync(keys, token);
            return true;
        },
        cancellationToken);

    private async Task<T> RunAsync<T>(string? key, long bytes, Func<CancellationToken, Task<T>> request, CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        TimeSpan limit = timeout + TimeSpan.FromSeconds((double)bytes / ResilienceSettings.SlowestBytesPerSecond);
        using var deadline = new CancellationTokenSource(limit, time);
        using var either = CancellationTokenSource.CreateLinkedTokenSource(deadline.Token, cancellationToken);
        try
        {
            return await request(either.Token);
        }
        catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested && deadline.IsCancellationRequested)
        {
            throw TooLate(key, limit, e);
        }
    }

    /// <summary>Most objects of a page are there at once, and cost no timer.</summary>
    private ValueTask<bool> NextAsync(
        IAsyncEnumerator<ObjectInfo> listing, CancellationTokenSource stop, CancellationToken cancellationToken)
    {
        ValueTask<bool> next = listing.MoveNextAsync();
        return next.IsCompletedSuccessfully ? next : WaitAsync(next.AsTask());

        async ValueTask<bool> WaitAsync(Task<bool> page)
        {
            using var over = new CancellationTokenSource(timeout, time);
            await using CancellationTokenRegistration registration = over.Token.Register(stop.Cancel);
            try
            {
                return await page;
            }
            catch (OperationCanceledException e) when (!cancellationToken.IsCancellationRequested && over.IsCancellationRequested)
            {
                throw TooLate(null, timeout, e);
            }
        }
    }

    private ObjectStoreException TooLate(string? key, TimeSpan limit, Exception cause) => new(
        Description,
        key,
        $"No answer within {limit.TotalSeconds:0.###} s. If this goes on, look at the store and the network, or raise warp.store.attempt-timeout.",
        isTransient: true,
        cause);

    private sealed class Upload(DeadlineObjectStore store, IMultipartUpload inner) : DelegatingUpload(inner)
    {
        public override Task AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken) => store.RunAsync(
            Key,
            ObjectStores.LengthOf(part),
            async token =>
            {
                await base.AppendAsync(part, token);
                return true;
            },
            cancellationToken);

        public override Task<PutOutcome> CompleteAsync(CancellationToken cancellationToken) =>
            store.RunAsync(Key, 0, token => base.CompleteAsync(token), cancellationToken);

        public override Task AbortAsync(CancellationToken cancellationToken) => store.RunAsync(
            Key,
            0,
            async token =>
            {
                await base.AbortAsync(token);
                return true;
            },
            cancellationToken);
    }
}
