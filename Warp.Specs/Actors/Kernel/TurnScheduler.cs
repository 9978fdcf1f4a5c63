namespace Warp.Specs.Actors.Kernel;

/// <summary>
/// Runs the turns of actors on the test's own thread, one after the other in the order in which they came, and only when told to.
/// </summary>
internal sealed class TurnScheduler : TaskScheduler
{
    private readonly Queue<Task> _queue = new();

    /// <summary>Runs what there is to run, and what comes of it.</summary>
    public void Run()
    {
        while (Next() is { } task)
            TryExecuteTask(task);
    }

    protected override void QueueTask(Task task)
    {
        lock (_queue)
            _queue.Enqueue(task);
    }

    protected override bool TryExecuteTaskInline(Task task, bool taskWasPreviouslyQueued) => false;

    protected override IEnumerable<Task> GetScheduledTasks()
    {
        lock (_queue)
            return [.. _queue];
    }

    private Task? Next()
    {
        lock (_queue)
            return _queue.TryDequeue(out Task? task) ? task : null;
    }
}
