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
    private readonly TaskCompletionSource<T>? _source;
    private readonly Action<Reply<T>>? _answered;
    private int _isAnswered;

    /// <summary>For an asker who awaits <see cref="Task"/>.</summary>
    public Reply() =>
        // Continuations run on the asker's scheduler, never inside the actor's turn.
        _source = new TaskCompletionSource<T>(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>For an asker who asks all the time, and needs no task for it.</summary>
    /// <param name="answered">
    /// Called once, inside the turn of who answers: it must do no more than have the asker look at <see cref="Value"/> and <see cref="Error"/>.
    /// </param>
    public Reply(Action<Reply<T>> answered) => _answered = answered;

    public Task<T> Task => _source?.Task ?? throw new InvalidOperationException("Who asked is told of the answer.");

    /// <summary>The answer that <c>answered</c> was called for, if it is no <see cref="Error"/>.</summary>
    public T? Value { get; private set; }

    /// <summary>Why there will be no answer.</summary>
    public Exception? Error { get; private set; }

    public void Set(T value)
    {
        if (_source is not null)
            _source.TrySetResult(value);
        else
            Answer(value, null);
    }

    public void Fail(Exception error)
    {
        if (_source is not null)
            _source.TrySetException(error);
        else
            Answer(default, error);
    }

    private void Answer(T? value, Exception? error)
    {
        if (Interlocked.Exchange(ref _isAnswered, 1) != 0)
            return;
        Value = value;
        Error = error;
        _answered!(this);
    }
}

/// <summary>The actor stopped or failed before it could answer. Whether it acted on the question is unknown.</summary>
public sealed class ActorStoppedException : Exception
{
    public ActorStoppedException(string actor, Exception? cause = null)
        : base($"The actor {actor} stopped before it answered.", cause)
    {
    }
}
