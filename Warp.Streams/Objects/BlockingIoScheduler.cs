namespace Warp.Streams.Objects;

/// <summary>
/// Runs blocking system calls on a few threads of its own. An fsync takes milliseconds; two of them at once would stop everything
/// else on a machine with two cores if they ran on the thread pool. Threads start when they are needed and end with the scheduler.
/// </summary>
/// <param name="maxThreads">How many calls may block at once.</param>
internal sealed class BlockingIoScheduler(int maxThreads) : TaskScheduler, IDisposable
{
    private readonly Lock _lock = new();
    private readonly Queue<Task> _queue = [];
    private readonly SemaphoreSlim _queued = new(0);
    private int _threads;
    private int _idle;
    private bool _disposed;

    public override int MaximumConcurrencyLevel => maxThreads;

    /// <summary>Runs a call on one of the threads. It is not interrupted; the token only keeps it from starting.</summary>
    public Task<T> RunAsync<T>(Func<T> call, CancellationToken cancellationToken) =>
        Task.Factory.StartNew(call, cancellationToken, TaskCreationOptions.DenyChildAttach, this);

    /// <summary>The threads end when everything that is queued has run.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            _disposed = true;
            _queued.Release(Math.Max(1, _threads));
        }
    }

    protected override void QueueTask(Task task)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _queue.Enqueue(task);
            if (_idle < _queue.Count && _threads < maxThreads)
            {
                _threads++;
                new Thread(Work) { IsBackground = true, Name = "warp blocking I/O" }.Start();
            }
        }
        _queued.Release();
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_lock)
            return [.. _queue];
    }

    private void Work()
    {
        while (Next() is { } task)
            TryExecuteTask(task);
    }

    private Task? Next()
    {
        lock (_lock)
            _idle++;
        _queued.Wait();
        lock (_lock)
        {
            _idle--;
            return _queue.TryDequeue(out Task? task) ? task : null;
        }
    }
}
