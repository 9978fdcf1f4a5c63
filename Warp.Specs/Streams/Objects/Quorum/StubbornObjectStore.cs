using Warp.Streams.Objects;

namespace Warp.Specs.Streams.Objects.Quorum;

/// <summary>A store whose puts, like writes to a disk that have begun, do not heed their cancellation.</summary>
internal sealed class StubbornObjectStore() : DelegatingObjectStore(new MemoryObjectStore(TimeProvider.System))
{
    private readonly TaskCompletionSource _cancelled = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Ends when a put is cancelled.</summary>
    public Task WhenCancelled => _cancelled.Task;

    /// <summary>Has the puts take their bytes and end.</summary>
    public void End() => _ended.SetResult();

    public override async Task<PutOutcome> PutAsync(
        string key, IReadOnlyList<ReadOnlyMemory<byte>> content, CancellationToken cancellationToken)
    {
        using CancellationTokenRegistration registration = cancellationToken.Register(() => _cancelled.TrySetResult());
        await _ended.Task;
        return await base.PutAsync(key, content, CancellationToken.None);
    }
}
