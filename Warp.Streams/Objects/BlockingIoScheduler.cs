namespace Warp.Streams.Objects;

/// <summary>
/// Runs blocking system calls on a few threads of its own. An fsync takes milliseconds; two of them at once would stop everything
/// else on a machine with two cores if they ran on the thread pool. Threads start when they are needed and end with the scheduler.
/// </summary>
/// <param name="maxThreads">How many calls may block at once.</param>
internal sealed class BlockingIoScheduler(int maxThreads) : TaskScheduler, IDisposable
{
    /// <summary>A monitor, since threads that wait for one sleep at once: on a semaphore they would spin before, after every call.</summary>
    private readonly object _monitor = new();
    private readonly Queue<Task> _queue = [];
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
        lock (_monitor)
        {
            _disposed = true;
            Monitor.PulseAll(_monitor);
        }
    }

    protected override void QueueTask(Task task)
    {
        lock (_monitor)
        {
            ObjectDisposedException.ThrowIf(_disposed, this);
            _queue.Enqueue(task);
            if (_idle < _queue.Count && _threads < maxThreads)
            {
                _threads++;
                new Thread(Work) { IsBackground = true, Name = "warp blocking I/O" }.Start();
            }
            Monitor.Pulse(_monitor);
        }
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_monitor)
            return [.. _queue];
    }

    private void Work()
    {
        while (Next() is { } task)
            TryExecuteTask(task);
    }

    private Task? Next()
    {
        lock (_monitor)
        {
            _idle++;
            Task? task;
            while (!_queue.TryDequeue(out task) && !_disposed)
                Monitor.Wait(_monitor);
            _idle--;
            return task;
        }
    }
}
