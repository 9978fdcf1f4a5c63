namespace Warp.Actors.Cluster.Peers;

/// <summary>
/// Bounds how many calls are under way at a time, and how many bytes they have. Who finds no room waits its turn, first come, first
/// served. A call larger than all the room is let in once nothing else is. Thread-safe.
/// </summary>
internal sealed class CallWindow(int maxCalls, long maxBytes)
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiters = [];
    private int _calls;
    private long _bytes;
    private Func<Exception>? _closed;

    /// <summary>How many are under way.</summary>
    public int Calls
    {
        get
        {
            lock (_gate)
                return _calls;
        }
    }

    /// <summary>Takes room for one call.</summary>
    /// <exception cref="OperationCanceledException">Given up; nothing was taken.</exception>
    /// <exception cref="Exception">One of <see cref="Close"/>; nothing was taken.</exception>
    public ValueTask EnterAsync(int bytes, CancellationToken cancellationToken)
    {
        LinkedListNode<Waiter> node;
        lock (_gate)
        {
            if (_closed is { } closed)
                return ValueTask.FromException(closed());
            if (_waiters.Count == 0 && Fits(bytes))
            {
                Take(bytes);
                return ValueTask.CompletedTask;
            }
            node = _waiters.AddLast(new Waiter(bytes));
        }
        return new ValueTask(WaitAsync(node, cancellationToken));
    }

    /// <summary>Gives the room of one call back.</summary>
    public void Leave(int bytes)
    {
        lock (_gate)
        {
            _calls--;
            _bytes -= bytes;
            Admit();
        }
    }

    /// <summary>Fails those who wait, and everybody who comes.</summary>
    public void Close(Func<Exception> error)
    {
        Waiter[] waiters;
        lock (_gate)
        {
            _closed ??= error;
            waiters = [.. _waiters];
            _waiters.Clear();
        }
        foreach (Waiter waiter in waiters)
            waiter.Admitted.TrySetException(error());
    }

    private async Task WaitAsync(LinkedListNode<Waiter> node, CancellationToken cancellationToken)
    {
        using (cancellationToken.UnsafeRegister((_, token) => GiveUp(node, token), null))
            await node.Value.Admitted.Task;
    }

    private void GiveUp(LinkedListNode<Waiter> node, CancellationToken cancellationToken)
    {
        lock (_gate)
        {
            // Not in the list any more: it was admitted, and has its room, or failed.
            if (node.List is null)
                return;
            _waiters.Remove(node);
            Admit();
        }
        node.Value.Admitted.TrySetCanceled(cancellationToken);
    }

    private void Admit()
    {
        while (_waiters.First is { } first && Fits(first.Value.Bytes))
        {
            _waiters.RemoveFirst();
            Take(first.Value.Bytes);
            first.Value.Admitted.TrySetResult();
        }
    }

    private void Take(int bytes)
    {
        _calls++;
        _bytes += bytes;
    }

    private bool Fits(int bytes) => _calls == 0 || (_calls < maxCalls && _bytes + bytes <= maxBytes);

    private sealed record Waiter(int Bytes)
    {
        public TaskCompletionSource Admitted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
