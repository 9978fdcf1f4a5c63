namespace Warp.Specs.Actors.Cluster.Peers;

/// <summary>The thread pool, but that a test can hold back what has not begun yet.</summary>
internal sealed class HeldScheduler : TaskScheduler
{
    private readonly Lock _gate = new();
    private readonly Queue<Task> _held = new();
    private bool _isHeld;

    /// <summary>How much is held back.</summary>
    public int HeldCount
    {
        get
        {
            lock (_gate)
                return _held.Count;
        }
    }

    /// <summary>Nothing begins any more.</summary>
    public void Hold()
    {
        lock (_gate)
            _isHeld = true;
    }

    /// <summary>All that was held back begins.</summary>
    public void Release()
    {
        Task[] tasks;
        lock (_gate)
        {
            _isHeld = false;
            tasks = [.. _held];
            _held.Clear();
        }
        foreach (Task task in tasks)
            Run(task);
    }

    protected override IEnumerable<Task> GetScheduledTasks() => [];

    protected override void QueueTask(Task task)
    {
        lock (_gate)
        {
            if (_isHeld)
            {
                _held.Enqueue(task);
                return;
            }
        }
        Run(task);
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    private void Run(Task task) => ThreadPool.UnsafeQueueUserWorkItem(_ => TryExecuteTask(task), null);
}
