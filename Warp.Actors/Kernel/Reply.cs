namespace Warp.Actors.Kernel;

/// <summary>A message that somebody waits on. The kernel fails it when its actor stops or fails before it answered.</summary>
public interface IAsk
{
    /// <summary>Ends the wait with an error; does nothing once answered.</summary>
    void Fail(Exception error);
}

/// <summary>The one answer to a question. The first of <see cref="Set"/> and <see cref="Fail"/> wins. Thread-safe.</summary>
public sealed class Reply<T> : IAsk
{
    // Continuations run on the asker's scheduler, never inside the actor's turn.
    private readonly TaskCompletionSource<T> _source = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public Task<T> Task => _source.Task;

    public void Set(T value) => _source.TrySetResult(value);

    public void Fail(Exception error) => _source.TrySetException(error);
}

/// <summary>The actor stopped or failed before it could answer. Whether it acted on the question is unknown.</summary>
public sealed class ActorStoppedException : Exception
{
    public ActorStoppedException(string actor, Exception? cause = null)
        : base($"The actor {actor} stopped before it answered.", cause)
    {
    }
}
