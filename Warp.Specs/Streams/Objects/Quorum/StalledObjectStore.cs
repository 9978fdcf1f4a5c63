using Warp.Streams.Objects;

namespace Warp.Specs.Streams.Objects.Quorum;

/// <summary>A store whose reads and puts wait until they are let through or cancelled.</summary>
internal sealed class StalledObjectStore() : DelegatingObjectStore(new MemoryObjectStore(TimeProvider.System))
{
    private readonly TaskCompletionSource _released = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private int _waiting;
    private int _requests;

    /// <summary>How many requests wait.</summary>
    public int Waiting => Volatile.Read(ref _waiting);

    /// <summary>How many requests have come.</summary>
    public int Requests => Volatile.Read(ref _requests);

    /// <summary>Lets all through, now and later.</summary>
    public void Release() => _released.TrySetResult();

    public override async Task<PutOutcome> PutAsync(
        string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        await WaitAsync(cancellationToken);
        return await base.PutAsync(key, content, cancellationToken);
    }

    public override async Task<int> GetRangeAsync(string key, long position, Memory<byte> destination, CancellationToken cancellationToken)
    {
        await WaitAsync(cancellationToken);
        return await base.GetRangeAsync(key, position, destination, cancellationToken);
    }

    private async Task WaitAsync(CancellationToken cancellationToken)
    {
        Interlocked.Increment(ref _requests);
        Interlocked.Increment(ref _waiting);
        try
        {
            await _released.Task.WaitAsync(cancellationToken);
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }
}
