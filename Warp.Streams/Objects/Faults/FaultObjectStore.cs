using System.Runtime.CompilerServices;

namespace Warp.Streams.Objects.Faults;

/// <summary>
/// Makes another store slow and unreliable, by a plan and its seed: what tests and chaos runs put between a node and its store. An upload
/// that fails is never visible in part, as the inner store shows whole objects only.
/// </summary>
/// <param name="inner">The store that does the work; disposed with this one.</param>
/// <param name="plan">What happens to the requests.</param>
/// <param name="time">Times what is slow.</param>
public sealed class FaultObjectStore(IObjectStore inner, FaultPlan plan, TimeProvider time) : DelegatingObjectStore(inner)
{
    private readonly FaultDice _dice = new(plan);

    public override Task<PutOutcome> PutAsync(
        string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken) =>
        RunAsync(key, isRead: false, () => Inner.PutAsync(key, content, cancellationToken), cancellationToken);

    public override async Task<IMultipartUpload> StartUploadAsync(string key, CancellationToken cancellationToken) => new Upload(
        this, await RunAsync(key, isRead: false, () => Inner.StartUploadAsync(key, cancellationToken), cancellationToken));

    public override Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken) =>
        RunAsync(key, isRead: true, () => Inner.GetRangeAsync(key, position, destination, cancellationToken), cancellationToken);

    public override Task<byte[]> GetAsync(string key, CancellationToken cancellationToken) =>
        RunAsync(key, isRead: true, () => Inner.GetAsync(key, cancellationToken), cancellationToken);

    public override Task<long?> HeadAsync(string key, CancellationToken cancellationToken) =>
        RunAsync(key, isRead: true, () => Inner.HeadAsync(key, cancellationToken), cancellationToken);

    public override async IAsyncEnumerable<ObjectInfo> ListAsync(
        string prefix, string? startAfter, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        RequestFate fate = _dice.Next(isRead: true);
        await WaitAsync(fate.Wait, cancellationToken);
        if (fate.Kind == FateKind.Fail)
            throw Failure(null);
        if (fate.Kind == FateKind.Silent)
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        int read = 0;
        await foreach (ObjectInfo info in Inner.ListAsync(prefix, startAfter, cancellationToken))
        {
            // After its effect means: in the middle, when some objects have been seen.
            if (fate.Kind is FateKind.FailAfterEffect or FateKind.SilentAfterEffect && ++read > 3)
                throw Failure(null);
            if (time.GetUtcNow() - info.LastModified >= plan.ListDelay || plan.ListDelay == TimeSpan.Zero)
                yield return info;
        }
    }

    public override Task DeleteAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken) => RunAsync(
        null,
        isRead: false,
        async () =>
        {
            await Inner.DeleteAsync(keys, cancellationToken);
            return true;
        },
        cancellationToken);

    private async Task<T> RunAsync<T>(string? key, bool isRead, Func<Task<T>> request, CancellationToken cancellationToken)
    {
        RequestFate fate = _dice.Next(isRead);
        long started = time.GetTimestamp();
        await WaitAsync(fate.Wait / 2, cancellationToken);
        T result = default!;
        if (fate.Kind is FateKind.Succeed or FateKind.FailAfterEffect or FateKind.SilentAfterEffect)
            result = await request();
        await WaitAsync(fate.Wait - time.GetElapsedTime(started), cancellationToken);
        if (fate.Kind is FateKind.Silent or FateKind.SilentAfterEffect)
            await Task.Delay(Timeout.InfiniteTimeSpan, time, cancellationToken);
        return fate.Kind == FateKind.Succeed ? result : throw Failure(key);
    }

    private Task WaitAsync(TimeSpan wait, CancellationToken cancellationToken) =>
        wait > TimeSpan.Zero ? Task.Delay(wait, time, cancellationToken) : Task.CompletedTask;

    private ObjectStoreException Failure(string? key) =>
        new(Description, key, "It answers 503, as the plan of its faults says. Try again.", isTransient: true);

    private sealed class Upload(FaultObjectStore store, IMultipartUpload inner) : DelegatingUpload(inner)
    {
        /// <summary>Fails before its effect only: the inner upload would count a part that had its effect, and the repeated one
        /// too.</summary>
        public override async Task AppendAsync(IReadOnlyList<ReadOnlyMemory<byte>> part, CancellationToken cancellationToken)
        {
            await store.RunAsync(Key, isRead: false, static () => Task.FromResult(true), cancellationToken);
            await base.AppendAsync(part, cancellationToken);
        }

        public override Task<PutOutcome> CompleteAsync(CancellationToken cancellationToken) =>
            store.RunAsync(Key, isRead: false, () => base.CompleteAsync(cancellationToken), cancellationToken);
    }
}
