namespace Warp.Node.Network;

/// <summary>
/// Bounds the bytes of all requests that are held at the same time. Who wants more than is left waits its turn, first come, first served,
/// so that large requests are not starved by small ones. Thread-safe.
/// </summary>
/// <remarks>A request larger than the whole budget is let in once nothing else is held: no request waits for ever.</remarks>
public sealed class BufferBudget
{
    private readonly Lock _gate = new();
    private readonly LinkedList<Waiter> _waiters = [];
    private long _used;

    /// <param name="capacityBytes">The bound, 1 or more.</param>
    public BufferBudget(long capacityBytes)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(capacityBytes, 1);
        CapacityBytes = capacityBytes;
        Returned = Return;
    }

    public long CapacityBytes { get; }

    /// <summary>What is held now.</summary>
    public long UsedBytes
    {
        get
        {
            lock (_gate)
                return _used;
        }
    }

    /// <summary>How many wait.</summary>
    public int WaitingCount
    {
        get
        {
            lock (_gate)
                return _waiters.Count;
        }
    }

    /// <summary>Gives bytes back that <see cref="TakeAsync"/> took; in the form that a pooled buffer calls it.</summary>
    public Action<int> Returned { get; }

    /// <summary>Takes bytes, after everybody who came before.</summary>
    /// <exception cref="OperationCanceledException">Given up; nothing was taken.</exception>
    public ValueTask TakeAsync(int bytes, CancellationToken cancellationToken)
    {
        LinkedListNode<Waiter> node;
        lock (_gate)
        {
            if (_waiters.Count == 0 && Fits(bytes))
            {
                _used += bytes;
                return ValueTask.CompletedTask;
            }
            node = _waiters.AddLast(new Waiter(bytes));
        }
        return new ValueTask(WaitAsync(node, cancellationToken));
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
            // Not in the list any more: it has been admitted, and owns its bytes.
            if (node.List is null)
                return;
            _waiters.Remove(node);
            AdmitWaiters();
        }
        node.Value.Admitted.TrySetCanceled(cancellationToken);
    }

    private void Return(int bytes)
    {
        lock (_gate)
        {
            _used -= bytes;
            AdmitWaiters();
        }
    }

    private void AdmitWaiters()
    {
        while (_waiters.First is { } first && Fits(first.Value.Bytes))
        {
            _waiters.RemoveFirst();
            _used += first.Value.Bytes;
            first.Value.Admitted.TrySetResult();
        }
    }

    private bool Fits(int bytes) => _used == 0 || _used + bytes <= CapacityBytes;

    private sealed record Waiter(int Bytes)
    {
        public TaskCompletionSource Admitted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}
